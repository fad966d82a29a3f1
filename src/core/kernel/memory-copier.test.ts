import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { copierOf, forgetCopiers } from "./memory-copier.ts";

const ENOUGH = 100;
const PLAIN = { initial: 1, maximum: 4 };
const KINDS: readonly WebAssembly.MemoryDescriptor[] = [{ initial: 1 }, PLAIN, { ...PLAIN, shared: true }];

/** What there is when so many messages have gone from one to the other. */
function warm(from: WebAssembly.Memory, to: WebAssembly.Memory, hint = 0, messages = ENOUGH) {
  let copy = copierOf(from, to, hint);
  for (let i = 1; i < messages; i++) copy = copierOf(from, to, hint);
  return copy;
}

test("S36: bytes are copied between memories of all kinds, those that have grown included, and no others", () => {
  for (const kind of KINDS) {
    for (const other of KINDS) {
      const from = new WebAssembly.Memory(kind);
      const to = new WebAssembly.Memory(other);
      equal(warm(from, to, 7, ENOUGH - 1), undefined);
      const copy = copierOf(from, to, 7);
      ok(copy);
      for (const memory of [from, to]) memory.grow(1);
      const at = 65_536 + 100;
      new Uint8Array(from.buffer, at, 80).fill(5);
      new Uint8Array(to.buffer).fill(9);
      copy(at + 1, at + 3, 67);
      const arrived = new Uint8Array(to.buffer, at, 80);
      deepEqual([...arrived.slice(0, 69)], [9, ...Array(67).fill(5), 9]);
      equal(new Uint8Array(to.buffer).filter((byte) => byte !== 9).length, 67);
      equal(copierOf(from, to, 7), copy);
    }
  }
});

test("S36: two memories at the place of two others begin anew, and get no copier of these", () => {
  const [one, two, three] = [1, 2, 3].map(() => new WebAssembly.Memory(PLAIN)) as [
    WebAssembly.Memory,
    WebAssembly.Memory,
    WebAssembly.Memory,
  ];
  ok(warm(one, two, 3));
  equal(copierOf(two, one, 3), undefined);
  equal(copierOf(one, two, 3), undefined);
  ok(warm(one, three, 3 + 64));
  forgetCopiers();
  equal(copierOf(one, three, 3), undefined);
});

test("S36: a memory with 64-bit addresses has no copier", () => {
  const long = new WebAssembly.Memory({ initial: 1n, address: "i64" } as unknown as WebAssembly.MemoryDescriptor);
  equal(warm(long, new WebAssembly.Memory(PLAIN), 0, 3 * ENOUGH), undefined);
});
