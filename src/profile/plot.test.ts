// Timelines of profiles as real systems write them: long, with many pauses, with colours of all sorts.
import assert from "node:assert/strict";
import test from "node:test";
import { busyTime } from "./busy-time.ts";
import { placed, plotProfile } from "./plot.ts";
import type { ProfileInstance } from "./profile-file.ts";

const measured = (name: string, color: string, start: number, stop: number): ProfileInstance => {
  return { name, color, start, stop };
};

/** Blocks of the colour in an SVG; those of its legend have no such edge. */
const blocks = (svg: string, color: string) =>
  svg.split(`fill="${color}" stroke="white" stroke-width="0.5"`).length - 1;

test("S118: the axis leaves out the longest idle times only, and none that would not be missed", () => {
  const at = (start: number) => measured("turn", "red", start, start + 1);
  const rare = Array.from({ length: 20 }, (_, i) => at(2 ** (i + 4)));
  const { gaps, length } = busyTime(rare);
  assert.equal(gaps.length, 16, "there are 19");
  assert.deepEqual(
    gaps.map(({ us }) => us),
    rare.slice(3, 19).map(({ start }) => start - 1),
  );
  assert.ok(length > 2 ** 7 - 2 ** 4, "the others are there at full length");
  const regular = Array.from({ length: 1000 }, (_, i) => at(i * 1000));
  assert.deepEqual(busyTime(regular).gaps, []);
  assert.equal(busyTime(regular).length, 999_001);
});

test("S118: labels of idle times do not touch each other", () => {
  const gaps = [10, 20, 30, 40, 400].map((at) => ({ at, us: 600 }));
  const labels = placed(gaps, 1);
  assert.deepEqual(labels, [
    { at: 10, label: "0.6 ms", row: 0 },
    { at: 20, label: "0.6 ms", row: 1 },
    { at: 30, label: "0.6 ms", row: 2 },
    { at: 40, label: "0.6 ms", row: 3 },
    { at: 400, label: "0.6 ms", row: 0 },
  ]);
  const short = placed([{ at: 10, us: 12.3 }], 1);
  assert.equal(short[0]!.label, "0.012 ms", "no time is 0 ms");
});

test("S118: 200,000 measurements are a plot, of as many blocks as can be told apart", async () => {
  const turns = Array.from({ length: 200_000 }, (_, i) => measured(`turn ${i % 2}`, "red", i * 3, i * 3 + 2));
  const svg = await plotProfile({ version: "2.1", instances: turns });
  const drawn = blocks(svg, "#d62728");
  assert.ok(drawn >= 2 && drawn <= 1300, `${drawn}`);
  assert.ok(svg.includes("200,000 µs (100000)"), "the total is of all");
});

test("S118: blocks that do not overlap stay apart, and so do colours of one row", async () => {
  const instances = [
    measured("a", "red", 0, 10),
    measured("a", "red", 11, 20),
    measured("a", "blue", 15, 30),
    measured("a", "red", 100, 110),
  ];
  const svg = await plotProfile({ version: "2.1", instances });
  assert.deepEqual([blocks(svg, "#d62728"), blocks(svg, "#1f4fd6")], [3, 1]);
});

test("S118: a colour that the thesis has not is drawn as it is called, whatever that is", async () => {
  const instances = ["orange", "constructor", "__proto__"].map((color, i) => measured("a", color, i * 10, i * 10 + 5));
  const svg = await plotProfile({ version: "2.1", instances });
  for (const text of [">orange<", ">constructor<", ">__proto__<", 'fill="orange"']) assert.ok(svg.includes(text), text);
});
