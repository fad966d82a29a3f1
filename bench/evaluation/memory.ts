// What memory alone costs of a restore's copies: the system's giving of pages at their first write, which a program that is
// not restored waits for as well, and the copying into pages that are there.

import { type RecordedBytes, usedRuns } from "../../src/checkpoint/index.ts";

const PAGE_BYTES = 4096;
const WASM_PAGE_BYTES = 65_536;

/** Microseconds. */
export interface MemoryCost {
  /** One byte written in each page of memory that nobody has touched. */
  readonly firstWriteUs: number;
  /** What the contents hold besides zeros copied into these pages. */
  readonly copyUs: number;
  readonly pages: number;
  /** Pages that hold something. */
  readonly usedPages: number;
}

/** Measures both with fresh memory of the kind that components have; each content begins at a page. */
export function memoryCost(contents: readonly RecordedBytes[]): MemoryCost {
  const copies: (readonly [at: number, bytes: Uint8Array])[] = [];
  let bytes = 0;
  let usedPages = 0;
  for (const content of contents) {
    const runs = usedRuns(content);
    for (let i = 0; i < runs.length; i += 2) {
      const [from, to] = [runs[i]!, runs[i + 1]!];
      copies.push([bytes + from, content.subarray(from, to)]);
      usedPages += Math.ceil(to / PAGE_BYTES) - Math.floor(from / PAGE_BYTES);
    }
    bytes += Math.ceil(content.length / PAGE_BYTES) * PAGE_BYTES;
  }
  const size = Math.ceil(bytes / WASM_PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: size, maximum: size, shared: true });
  const target = new Uint8Array(memory.buffer);
  const beginMs = performance.now();
  for (let at = 0; at < bytes; at += PAGE_BYTES) target[at] = 1;
  const touchedMs = performance.now();
  for (const [at, part] of copies) target.set(part, at);
  const copiedMs = performance.now();
  const [firstWriteUs, copyUs] = [touchedMs - beginMs, copiedMs - touchedMs].map((ms) => ms * 1000) as [number, number];
  return { firstWriteUs, copyUs, pages: bytes / PAGE_BYTES, usedPages };
}
