// The capability table: slots, counts, dead objects.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Badges, type Identity, INVALID, type KernelObject } from "../../session/index.ts";
import { CapabilityTable } from "./capability-table.ts";

const badges = new Badges();
const object = (): Identity => badges.identify<KernelObject>({ kind: "log" });

test("S1: a number that was not given out denotes nothing", () => {
  const table = new CapabilityTable();
  const slot = table.insert(object().capability);
  for (const guess of [-1, 0, slot + 1, 1000, 0.5, Number.NaN, 2 ** 31]) assert.equal(table.lookup(guess), INVALID);
  table.retain(77);
  table.release(77);
  assert.equal(table.size, 1);
});

test("S2: the invalid capability is slot 0 and never takes another", () => {
  const table = new CapabilityTable();
  assert.equal(table.insert(INVALID), 0);
  assert.equal(table.lookup(0), INVALID);
  table.release(0);
  assert.equal(table.install(0, object().capability, 1).ok, false);
});

test("S3: the same capability has the same slot, counted; tables number for themselves", () => {
  const [x, y] = [object(), object()];
  const one = new CapabilityTable();
  const two = new CapabilityTable();
  const slot = one.insert(x.capability);
  assert.equal(one.insert(x.capability), slot);
  two.insert(y.capability);
  assert.notEqual(two.insert(x.capability), slot);
  one.release(slot);
  assert.equal(one.lookup(slot), x.capability);
  one.release(slot);
  assert.equal(one.lookup(slot), INVALID);
  assert.equal(one.size, 0);
});

test("S4, S5: the slot of a dead object denotes nothing and is not used again before it is released", () => {
  const table = new CapabilityTable();
  const first = object();
  const slot = table.insert(first.capability);
  first.dispose();
  assert.equal(table.lookup(slot).valid, false);
  const second = object(); // has the badge of the dead one
  assert.equal(second.capability.badge, first.capability.badge);
  const other = table.insert(second.capability);
  assert.notEqual(other, slot);
  assert.equal(table.insert(first.capability), 0, "a dead capability cannot arrive");
  table.release(slot);
  assert.equal(table.insert(object().capability), slot);
});

test("S1: a capability can be put at a slot of one's choice unless another is there", () => {
  const table = new CapabilityTable(100);
  const [x, y] = [object().capability, object().capability];
  assert.equal(table.install(7, x, 3).ok, true);
  assert.deepEqual(table.install(7, y, 1), { ok: false, reason: "slot-taken" });
  assert.deepEqual(table.install(8, x, 1), { ok: false, reason: "slot-taken" });
  assert.deepEqual(table.install(100, y, 1), { ok: false, reason: "out-of-caps" });
  const slots: unknown[] = [];
  table.eachSlot((...entry) => slots.push(entry));
  assert.deepEqual(slots, [[7, x, 3]]);
  const taken = Array.from({ length: 98 }, () => table.insert(object().capability));
  assert.equal(new Set(taken).size, 98);
  assert(!taken.includes(7) && !taken.includes(0));
  assert.equal(table.insert(object().capability), 0, "the table is full");
});

test("S1, S94: slots that were free are given out in the order in which they would have been", () => {
  const table = new CapabilityTable();
  const objects = Array.from({ length: 8 }, () => object().capability);
  const slots = objects.map((each) => table.insert(each));
  for (const at of [6, 1, 7, 3]) table.release(slots[at]!);
  table.insert(objects[3]!);
  const other = new CapabilityTable();
  table.eachSlot((slot, capability, count) => other.install(slot, capability, count));
  other.freeAs(table.free);
  const next = Array.from({ length: 5 }, () => object().capability);
  assert.deepEqual(
    next.map((each) => other.insert(each)),
    next.map((each) => table.insert(each)),
  );
});

test("S1: an order that says anything leaves slots in use alone, and forgets none that is free", () => {
  const table = new CapabilityTable(100);
  const [x, y] = [object().capability, object().capability];
  table.install(3, x, 1);
  table.freeAs([3, 5, 0, -1, 2.5, 1e9, 5, 1]);
  const given = Array.from({ length: 97 }, () => table.insert(object().capability));
  assert.deepEqual(given.slice(0, 5), [1, 5, 4, 2, 6]);
  assert.equal(new Set(given).size, 97);
  assert.equal(table.insert(y), 99);
  assert.equal(table.insert(object().capability), 0);
});
