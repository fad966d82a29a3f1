// Which values the frames of one function hold: the live locals and, of the operand stack, what is kept in locals.

import { asNullable, type Body } from "../wasm/index.ts";
import type { Liveness } from "./liveness.ts";
import type { FrameValue, Site } from "./plan.ts";
import type { Temporaries } from "./temporaries.ts";

/**
 * Whether the values of a site are part of its function's records: active sites, and all loops, because a
 * continuation hands over to the one of the loop around it (continuation.ts).
 */
export function inLayout(site: Site): boolean {
  return site.active || site.kind === "loop";
}

export class FrameValues {
  readonly #body: Body;
  readonly #sites: readonly Site[];
  readonly #liveness: Liveness;
  readonly #temporaries: Temporaries;

  /** @param liveness holds the sets of `body` for as long as this is used */
  constructor(body: Body, sites: readonly Site[], liveness: Liveness, temporaries: Temporaries) {
    this.#body = body;
    this.#sites = sites;
    this.#liveness = liveness;
    this.#temporaries = temporaries;
  }

  /** The values of a frame at `site`: the locals by index, the operand stack from the bottom, caught exceptions. */
  values(site: Site): readonly FrameValue[] {
    const values = this.#locals(this.#kept([site]));
    site.slots.forEach(({ source, type }, index) => {
      if (source !== "temporary") return;
      values.push({ local: this.#temporaries.number(index, type), type: asNullable(type) });
    });
    for (const { locals } of site.caught) {
      for (const { local, type } of locals) values.push({ local, type: asNullable(type) });
    }
    return values;
  }

  /** The values of all sites in the layout and of `extra` together, each once, by index. */
  union(extra?: Site): readonly FrameValue[] {
    const sites = this.#sites.filter((site) => inLayout(site) || site === extra);
    const values = this.#locals(this.#kept(sites));
    const { first, types } = this.#temporaries;
    const saved: boolean[] = [];
    for (const { slots, caught } of sites) {
      for (const { locals } of caught) for (const { local } of locals) saved[local - first] = true;
      for (let index = 0; index < slots.length; index++) {
        const { source, type } = slots[index]!;
        if (source === "temporary") saved[this.#temporaries.number(index, type) - first] = true;
      }
    }
    for (let number = 0; number < saved.length; number++) {
      if (saved[number]) values.push({ local: first + number, type: types[number]! });
    }
    return values;
  }

  /** The original's locals that frames at `sites` hold, as a bit set: live, or holding a value of the operand stack. */
  #kept(sites: readonly Site[]): Uint32Array {
    const set = new Uint32Array(this.#liveness.words);
    for (const { number, slots } of sites) {
      this.#liveness.addTo(set, number);
      for (let index = 0; index < slots.length; index++) {
        const { source, local } = slots[index]!;
        if (source === "local") set[local >>> 5]! |= 1 << (local & 31);
      }
    }
    return set;
  }

  #locals(set: Uint32Array): FrameValue[] {
    const { locals } = this.#body;
    const values: FrameValue[] = [];
    for (let word = 0; word < set.length; word++) {
      for (let bits = set[word]!; bits !== 0; bits &= bits - 1) {
        const local = word * 32 + 31 - Math.clz32(bits & -bits);
        values.push({ local, type: asNullable(locals[local]!) });
      }
    }
    return values;
  }
}
