// What does redundant memory cost a program, and how long are pauses with it?
//
//   npm run bench -- redundant [--json FILE] [--rounds N] [--copies N] [--only NAME,NAME] [--checkpoints N]
//
// stores: programs plain, rewritten (rtcr), with marks, with a mirror (mirror); times in relation to plain, and code sizes
// pause:  a child with a dataspace of 64 MiB writes so many pages of it between two checkpoints: full ones, increments (inc),
//         from redundant memory (red), in turns. Milliseconds, medians: the pause (from hold to release), the whole call, in
//         which a child on CPU 0 does not run either, and a piece of what is put off behind it, with their number

import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { buildComponents, componentNamed } from "../scripts/build-guests.ts";
import { Mirror } from "../src/engine/index.ts";
import { IncrementalContents, PreparedProvider, RedundantContents, UntouchedProvider } from "../src/rtcr/index.ts";
import { MIRROR_SLOTS } from "../src/session/index.ts";
import { FORM_OPTIONS, geomeans, type MeasuredProgram, measureProgram, type RewrittenForm } from "./forms.ts";
import { median, rounded } from "./measure.ts";
import { OneChild } from "./one-child.ts";
import { benchPrograms } from "./programs.ts";

const FORMS = {
  rtcr: { options: {} },
  marks: { options: { marks: true } },
  mirror: { options: { mirror: true }, prepare: () => ({ mirror: new Mirror(MIRROR_SLOTS.least) }) },
} as const satisfies Record<string, RewrittenForm>;

const CHILD = "rtcr_redmem";
const PAGES = 64 * 256;
const WRITTEN = [1, 256, 2048, PAGES] as const;
const MODULES = ["full", "inc", "red"] as const;
type Module = (typeof MODULES)[number];

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { ...FORM_OPTIONS, checkpoints: { type: "string", default: "9" } },
  });
  const load = loadavg()[0];
  await buildComponents([componentNamed(CHILD)]);
  const pauses: Record<string, Record<string, number>> = {};
  for (const written of WRITTEN) {
    for (const module of MODULES) {
      pauses[`${module}, ${written} pages`] = await pausesOf(module, written, Number(values.checkpoints));
    }
  }
  console.table(pauses);
  const counts = { rounds: Number(values.rounds), copies: Number(values.copies) };
  const rows: MeasuredProgram<keyof typeof FORMS>[] = [];
  for (const program of await benchPrograms(values.only.split(","))) rows.push(measureProgram(program, FORMS, counts));
  console.table(Object.fromEntries(rows.map(({ name, plainMs, minima }) => [name, { plainMs, ...minima }])));
  const result = {
    ...{ bench: "redundant", pauses, programs: rows, load, node: process.version, v8: process.versions.v8 },
    minimaGeomean: geomeans(rows.map(({ minima }) => minima)),
    codeSize: geomeans(rows.map((row) => row.codeSize)),
  };
  console.log(
    `geomean: ${JSON.stringify(result.minimaGeomean)}; code size: ${JSON.stringify(result.codeSize)}; load ${load}`,
  );
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  return 0;
}

/** Times how long each piece takes that is put off. */
class TimedContents extends RedundantContents {
  readonly pieces: number[] = [];

  override work(): boolean {
    const begin = performance.now();
    const more = super.work();
    this.pieces.push(performance.now() - begin);
    return more;
  }
}

async function pausesOf(module: Module, written: number, checkpoints: number): Promise<Record<string, number>> {
  const system = new OneChild(CHILD, `<config pages="${PAGES}" written="${written}" iterations="100000"/>`);
  const contents = new TimedContents(new UntouchedProvider());
  const increments = new IncrementalContents();
  const provider = new PreparedProvider();
  const at = new Map<string, number>();
  const rtcr = await system.begin({
    provider,
    keeper: () => ({ full: undefined, inc: increments, red: contents })[module],
    marks: () => module === "inc",
    mirrorSlots: () => (module === "red" ? MIRROR_SLOTS.least : undefined),
    atPhase: (phase) => void at.set(phase, performance.now()),
  });
  const [pause, call]: [number[], number[]] = [[], []];
  for (let i = 0; i <= checkpoints; i++) {
    await system.said();
    await new Promise((resolve) => setImmediate(resolve)); // no component is on the JavaScript stack then
    provider.prepare(new Uint8Array(new SharedArrayBuffer(rtcr.checkpointBytes("x"))).fill(1));
    const begin = performance.now();
    const { lease } = rtcr.checkpoint("x");
    const end = performance.now();
    while (contents.unfinished > 0) await new Promise((resolve) => setImmediate(resolve));
    lease.release();
    if (i === 0) continue; // of what it has written since it began
    pause.push(at.get("release")! - at.get("hold")!);
    call.push(end - begin);
  }
  system.dispose();
  increments.dispose();
  return {
    "pause ms": rounded(median(pause), 2),
    "call ms": rounded(median(call), 2),
    "piece ms": contents.pieces.length === 0 ? 0 : rounded(median(contents.pieces), 2),
    pieces: Math.round(contents.pieces.length / (checkpoints + 1)),
  };
}
