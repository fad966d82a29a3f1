// Restores that stand by, in rigs: until all is ready, and what is there when they have gone on.
import assert from "node:assert/strict";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { RtcrFault } from "../../src/rtcr/index.ts";
import { component, Rig, type RigOptions, throughImage } from "./rig.ts";

export const COUNTERS = '<config turns="4" iterations="20"/>';
export const SHEEP: RigOptions = {
  children: [{ name: "prog", inside: COUNTERS }],
  binaries: { prog: component("sheep_counter") },
};

/** A rig whose restore stands by until `proceed`. */
export class Waiting {
  readonly rig: Rig;
  ready = 0;
  wanted: boolean;

  constructor(options: RigOptions, system: SystemCheckpoint, wanted = true) {
    this.wanted = wanted;
    this.rig = new Rig({
      ...{ ...options, restore: system },
      standby: () => this.wanted,
      standingBy: () => this.ready++,
    });
  }

  /** Until it is ready so many times in all, or something else holds. */
  async until(wanted: number | (() => boolean)): Promise<void> {
    const done = typeof wanted === "number" ? () => this.ready >= wanted : wanted;
    for (let turn = 0; !done(); turn++) {
      assert.ok(turn < 1000, `it stands by: ${this.rig.outcomes.join()} ${this.rig.tree.lines.slice(-3).join("; ")}`);
      await this.rig.rest(() => false);
      this.rig.tree.advance(1000);
    }
  }

  /** Another checkpoint takes the place of the one before; until it is ready for that. */
  async again(system: SystemCheckpoint, ended?: () => void): Promise<void> {
    const { ready } = this;
    this.rig.rtcr.restore(system, ended);
    await this.until(ready + 1);
  }

  /** Some time passes, in which nobody runs who could. */
  async pass(): Promise<void> {
    for (let step = 0; step < 5; step++) {
      await this.rig.rest(() => false);
      this.rig.tree.advance(1000);
    }
  }
}

/** The system at a safe point, and what was said until then. */
export async function stopped(options: RigOptions, point: number) {
  const rig = new Rig(options);
  try {
    assert.ok(await rig.run(point), `the children stand at point ${point}`);
    const { system } = rig.rtcr.checkpoint("standby");
    return { system: await throughImage(system), lines: rig.lines };
  } finally {
    rig.close();
  }
}

/** Bytes of the memories of components, as their programs see them. */
export function memories(rig: Rig): readonly (readonly [string, number])[] {
  return rig.tree.core.kernel.components.flatMap((each): (readonly [string, number])[] =>
    each.loaded ? [[each.label, each.engine.memories(0)?.[0]?.buffer.byteLength ?? 0]] : [],
  );
}

/**
 * What is there right after a restore of the last of some checkpoints.
 *
 * @param standby it stands by first, for each of them in turn
 */
export async function afterwards(options: RigOptions, systems: readonly SystemCheckpoint[], standby: boolean) {
  const seen: { readonly again: SystemCheckpoint; readonly sizes: ReturnType<typeof memories> }[] = [];
  const restoredIn = () => seen.push({ again: made.rig.rtcr.checkpoint("again").system, sizes: memories(made.rig) });
  const [begin, last] = [standby ? systems[0]! : systems.at(-1)!, systems.at(-1)!];
  const exits = options.children.length - last.exited.length + begin.exited.length;
  const made = new Waiting({ ...options, restoredIn, exits }, begin, standby);
  if (standby) {
    await made.until(1);
    for (const next of systems.slice(1)) await made.again(next);
    made.rig.rtcr.proceed();
  }
  await made.rig.run();
  const { outcomes, lines } = made.rig;
  made.rig.close();
  const [outcome] = outcomes;
  if (outcome instanceof RtcrFault) throw outcome;
  assert.equal(outcomes.length, 1);
  return { ...seen[0]!, lines, repairs: outcome };
}

export const CASES: readonly (readonly [name: string, options: RigOptions])[] = [
  ["sheep_counter", SHEEP],
  ["large_stack_counter", { children: [{ name: "large_stack_counter", inside: COUNTERS }] }],
  ["large_dataspaces", { children: [{ name: "large_dataspaces", inside: COUNTERS }] }],
  [
    "detached_dataspaces",
    { children: [{ name: "detached_dataspaces", inside: '<config turns="2" iterations="20"/>' }] },
  ],
  ["a program with marks", { ...SHEEP, marks: () => true }],
  ["redundant memory", { ...SHEEP, mirrorSlots: () => 3 }],
  ["a WASI program whose memory grows", { children: [{ name: "binary-trees" }] }],
  ["windows", { ...SHEEP, windows: () => true }],
  [
    "two children",
    { children: ["sheep_counter_threaded", "sheep_counter_timer"].map((name) => ({ name, inside: COUNTERS })) },
  ],
];
