// One suite for all providers, and what is special about each.
import assert from "node:assert/strict";
import test from "node:test";
import {
  type DataProvider,
  leaseBytes,
  OnDemandProvider,
  PreallocatedProvider,
  SharedMemoryProvider,
} from "./data-provider.ts";

const PROVIDERS: readonly [name: string, make: () => DataProvider][] = [
  ["on demand", () => new OnDemandProvider()],
  ["shared memory", () => new SharedMemoryProvider()],
  ["pre-allocated", () => new PreallocatedProvider({ arenas: 3, arenaBytes: 4096 })],
];

for (const [name, make] of PROVIDERS) {
  test(`S78: ${name}: takes lie behind one another, aligned, and do not overlap`, () => {
    const sizes = [1, 8, 13, 0, 4000];
    const lease = make().lease(leaseBytes(sizes));
    assert.ok(lease.ok);
    const views = sizes.map((size) => lease.value.take(size));
    for (const [i, view] of views.entries()) view.fill(i + 1);
    assert.deepEqual(
      views.map((view) => view.length),
      sizes,
    );
    for (const [i, view] of views.entries()) {
      assert.equal(view.byteOffset % 8, 0);
      assert.ok(view.every((byte) => byte === i + 1));
    }
    assert.equal(lease.value.usedBytes, leaseBytes(sizes));
    assert.throws(() => lease.value.take(1), /holds what was announced/);
  });

  test(`S74, S78: ${name}: leases that live at once do not share bytes`, () => {
    const provider = make();
    const leases = [1, 2, 3].map((value) => {
      const lease = provider.lease(16);
      assert.ok(lease.ok);
      return { value, lease: lease.value, bytes: lease.value.take(16).fill(value) };
    });
    for (const { value, bytes } of leases) assert.ok(bytes.every((byte) => byte === value));
    leases[0]!.lease.release();
    assert.throws(() => leases[0]!.lease.take(1), /before it is released/);
  });
}

test("S78: pre-allocated: a lease makes no backing store, and says when there is no room", () => {
  const provider = new PreallocatedProvider({ arenas: 2, arenaBytes: 64 });
  assert.deepEqual(provider.lease(65), { ok: false, reason: "no-room" });
  const first = provider.lease(64);
  const second = provider.lease(1);
  assert.ok(first.ok && second.ok);
  assert.deepEqual(provider.lease(1), { ok: false, reason: "no-room" });
  const buffer = first.value.take(64).buffer;
  first.value.release();
  first.value.release();
  assert.equal(provider.free, 1, "released twice, free once");
  const again = provider.lease(8);
  assert.ok(again.ok);
  assert.equal(again.value.take(8).buffer, buffer, "the same storage");
});

test("S78: shared memory can be read by other threads", () => {
  const lease = new SharedMemoryProvider().lease(8);
  assert.ok(lease.ok);
  assert.ok((lease.value.take(8).buffer as ArrayBufferLike) instanceof SharedArrayBuffer);
});
