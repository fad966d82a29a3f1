// What does a scope cost, off and on, beside the work that RTCR does in one?
//
//   npm run bench -- scopes [--json FILE] [--rounds N]
//
// bare: the loop alone; off: with a scope around each turn and nobody recording; on: recorded (two looks at the clock).
// Nanoseconds a turn. A turn adds up a small array, so that it cannot be left out.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { beginScope, endScope, Recorder, startProfile, stopProfile } from "../src/profile/index.ts";
import { interleave, median, minimum, rounded, timed } from "./measure.ts";

const TURNS = 50_000;
const numbers = Array.from({ length: 16 }, (_, i) => i);
let sink = 0;

function work(): void {
  for (const number of numbers) sink = (sink + number) | 0;
}

function bare(): void {
  for (let i = 0; i < TURNS; i++) work();
}

function scoped(): void {
  for (let i = 0; i < TURNS; i++) {
    const scope = beginScope("Memcpy", "blue");
    work();
    endScope(scope);
  }
}

function recorded(): void {
  startProfile(recorder);
  scoped();
  stopProfile();
}

let recorder = new Recorder("bench", { capacity: TURNS });

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: "string" }, rounds: { type: "string", default: "200" } },
  });
  const rounds = Number(values.rounds);
  const on = () => {
    recorder = new Recorder("bench", { capacity: TURNS });
    return timed(recorded);
  };
  const variants = [
    { name: "bare", run: () => timed(bare) },
    { name: "off", run: () => timed(scoped) },
    { name: "on", run: on },
    { name: "bare again", run: () => timed(bare) },
  ];
  interleave(variants, 20); // compiled before it is measured
  const samples = interleave(variants, rounds);
  const ns = (ms: number) => rounded((ms * 1e6) / TURNS, 2);
  const rows = [...samples].map(([name, times]) => ({ name, least: ns(minimum(times)), median: ns(median(times)) }));
  console.log("nanoseconds a turn");
  console.table(rows);
  const result = { bench: "scopes", rounds, node: process.version, rows, sink };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  return 0;
}
