// Pages that hold something are found, wherever in the page it is, in every kind of memory.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PAGE_BYTES } from "../../session/index.ts";
import { PlainMemory } from "./component-memory.ts";
import { firstFreePage } from "./used-pages.ts";

const PAGES = 4;
const WASM_PAGE_BYTES = 65_536;
const MEMORIES: Readonly<Record<string, () => PlainMemory>> = {
  shared: () => new PlainMemory(new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true })),
  "of one thread": () => new PlainMemory(new WebAssembly.Memory({ initial: PAGES })),
  "of one thread with a maximum": () => new PlainMemory(new WebAssembly.Memory({ initial: PAGES, maximum: 8 })),
  "with addresses of 64 bits": () =>
    new PlainMemory(
      new WebAssembly.Memory({ initial: 4n, address: "i64" } as unknown as WebAssembly.MemoryDescriptor),
      undefined,
      true,
    ),
};

for (const [kind, make] of Object.entries(MEMORIES)) {
  test(`S14, S82: the first page that is not zero is found in a memory ${kind}, grown or not`, () => {
    const memory = make();
    const end = PAGES * WASM_PAGE_BYTES;
    assert.equal(memory.firstUsed(0, end), undefined);
    for (const at of [0, 1, 127, 128, PAGE_BYTES - 1, PAGE_BYTES, 9 * PAGE_BYTES + 77, end - 1]) {
      const byte = memory.view(at, 1);
      byte[0] = 0x80;
      const page = at - (at % PAGE_BYTES);
      assert.equal(memory.firstUsed(0, end), page);
      assert.equal(memory.firstUsed(page, page + PAGE_BYTES), page);
      assert.equal(firstFreePage(memory, page, end), page + PAGE_BYTES);
      if (page > 0) assert.equal(memory.firstUsed(0, page), undefined);
      if (page + PAGE_BYTES < end) assert.equal(memory.firstUsed(page + PAGE_BYTES, end), undefined);
      byte[0] = 0;
    }
    if (kind === "shared") return; // is as large as it may be
    assert.ok(memory.ensure(end + 1));
    memory.view(end + 5000, 1)[0] = 1;
    assert.equal(memory.firstUsed(0, memory.size()), end + PAGE_BYTES);
  });
}

test("S15: memory that has grown ahead is counted when it is reached, and touching its pages changes nothing", () => {
  const memory = new PlainMemory(new WebAssembly.Memory({ initial: 1, maximum: 8 }));
  memory.view(4096, 1)[0] = 7;
  assert.equal(memory.growAhead(9 * WASM_PAGE_BYTES), false);
  assert.deepEqual([memory.size(), memory.whole], [WASM_PAGE_BYTES, true]);
  assert.ok(memory.growAhead(3 * WASM_PAGE_BYTES + 1) && memory.growAhead(2 * WASM_PAGE_BYTES));
  memory.touch(0, 4 * WASM_PAGE_BYTES);
  assert.deepEqual([memory.size(), memory.whole, memory.memory.buffer.byteLength], [1, false, 4].map(scaled));
  assert.deepEqual([memory.view(4096, 1)[0], memory.firstUsed(8192, 4 * WASM_PAGE_BYTES)], [7, undefined]);
  assert.ok(memory.ensure(WASM_PAGE_BYTES + 1));
  assert.deepEqual([memory.size(), memory.whole], [2 * WASM_PAGE_BYTES, false]);
  assert.ok(memory.ensure(3 * WASM_PAGE_BYTES + 4096));
  assert.deepEqual([memory.size(), memory.whole], [4 * WASM_PAGE_BYTES, true]);
  assert.ok(memory.ensure(5 * WASM_PAGE_BYTES) && memory.whole && memory.size() === 5 * WASM_PAGE_BYTES);
});

function scaled<T>(pages: T): T | number {
  return typeof pages === "number" ? pages * WASM_PAGE_BYTES : pages;
}
