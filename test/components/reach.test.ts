// The AssemblyScript SDK reaches as far as the one in C++: a component that uses what the others there do not (S3, S116).
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CoreSystem, config } from "../support/core-system.ts";
import { child, runComponents } from "./rig.ts";

const CONFIG = `<config limit="4K" mask="0x1f"><!-- <item/> --><item name="a &amp; b" on="yes">one &lt; two</item>
  <group><item name="inner"/></group><item on='no'/></config>`;
const reach = (ram: string) => child("reach", CONFIG, { app: "as-reach", windows: true, ram });

const LINES = [
  "config limit 4096, mask 0x1f",
  "item a & b on: one < two",
  'group without a name off: <item name="inner"/>',
  "item without a name off: ",
  "Warning: sliced heap could not free memory block: 0x is not allocated here",
  "sliced: 12288, 8192, 0, rtcr:heap block",
  "mapped 22 11",
  "read-only 33",
  "reported yes, too long no",
  "threads: 60 turns, 0 collisions",
  "statuses: 0 of another thread",
  "doubled 42",
  "application run 1, 3 signals",
  "waited: 1 application, 1 I/O",
  "application run 2, 1 signals",
  "too much: out-of-ram",
  "with more: ok",
];

for (const every of [0, 53, 13]) {
  test(`S3, S31, S35, S48, S116: as-reach${every ? ` made anew at every ${every}th safe point` : ""}`, async () => {
    let system: CoreSystem | undefined;
    let given = false;
    const reports: string[] = [];
    const run = await runComponents({
      apps: ["as-reach"],
      start: reach("16M"),
      every,
      reported: (label, report) => reports.push(`${label}: ${new TextDecoder().decode(report)}`),
      begin: (begun) => {
        system = begun;
      },
      // there is more for it when it has been refused
      done: (lines) => {
        if (!given && lines.some((line) => line.includes("too much"))) {
          given = true;
          system!.configure(config(reach("64M")));
        }
        return false;
      },
    });
    const lines = run.of("reach").map((line) => line.replace(/block: 0x[0-9a-f]+/, "block: 0x"));
    assert.deepEqual(lines, LINES, [...run.lines, ...run.warnings].join("\n"));
    assert.deepEqual(run.of("reach -> side"), ["aside"]);
    assert.deepEqual(
      reports.filter((report) => report.includes("news")),
      ["init -> reach -> news: <news/>"],
    );
    assert.ok(run.lines.includes('[init] child "reach" exited with exit value 0'));
    assert.ok(!every || run.recreations > 10, `${run.recreations} of ${run.points}`);
  });
}
