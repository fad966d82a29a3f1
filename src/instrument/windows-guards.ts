// The code in front of a guarded loop: whether all its accesses in the turns up to the next guard go one way.

import { I32, I64, OP } from "../wasm/index.ts";
import { type Emitter, OWN_SLOT } from "./emit.ts";
import { RUN, type Way } from "./space.ts";
import type { WindowChecks } from "./windows-checks.ts";
import type { AccessGroups } from "./windows-groups.ts";
import { type Linear, wholeCode } from "./windows-linear.ts";
import type { GuardedLoop, LoopGuard } from "./windows-loops.ts";
import { distanceTo } from "./windows-slow.ts";

const I64_LT_S = 0x53;
const I64_GT_S = 0x55;
const I64_MUL = 0x7e;

const NO_DISTANCES: ReadonlyMap<number, number> = new Map();

export class LoopGuards {
  readonly #emitter: Emitter;
  readonly #checks: WindowChecks;
  readonly #groups: AccessGroups;

  constructor(emitter: Emitter, checks: WindowChecks, groups: AccessGroups) {
    this.#emitter = emitter;
    this.#checks = checks;
    this.#groups = groups;
  }

  /**
   * Pushes a value that is not 0 if some access in the loop is not known to go this way.
   *
   * @returns locals with the distances to the pool, by access
   */
  misses(way: Way, { at, guards, guardOf }: GuardedLoop): ReadonlyMap<number, number> {
    const emitter = this.#emitter;
    const { plan } = emitter;
    const turns = emitter.loops.turns(at);
    if (way === "direct") {
      guards.forEach((guard, index) => {
        this.#aboveLimit(guard, turns);
        if (index > 0) emitter.code.u8(OP.i32Or);
      });
      return NO_DISTANCES;
    }
    const distances = guards.map((_, index) => plan.temporary(OWN_SLOT.distance + index, I32));
    guards.forEach((guard, index) => {
      const [first] = [...guardOf].find(([, number]) => number === index)!;
      this.#distance(guard, turns, distances[index]!, this.#groups.run(plan.siteAt.get(first)!, guard.need));
    });
    distances.forEach((distance, index) => {
      emitter.local(OP.localGet, distance);
      if (index > 0) emitter.code.u8(OP.i32Or);
    });
    emitter.constant(1);
    emitter.code.u8(OP.i32And);
    return new Map([...guardOf].map(([access, guard]) => [access, distances[guard]!]));
  }

  /** Pushes whether some turn's bytes at an address are not known to lie below the limit. */
  #aboveLimit({ address, low, high }: LoopGuard, turns: number): void {
    const { code } = this.#emitter;
    this.#farthest(address, high, turns);
    this.#checks.pushLimit();
    code.bytes([OP.i64ExtendI32U, I64_GT_S]);
    const least = low - address.below * turns;
    if (least >= 0) return;
    this.#nearest(address, least);
    code.bytes([OP.i64Const, 0, I64_LT_S, OP.i32Or]);
  }

  /** Puts the distance to the pool of an address's bytes into a local: odd if there is none for all turns. */
  #distance({ address, low, high }: LoopGuard, turns: number, distance: number, run: number): void {
    const emitter = this.#emitter;
    const { code, plan, space } = emitter;
    const first = plan.temporary(OWN_SLOT.bounds, I64);
    const end = plan.temporary(OWN_SLOT.bounds + 1, I64);
    this.#nearest(address, low - address.below * turns);
    emitter.local(OP.localTee, first);
    this.#checks.pushRun(run, RUN.start);
    code.u8(I64_LT_S);
    this.#farthest(address, high, turns);
    emitter.local(OP.localTee, end);
    this.#checks.pushRunEnd(run);
    code.bytes([I64_GT_S, OP.i32Or]);
    emitter.unlikely(OP.if);
    code.u8(I32);
    emitter.local(OP.localGet, first);
    emitter.local(OP.localGet, end);
    emitter.constant(run);
    emitter.call(distanceTo(space));
    code.u8(OP.else);
    this.#checks.pushRun(run, RUN.distance);
    code.u8(OP.end);
    emitter.local(OP.localSet, distance);
  }

  #nearest(address: Linear, least: number): void {
    this.#emitter.code.bytes(wholeCode(address));
    this.#emitter.code.u8(OP.i64ExtendI32U);
    this.#checks.addWide(least);
  }

  /** Pushes the end of what is reached in all turns. */
  #farthest(address: Linear, high: number, turns: number): void {
    const emitter = this.#emitter;
    const { code } = emitter;
    this.#nearest(address, high + address.above * turns);
    for (const [local, factor] of address.growing) {
      emitter.local(OP.localGet, local);
      code.bytes([OP.i64ExtendI32U, OP.i64Const]);
      code.s64(BigInt(factor * turns));
      code.bytes([I64_MUL, OP.i64Add]);
    }
  }
}
