// Copies between two memories by a Wasm module that imports both: `memory.copy` needs no view, and making a view for each
// message costs more than copying it (1 KiB: 20 ns instead of 33 to 46, 128 bytes: 12 instead of 32 by a loop).
//
// An instance is made for two memories when that many messages have gone from one to the other, so that making it (2 us)
// never costs more than what was copied without it.
//
// I1  An instance keeps its memories alive. Who gives up a memory says so (`forgetCopiers`), and all of them are dropped.

/** Both ranges lie in their memories, and do not overlap if these are the same. Addresses and size in bytes. */
export type Copy = (target: number, source: number, sizeBytes: number) => void;

/** What has been copied at one place of the table lately. */
interface Pair {
  from: WebAssembly.Memory | undefined;
  to: WebAssembly.Memory | undefined;
  messages: number;
  /** Undefined: not made yet, or there cannot be one. */
  copy: Copy | undefined;
}

const PAIRS = 64;
const MESSAGES_BEFORE = 100;

const I32 = 0x7f;
const OP = { end: 0x0b, localGet: 0x20, memoryCopy: [0xfc, 10] } as const;

const pairs: Pair[] = Array.from({ length: PAIRS }, () => ({
  from: undefined,
  to: undefined,
  messages: 0,
  copy: undefined,
}));
const modules = new Map<string, WebAssembly.Module>();

/**
 * What copies from one memory to another, if there is something that does.
 *
 * @param hint the same for the same two memories, mostly another one for others
 */
export function copierOf(from: WebAssembly.Memory, to: WebAssembly.Memory, hint: number): Copy | undefined {
  const pair = pairs[hint & (PAIRS - 1)]!;
  if (pair.from !== from || pair.to !== to) {
    pair.from = from;
    pair.to = to;
    pair.messages = 0;
    pair.copy = undefined;
  }
  if (pair.copy === undefined && ++pair.messages === MESSAGES_BEFORE) pair.copy = makeCopy(from, to);
  return pair.copy;
}

/** A memory is given up. */
export function forgetCopiers(): void {
  for (const pair of pairs) pair.from = pair.to = pair.copy = undefined;
}

function makeCopy(from: WebAssembly.Memory, to: WebAssembly.Memory): Copy | undefined {
  const kinds = [from, to].map(({ buffer }) => buffer instanceof SharedArrayBuffer);
  const key = kinds.join();
  let module = modules.get(key);
  if (!module) modules.set(key, (module = new WebAssembly.Module(moduleBytes(kinds) as BufferSource)));
  try {
    return new WebAssembly.Instance(module, { m: { f: from, t: to } }).exports["copy"] as Copy;
  } catch (thrown) {
    if (thrown instanceof WebAssembly.LinkError) return undefined; // a memory with 64-bit addresses
    throw thrown;
  }
}

const ANY_SIZE = [0, 0];
const ANY_SIZE_SHARED = [3, 0, 0x80, 0x80, 4];

/** Imports the memories `m.f` and `m.t`; `copy` copies from the first to the second. */
function moduleBytes(kinds: readonly boolean[]): Uint8Array {
  const limits = kinds.map((shared) => (shared ? ANY_SIZE_SHARED : ANY_SIZE));
  const memories = ["f", "t"].flatMap((name, i) => [1, ...ascii("m"), 1, ...ascii(name), 2, ...limits[i]!]);
  const body = [0, ...[0, 1, 2].flatMap((local) => [OP.localGet, local]), ...OP.memoryCopy, 1, 0, OP.end];
  return Uint8Array.from([
    ...[0, ...ascii("asm"), 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, I32, I32, I32, 0]),
    ...section(2, [2, ...memories]),
    ...section(3, [1, 0]),
    ...section(7, [1, 4, ...ascii("copy"), 0, 0]),
    ...section(10, [1, body.length, ...body]),
  ]);
}

function section(id: number, content: readonly number[]): readonly number[] {
  return [id, content.length, ...content]; // below 128: one byte of LEB128
}

function ascii(text: string): readonly number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0));
}
