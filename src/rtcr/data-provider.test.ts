// One suite for all providers, and what is special about each.
import assert from "node:assert/strict";
import test from "node:test";
import {
  type DataProvider,
  OnDemandProvider,
  PreallocatedProvider,
  PreparedProvider,
  SharedMemoryProvider,
} from "./data-provider.ts";

const PROVIDERS: readonly [name: string, make: () => DataProvider][] = [
  ["on demand", () => new OnDemandProvider()],
  ["shared memory", () => new SharedMemoryProvider()],
  ["prepared", () => new PreparedProvider()],
  ["pre-allocated", () => new PreallocatedProvider({ arenas: 3, arenaBytes: 4096 })],
];

for (const [name, make] of PROVIDERS) {
  test(`S78: ${name}: a lease has the bytes asked for, from a multiple of 8 on`, () => {
    for (const [least, likely] of [[0], [13], [13, 4000], [4096, 4096]] as const) {
      const lease = make().lease(least, likely);
      assert.ok(lease.ok);
      assert.ok(lease.value.bytes.length >= least);
      assert.equal(lease.value.bytes.byteOffset % 8, 0);
    }
  });

  test(`S74, S78: ${name}: leases that live at once do not share bytes`, () => {
    const provider = make();
    const leases = [1, 2, 3].map((value) => {
      const lease = provider.lease(16);
      assert.ok(lease.ok);
      return { value, bytes: lease.value.bytes.fill(value) };
    });
    for (const { value, bytes } of leases) assert.ok(bytes.every((byte) => byte === value));
  });
}

test("S78: pre-allocated: a lease makes no backing store, and says when there is no room", () => {
  const provider = new PreallocatedProvider({ arenas: 2, arenaBytes: 64 });
  assert.deepEqual(provider.lease(65), { ok: false, reason: "no-room" });
  const first = provider.lease(64);
  const second = provider.lease(1);
  assert.ok(first.ok && second.ok);
  assert.deepEqual(provider.lease(1), { ok: false, reason: "no-room" });
  const { buffer } = first.value.bytes;
  first.value.release();
  first.value.release();
  assert.equal(provider.free, 1, "released twice, free once");
  const again = provider.lease(8);
  assert.ok(again.ok);
  assert.equal(again.value.bytes.buffer, buffer, "the same storage");
});

test("S78: pre-allocated: grown between checkpoints, arenas in use when they come back", () => {
  const provider = new PreallocatedProvider({ arenas: 2, arenaBytes: 64 });
  const held = provider.lease(64);
  assert.ok(held.ok);
  held.value.bytes.fill(7);
  provider.grow(128);
  assert.ok(
    held.value.bytes.every((byte) => byte === 7),
    "a lease stays as it is",
  );
  held.value.release();
  for (let i = 0; i < 2; i++) assert.equal(lengthOf(provider, 128), 128);
  provider.grow(8);
  assert.deepEqual(provider.lease(128).ok, false, "both are leased");
});

function lengthOf(provider: DataProvider, sizeBytes: number): number {
  const lease = provider.lease(sizeBytes);
  assert.ok(lease.ok);
  return lease.value.bytes.length;
}

test("S78: shared memory can be read by other threads", () => {
  const lease = new SharedMemoryProvider().lease(8);
  assert.ok(lease.ok);
  assert.ok((lease.value.bytes.buffer as ArrayBufferLike) instanceof SharedArrayBuffer);
});

test("S78: what was prepared is leased once, where it is enough", () => {
  const provider = new PreparedProvider();
  const leased = (sizeBytes: number) => {
    const lease = provider.lease(sizeBytes);
    assert.ok(lease.ok);
    assert.ok(lease.value.bytes.length >= sizeBytes);
    return lease.value.bytes;
  };
  const bytes = new Uint8Array(new SharedArrayBuffer(64));
  provider.prepare(bytes);
  assert.equal(leased(64), bytes);
  assert.notEqual(leased(64), bytes, "a checkpoint has it");
  provider.prepare(bytes);
  assert.notEqual(leased(65), bytes);
  assert.notEqual(leased(64), bytes, "what was too small once is forgotten");
});

test("S78, F9: what the host has no memory for is refused", () => {
  for (const provider of [new OnDemandProvider(), new SharedMemoryProvider(), new PreparedProvider()]) {
    assert.deepEqual(provider.lease(2 ** 52), { ok: false, reason: "no-room" });
  }
});
