// Thaws: lets a frozen thread, which is resident, go on where it stands.
//
// Each record gets the slot of its continuation, made when it is missing; the outermost one is called, takes up its
// record and calls the next. Behind the innermost stands the next host call, if the thread had frozen in one.

import { CONTROL, RECORD, type SavedHostCall, type Signature } from "../abi/index.ts";
import { assert } from "../util/index.ts";
import type { Control } from "./control.ts";
import type { HostCalls } from "./host-calls.ts";
import type { Instance } from "./instance.ts";
import type { Record, Records } from "./records.ts";
import type { ContinuationTable } from "./side-modules.ts";
import type { Thread } from "./thread.ts";
import { wasmFunction } from "./wrap.ts";

/** A thread that can go on. */
export interface Thawed {
  /** Whether the first poll is the one at which it froze. */
  readonly atPoll: boolean;
  /** Lets it run to its end or its next freeze. */
  readonly go: () => unknown;
}

export interface ThawParts {
  readonly control: Control;
  readonly instances: readonly Instance[];
  readonly records: Records;
  readonly hostCalls: HostCalls;
  readonly continuations: ContinuationTable;
}

export class Thaws {
  readonly #parts: ThawParts;
  /** The control words of the records that are being taken up. */
  #pending = { last: 0, top: 0, refs: 0, innermost: 0 };
  /** Slots of the continuation table that issue the next host call again: one for each type of results. */
  readonly #hostSlots = new Map<string, number>();
  #hostCall: () => unknown = () => {};

  constructor(parts: ThawParts) {
    this.#parts = parts;
  }

  /** Makes the continuations for the resident records, which it returns. */
  prepare(): readonly Record[] {
    const { instances, records } = this.#parts;
    const list = records.list();
    for (const instance of instances) {
      const own = list.filter((record) => record.instance === instance);
      if (own.length === 0) continue;
      instance.side.prepare(own.map(({ layout, site }) => ({ layout: layout.number, site: site.number })));
    }
    return list;
  }

  /** Makes a frozen thread's continuations. */
  thaw({ hostCall, hostArgs }: Thread): Thawed {
    const records = this.prepare();
    const { view } = this.#parts.control;
    for (const { address, instance, layout, site } of records) {
      view.setInt32(address + RECORD.slot, instance.side.slot(layout.number, site.number)!, true);
    }
    const innermost = records.at(-1);
    if (hostCall) return { atPoll: false, go: this.#intoHostCall(hostCall, hostArgs, innermost?.address) };
    assert(innermost, "a frozen thread has a frame");
    const { kind } = innermost.site;
    return { atPoll: kind === "entry" || kind === "loop", go: () => this.#resume(innermost.address) };
  }

  /** Lets the outermost frame's continuation take up its record, and so on inwards. */
  #resume(innermost: number): unknown {
    const { control, continuations } = this.#parts;
    const outermost = control.get(CONTROL.last);
    const slot = control.view.getInt32(outermost + RECORD.slot, true);
    this.#pending = { last: outermost, top: control.get(CONTROL.top), refs: control.get(CONTROL.refs), innermost };
    control.set(CONTROL.resume, outermost);
    control.reset(); // all records are read before the first new one is written
    return continuations.at(slot)();
  }

  /** @param innermost the frame that had called the host function; none if the thread began with it */
  #intoHostCall(hostCall: SavedHostCall, args: readonly unknown[], innermost: number | undefined): () => unknown {
    const { control, continuations, hostCalls } = this.#parts;
    const again = hostCalls.reissue(hostCall, args);
    const slot = this.#hostSlot(again.type, () => {
      control.set(CONTROL.resume, 0);
      return again.call();
    });
    if (innermost === undefined) return () => continuations.at(slot)();
    const address = control.get(CONTROL.top);
    control.reserve(address, RECORD.values);
    control.view.setInt32(address + RECORD.slot, slot, true);
    return () => {
      control.view.setInt32(innermost + RECORD.inner, address, true);
      return this.#resume(innermost);
    };
  }

  #hostSlot(type: Signature, call: () => unknown): number {
    this.#hostCall = call;
    const key = type.results.join();
    let slot = this.#hostSlots.get(key);
    if (slot === undefined) {
      const again = wasmFunction({ params: [], results: type.results }, () => this.#hostCall());
      this.#hostSlots.set(key, (slot = this.#parts.continuations.add(again)));
    }
    return slot;
  }

  /**
   * Takes back a thaw for which the stack was not deep enough: the records are as before it.
   *
   * @returns how many there are; undefined if all had been taken up, so that the program itself needed more
   */
  undo(): number | undefined {
    const { control } = this.#parts;
    if (control.get(CONTROL.resume) === 0) return undefined;
    control.set(CONTROL.resume, 0);
    for (const word of ["last", "top", "refs"] as const) control.set(CONTROL[word], this.#pending[word]);
    control.view.setInt32(this.#pending.innermost + RECORD.inner, 0, true); // it named the host call
    return control.records().length;
  }
}
