// Children whose checkpoints are increments, or full ones, and what increments must be.
import assert from "node:assert/strict";
import { compareSystems, type SystemCheckpoint, whole } from "../../src/checkpoint/index.ts";
import { type Captured, IncrementalContents, type IncrementalOptions } from "../../src/rtcr/index.ts";
import { Rig, type RigOptions } from "./rig.ts";

export const SHORT = '<config turns="4" iterations="20" period_ms="3" sleep_ms="3"/>';

export class Incremental {
  readonly rig: Rig;
  readonly contents: IncrementalContents;

  constructor(options: RigOptions, incremental: IncrementalOptions = {}, marks: boolean | (() => boolean) = true) {
    this.contents = new IncrementalContents(incremental);
    this.rig = new Rig({
      ...options,
      keeper: () => this.contents,
      marks: typeof marks === "function" ? marks : () => marks,
    });
  }

  increment(children?: readonly string[]): Captured {
    return this.rig.rtcr.checkpoint("x", children);
  }

  full(children?: readonly string[]): SystemCheckpoint {
    return this.rig.rtcr.checkpoint("x", children, undefined, { full: true }).system;
  }

  /** An increment, which is the same as a full checkpoint of this moment. */
  checked(what: string, children?: readonly string[]): Captured {
    const full = this.full(children);
    const captured = this.increment(children);
    same(captured.system, full, what);
    return captured;
  }
}

/** Byte for byte, whatever a checkpoint was made of. */
export function same(found: SystemCheckpoint, full: SystemCheckpoint, what: string): void {
  assert.deepEqual({ ...whole(found), created: "" }, { ...full, created: "" }, what);
  for (const { dataspaces, fields, added } of compareSystems(full, found).children) {
    assert.deepEqual([dataspaces, fields, added], [[], [], []], what);
  }
}

/** Systems of which both kinds of checkpoints, increments and those from redundant memory, are compared with full ones. */
export const SYSTEMS: Readonly<Record<string, RigOptions>> = {
  ...Object.fromEntries(
    ["large_dataspaces", "sheep_counter_extended", "managed_dataspace", "detached_dataspaces"].map((name) => [
      name,
      { children: [{ name, inside: SHORT }], windows: () => name === "managed_dataspace" },
    ]),
  ),
  "several children, one of which has a child": {
    children: [
      { name: "sheep_counter_timer", inside: SHORT },
      { name: "small_dataspaces", inside: SHORT },
      { name: "arbitrary_child", inside: '<config child="stack_counter" iterations="20" turns="4"/>' },
    ],
    programs: ["stack_counter"],
  },
};
