// Moves through an original's body while it is written: how far it has been copied, which blocks are open, and which
// values lie where.
//
// I1  What stands in front of `#from` is written, changed or not; what follows waits, and is copied as one run.
// I2  `labels` holds, for every open block of the original, its place among the blocks that are open here, which are
//     more: the others have a place and no label. A branch of the original goes by `depth`.
//
// Not here: what is written instead of an instruction (emit.ts), the instructions themselves (code-writer.ts).

import { asNullable, isNullable, isRef, OP, type ValueType } from "../wasm/index.ts";
import { CodeWriter } from "./code-writer.ts";
import type { Plan } from "./plan.ts";

/** Behind every body: there is nothing to copy. */
const NO_RUN = 2 ** 31;

export class BodyWriter extends CodeWriter {
  plan!: Plan;
  /** Physical index of the block that a freeze must leave through; -1 if it needs none (legacy exceptions, no handler). */
  handler = -1;
  /** Physical blocks that are open, the function included. */
  physical = 0;
  /** Physical index of every open block of the original, the function first. */
  readonly labels: number[] = [];
  /** Where the run begins that is not copied yet. */
  #from = NO_RUN;

  /** Starts a new function. */
  protected beginBody(plan: Plan): void {
    this.plan = plan;
    this.#from = NO_RUN;
    this.code.clear();
    this.hints.length = 0;
    this.labels.length = 0;
    this.handler = -1;
    this.physical = 0;
  }

  /** The run to be copied begins at instruction `at`. */
  copyFrom(at: number): void {
    this.#from = this.plan.body.start[at]!;
  }

  /** Copies what is left of the run in front of instruction `at`. */
  copyTo(at: number): void {
    const until = this.plan.body.start[at]!;
    if (this.#from >= until) return;
    this.code.copy(this.plan.body.bytes, this.#from, until);
    this.#from = until;
  }

  /** There is no run until the next `copyFrom`. */
  protected endRun(): void {
    this.#from = NO_RUN;
  }

  /** Leaves out instruction `at` of the run being copied. */
  replace(at: number): void {
    this.copyTo(at);
    this.copyFrom(at + 1);
  }

  /** The relative depth, here, of the block that the original names by `label`. */
  depth(label: number): number {
    return this.physical - 1 - this.labels[this.labels.length - 1 - label]!;
  }

  /** Branch `at` of the original, to `labels`. */
  branch(at: number, labels: readonly number[]): void {
    if (labels.every((label) => this.depth(label) === label)) return;
    const { op } = this.plan.body;
    this.replace(at);
    this.code.u8(op[at]!);
    if (op[at] === OP.brTable) this.code.u32(labels.length - 1);
    for (const label of labels) this.code.u32(this.depth(label));
  }

  /** A try_table with the clauses of the original, and in front of them one that lets a freeze or an exit pass. */
  tryTable(at: number, blockType: number): void {
    const clauses = this.plan.body.catches.get(at)!;
    this.code.u8(OP.tryTable);
    this.space.writeBlockType(this.code, blockType);
    this.code.u32(clauses.length + (this.handler < 0 ? 0 : 1));
    if (this.handler >= 0) {
      this.code.u8(0);
      this.code.u32(this.space.freezeTag);
      this.code.u32(this.physical - 1 - this.handler);
    }
    for (const clause of clauses) {
      this.code.u8((clause.tag < 0 ? 2 : 0) + (clause.ref ? 1 : 0));
      if (clause.tag >= 0) this.code.u32(this.space.tagIndex(clause.tag));
      this.code.u32(this.depth(clause.label));
    }
    this.labels.push(this.physical++);
  }

  /** Puts what instruction `at` has left on the stack into the temporaries that frames need. */
  tee(at: number): void {
    this.copyTo(at + 1);
    const tees = this.plan.tees.get(at)!;
    const height = this.plan.heights[at]!;
    const lowest = Math.min(...tees.map((tee) => tee.slot));
    if (lowest === height - 1) {
      const { slot, type } = tees[0]!;
      this.local(OP.localTee, this.plan.temporary(slot, type));
      if (isRef(type) && !isNullable(type)) this.code.u8(OP.refAsNonNull);
      return;
    }
    const types = this.space.pushedTypes(this.plan, at);
    const base = height - types.length;
    const stored: { local: number; type: ValueType }[] = [];
    for (let slot = height - 1; slot >= lowest; slot--) {
      const type = types[slot - base]!;
      const local = this.plan.temporary(slot, type);
      stored.unshift({ local, type });
      this.local(OP.localSet, local);
    }
    for (const { local, type } of stored) this.push(local, type);
  }

  /** Reads a temporary back as a value of `type`. */
  push(local: number, type: ValueType): void {
    this.local(OP.localGet, local);
    if (type !== asNullable(type)) this.code.u8(OP.refAsNonNull);
  }
}
