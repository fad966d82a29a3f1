// Whether everything that changes in a memory was marked: a copy of it is compared, page by page, with what it is at each look.

import assert from "node:assert/strict";
import type { Instance } from "../../src/engine/index.ts";
import { equalBytes } from "../../src/util/index.ts";

const PAGE = 4096;
/** Bytes at the beginning of a memory that are looked at. */
const MOST_BYTES = 4 << 20;

/** The memory 0 of instances, all of whose writers mark. */
export class MarksAudit {
  readonly #memory: WebAssembly.Memory;
  /** Of the instances that have it as memory 0. */
  readonly #instances: readonly Instance[];
  #copy: Uint8Array;
  /** Pages that were visited, and those of them that had changed. */
  visited = 0;
  changed = 0;

  constructor(memory: WebAssembly.Memory, instances: readonly Instance[]) {
    this.#memory = memory;
    this.#instances = instances;
    this.#copy = this.#bytes().slice();
    this.#take();
  }

  /** Takes what is marked. @throws AssertionError naming a page that has changed without */
  look(where: string): void {
    const bytes = this.#bytes();
    const marked = this.#take();
    for (let page = 0; page < bytes.length / PAGE; page++) {
      const [now, before] = [bytes, this.#copy].map((all) => all.subarray(page * PAGE, (page + 1) * PAGE));
      const same = equalBytes(now!, before!.length === PAGE ? before! : new Uint8Array(PAGE));
      if (marked.has(page)) this.visited++;
      if (!same) this.changed++;
      assert(
        same || marked.has(page),
        `${where}: page ${page} of ${bytes.length / PAGE} has changed, and is not marked`,
      );
    }
    this.#copy = bytes.slice();
  }

  #bytes(): Uint8Array {
    const { buffer } = this.#memory;
    return new Uint8Array(buffer, 0, Math.min(buffer.byteLength, MOST_BYTES));
  }

  #take(): ReadonlySet<number> {
    const pages = new Set<number>();
    const { byteLength } = this.#memory.buffer;
    for (const { marks } of this.#instances) {
      marks!.take(0, byteLength, (page, count) => {
        for (let i = 0; i < count; i++) pages.add(page + i);
      });
    }
    return pages;
  }
}

/** Audits of all memories of a group that only instances with marks write, as their memory 0. */
export function auditsOf(instances: readonly Instance[]): readonly MarksAudit[] {
  const audits: MarksAudit[] = [];
  for (const memory of new Set(instances.flatMap(({ memories }) => memories.slice(0, 1)))) {
    const writers = instances.filter(({ memories }) => memories.includes(memory));
    const marked = writers.every(({ marks, memories }) => marks && memories.lastIndexOf(memory) === 0);
    if (marked && memory.buffer.byteLength > 0) audits.push(new MarksAudit(memory, writers));
  }
  return audits;
}
