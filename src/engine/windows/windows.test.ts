// The pool, page tables and a guest's bytes, without any guest code.

import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../../test/random.ts";
import { WINDOW } from "../../abi/index.ts";
import { GuestBytes, PageTable, Pool, Windows } from "./index.ts";

const PAGE = 4096;

test("S8: ranges of the pool are zeroed, whole pages, and apart from each other", () => {
  const pool = new Pool();
  const first = pool.allocate(1)!;
  assert.equal(first.bytes, PAGE);
  assert(first.address > 0, "page 0 is nobody's");
  pool.bytes(first.address, PAGE).fill(7);
  const second = pool.allocate(PAGE + 1)!;
  assert.equal(second.bytes, 2 * PAGE);
  assert(pool.bytes(second.address, second.bytes).every((byte) => byte === 0));
  pool.free(first);
  const again = pool.allocate(PAGE)!;
  assert.equal(again.address, first.address);
  assert(pool.bytes(again.address, PAGE).every((byte) => byte === 0));
  assert.equal(pool.usedBytes, 3 * PAGE);
});

test("S8: a pool that is full says so, and can be used again after a free", () => {
  const pool = new Pool(4 * 65536);
  const all = pool.allocate(4 * 65536 - PAGE)!;
  assert.equal(pool.allocate(1), undefined);
  pool.free(all);
  assert.equal(pool.usedBytes, 0);
  assert.equal(pool.allocate(4 * 65536 - PAGE)?.address, all.address);
});

test("S8: ranges never overlap, and free neighbours are joined, whatever the order", () => {
  const random = seededRandom(11);
  const pool = new Pool(1 << 22);
  const held = new Set<{ address: number; bytes: number }>();
  for (let step = 0; step < 3000; step++) {
    const list = [...held];
    if (list.length > 0 && random.below(2) === 0) {
      const one = list[random.below(list.length)]!;
      held.delete(one);
      pool.free(one);
      continue;
    }
    const range = pool.allocate(PAGE * (1 + random.below(12)));
    if (!range) continue;
    for (const other of held) {
      assert(other.address + other.bytes <= range.address || range.address + range.bytes <= other.address);
    }
    held.add(range);
  }
  for (const one of held) pool.free(one);
  assert.equal(pool.usedBytes, 0);
  assert(pool.allocate((1 << 22) - PAGE), "all of it is one range again");
});

test("S15, S17: a page table gives back what was mapped, page for page, and runs end where mappings do", () => {
  const random = seededRandom(5);
  const table = new PageTable();
  const base = 0xffff_0000 - 64 * PAGE;
  const expected = new Map<number, { pool: number; writable: boolean }>();
  for (let step = 0; step < 400; step++) {
    const first = random.below(60);
    const count = 1 + random.below(8);
    const address = base + first * PAGE;
    if (random.below(3) === 0) {
      table.unmap(address, count * PAGE);
      for (let page = first; page < first + count; page++) expected.delete(page);
    } else {
      const pool = PAGE * (1 + random.below(1000));
      const writable = random.below(2) === 0;
      table.map(address, pool, count * PAGE, { writable });
      for (let page = first; page < first + count; page++)
        expected.set(page, { pool: pool + (page - first) * PAGE, writable });
    }
    for (let page = 0; page < 70; page++) {
      const found = table.lookup(base + page * PAGE + 5);
      const wanted = expected.get(page);
      assert.equal(found?.poolAddress, wanted && wanted.pool + 5);
      if (!found || !wanted) continue;
      assert.equal(found.writable, wanted.writable);
      for (let next = page, left = found.bytes + 5; left > 0; next++, left -= PAGE) {
        const entry = expected.get(next)!;
        assert.deepEqual(entry, { pool: wanted.pool + (next - page) * PAGE, writable: wanted.writable });
      }
    }
  }
});

test("S18, S20, S21: a guest's bytes: over the limit, over pages, up to the first one that is missing or read-only", () => {
  const pool = new Pool();
  const windows = new Windows(pool);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const globals = () => new WebAssembly.Global({ value: "i32", mutable: true }, 0);
  const nowhere = () => new WebAssembly.Global({ value: "i64", mutable: true }, 0n);
  const runs = Array.from({ length: WINDOW.runs }, (_, run) => [`rtcr:run${run}`, nowhere()]);
  windows.attach({ "rtcr:limit": globals(), ...Object.fromEntries(runs) }, memory);
  windows.limit = PAGE;
  const range = pool.allocate(3 * PAGE)!;
  windows.table.map(2 * PAGE, range.address, PAGE, { writable: true });
  windows.table.map(PAGE, range.address + 2 * PAGE, PAGE, { writable: true });
  windows.table.map(3 * PAGE, range.address + PAGE, PAGE, { writable: false });
  const data = Uint8Array.from({ length: 2 * PAGE + 20 }, (_, index) => index * 7 + 1);
  assert.equal(windows.bytes.write(PAGE - 20, data), undefined);
  assert.deepEqual(windows.bytes.read(PAGE - 20, data.length), data);
  assert.deepEqual(new Uint8Array(memory.buffer, PAGE - 20, 20).slice(), data.slice(0, 20));
  assert.equal(pool.bytes(range.address + 2 * PAGE, 1)[0], data[20]);
  const before = windows.bytes.read(PAGE, 2 * PAGE);
  const readOnly = { kind: "fault", type: "write", address: 3 * PAGE };
  assert.deepEqual(windows.bytes.write(PAGE, new Uint8Array(2 * PAGE + 1)), readOnly);
  assert.deepEqual(windows.bytes.read(PAGE, 2 * PAGE), before, "nothing is written when something cannot be");
  assert.deepEqual(windows.bytes.read(3 * PAGE, PAGE + 1), { kind: "fault", type: "read", address: 4 * PAGE });
  assert.deepEqual(windows.bytes.read(0xffff_ffff, 2), { kind: "bounds", type: "read", address: 0xffff_ffff });
  windows.limit = 0x20000;
  assert.deepEqual(windows.bytes.read(0xfff0, 17), { kind: "bounds", type: "read", address: 0xfff0 });
});

test("a guest's bytes without windows are those of memory 0", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = new GuestBytes(memory);
  assert.equal(bytes.write(65530, Uint8Array.of(1, 2, 3)), undefined);
  assert.deepEqual(bytes.read(65530, 6), Uint8Array.of(1, 2, 3, 0, 0, 0));
  assert.deepEqual(bytes.read(65530, 7), { kind: "bounds", type: "read", address: 65530 });
});
