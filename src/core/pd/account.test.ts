// Accounts: transfers, closing, clamping; and the sum of all limits over random sequences (S10-S14, S40).
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { Account, Budget, clampAmount, Guard, MetaStore } from "./account.ts";

const account = (ram: number, caps: number, initial = { ram: 0, caps: 0 }, reference?: Account) =>
  new Account(new Budget({ ram, caps }), initial, reference);

test("S11: quota arithmetic clamps", () => {
  deepEqual([-1, Number.NaN, 0.5, 7.9, 2 ** 60, Infinity].map(clampAmount), [
    0,
    0,
    0,
    7,
    Number.MAX_SAFE_INTEGER,
    Number.MAX_SAFE_INTEGER,
  ]);
  const guard = new Guard(100);
  guard.raise(Infinity);
  equal(guard.limit, Number.MAX_SAFE_INTEGER);
  equal(guard.withdraw(-5), true);
  equal(guard.used, 0);
});

test("S11: quota moves along the reference relation only, and the initial quota stays", () => {
  const root = account(1000, 100);
  const child = account(50, 10, { ram: 50, caps: 10 }, root);
  const other = account(50, 10, { ram: 50, caps: 10 }, root);
  deepEqual(child.transfer("ram", root, 1), { ok: false, reason: "out-of-ram" });
  equal(root.transfer("ram", child, 200).ok, true);
  deepEqual(child.transfer("ram", other, 1), { ok: false, reason: "invalid-session" });
  deepEqual(child.transfer("ram", root, 201), { ok: false, reason: "out-of-ram" });
  equal(child.transfer("ram", root, 200).ok, true);
  deepEqual(root.transfer("caps", child, 101), { ok: false, reason: "out-of-caps" });
  deepEqual([root.budget.ram.limit, child.budget.ram.limit], [1000, 50]);
});

test("S11: what is in use cannot be transferred", () => {
  const root = account(1000, 100);
  const child = account(100, 10, { ram: 100, caps: 10 }, root);
  root.transfer("ram", child, 100);
  child.budget.ram.withdraw(150);
  deepEqual(child.transfer("ram", root, 51), { ok: false, reason: "out-of-ram" });
  equal(child.transfer("ram", root, 50).ok, true);
});

test("S13: closing gives the rest to the reference account, which takes the members too", () => {
  const root = account(1000, 100);
  const middle = account(10, 5, { ram: 10, caps: 5 }, root);
  const leaf = account(10, 5, { ram: 10, caps: 5 }, middle);
  root.transfer("ram", middle, 300);
  middle.transfer("ram", leaf, 100);
  middle.close();
  equal(root.budget.ram.limit, 900);
  equal(leaf.reference, root);
  equal(leaf.transfer("ram", root, 100).ok, true);
  equal(root.budget.ram.limit, 1000);
});

test("S14: data of small objects is charged by the block, and given back", () => {
  const budget = new Budget({ ram: 8192, caps: 0 });
  const meta = new MetaStore(budget);
  for (let i = 0; i < 128; i++) equal(meta.take(), true);
  equal(budget.ram.avail, 0);
  equal(meta.take(), false);
  for (let i = 0; i < 128; i++) meta.give();
  equal(budget.ram.used, 0);
});
