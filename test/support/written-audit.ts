// Whether dataspaces change only where that is said: a copy of each is compared, page by page, with what it is when what was
// written is taken. What is missed here would be a restore that is wrong and does not show it.

import assert from "node:assert/strict";
import type { ByteDataspace } from "../../src/core/memory/index.ts";
import type { CorePd } from "../../src/core/pd/index.ts";
import { loadProgram } from "../../src/core/program.ts";
import type { WrittenPages } from "../../src/session/index.ts";

const PAGE = 4096;

interface Kept {
  readonly taker: WrittenPages;
  readonly copy: Uint8Array;
}

/** As `KernelOptions.load`: every program marks what it writes. */
export const loadMarked: typeof loadProgram = (bytes, hash, options) =>
  loadProgram(bytes, hash, { ...options, marks: true });

export class WrittenAudit {
  /** Of all audits. */
  static looks = 0;
  readonly #pds: () => Iterable<CorePd>;
  readonly #kept = new Map<ByteDataspace, Kept>();
  /** How often somebody has looked, pages that were said to be written, and those of them that had changed. */
  looks = 0;
  written = 0;
  changed = 0;
  /** Pages that there were to be looked at. */
  pages = 0;

  /** @param pds whose dataspaces are looked at */
  constructor(pds: () => Iterable<CorePd>) {
    this.#pds = pds;
  }

  /** All threads stand at safe points. @throws AssertionError naming dataspace and place of what has changed unsaid */
  look(where: string): void {
    this.looks++;
    WrittenAudit.looks++;
    const seen = new Set<ByteDataspace>();
    for (const pd of this.#pds()) {
      for (const dataspace of pd.dataspaces) {
        seen.add(dataspace);
        this.#look(`${where}: ${pd.label}`, dataspace);
      }
    }
    for (const [dataspace, { taker }] of this.#kept) {
      if (seen.has(dataspace)) continue;
      taker.close();
      this.#kept.delete(dataspace);
    }
  }

  #look(where: string, dataspace: ByteDataspace): void {
    let kept = this.#kept.get(dataspace);
    const fresh = kept === undefined;
    if (!kept) {
      kept = { taker: dataspace.written(), copy: new Uint8Array(dataspace.size()) };
      this.#kept.set(dataspace, kept);
    }
    const { copy, taker } = kept;
    const written = new Uint8Array(copy.length / PAGE);
    taker.take((page, count) => written.fill(1, page, page + count));
    const now = new Uint8Array(copy.length);
    dataspace.read(0, now);
    for (let page = 0; page < written.length; page++) {
      const [start, end] = [page * PAGE, (page + 1) * PAGE];
      const same = Buffer.compare(now.subarray(start, end), copy.subarray(start, end)) === 0;
      if (!same && written[page] === 0) this.#fail(where, dataspace, start, now);
      if (fresh) continue;
      this.pages++;
      this.written += written[page]!;
      if (!same) this.changed++;
    }
    copy.set(now);
  }

  #fail(where: string, dataspace: ByteDataspace, start: number, now: Uint8Array): never {
    const { copy } = this.#kept.get(dataspace)!;
    const offset = now.findIndex((byte, at) => at >= start && byte !== copy[at]);
    const uses = [...dataspace.uses].map(
      ({ start: at, end, mode, offset: from }) => `${mode} at 0x${at.toString(16)}, ${end - at} bytes from ${from}`,
    );
    const name = `dataspace ${dataspace.capability.badge} of ${dataspace.size()} bytes (${uses.join("; ") || "attached nowhere"})`;
    assert.fail(`${where}: ${name}: byte ${offset} is ${now[offset]}, was ${copy[offset]}, and nobody has said so`);
  }
}
