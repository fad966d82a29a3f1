// What memory alone costs of a restore's copies: the system's giving of pages at their first write, which a program that is
// not restored waits for as well, and the copying into pages that are there.

const PAGE_BYTES = 4096;
const WASM_PAGE_BYTES = 65_536;

/** Microseconds. */
export interface MemoryCost {
  /** One byte written in each page of memory that nobody has touched. */
  readonly firstWriteUs: number;
  /** The contents copied into these pages. */
  readonly copyUs: number;
  readonly pages: number;
}

/** Measures both with fresh memory of the kind that components have; each content begins at a page. */
export function memoryCost(contents: readonly Uint8Array[]): MemoryCost {
  const places: number[] = [];
  let bytes = 0;
  for (const { length } of contents) {
    places.push(bytes);
    bytes += Math.ceil(length / PAGE_BYTES) * PAGE_BYTES;
  }
  const size = Math.ceil(bytes / WASM_PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: size, maximum: size, shared: true });
  const target = new Uint8Array(memory.buffer);
  const beginMs = performance.now();
  for (let at = 0; at < bytes; at += PAGE_BYTES) target[at] = 1;
  const touchedMs = performance.now();
  contents.forEach((content, i) => {
    target.set(content, places[i]!);
  });
  const copiedMs = performance.now();
  const [firstWriteUs, copyUs] = [touchedMs - beginMs, copiedMs - touchedMs].map((ms) => ms * 1000) as [number, number];
  return { firstWriteUs, copyUs, pages: bytes / PAGE_BYTES };
}
