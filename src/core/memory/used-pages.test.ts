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
