// Rows against a set, which keeps the order in which its elements came, too.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { type Placed, Row } from "./row.ts";

interface Item extends Placed {
  readonly name: number;
}

const item = (name: number): Item => ({ name, place: 0 });
const namesOf = ({ name }: Item) => name;

test("a row is a set in the order of adding, whatever is taken out", () => {
  const items = Array.from({ length: 300 }, (_, name) => item(name));
  const rows = [new Row<Item>(), new Row<Item>()] as const;
  const sets = [new Set<Item>(), new Set<Item>()] as const;
  let state = 1;
  for (let step = 0; step < 6000; step++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const one = items[(state >>> 8) % items.length]!;
    const which = (state >>> 20) & 1;
    if (sets.some((set) => set.has(one))) equal(rows[which]!.delete(one), sets[which]!.delete(one));
    else {
      rows[which]!.add(one);
      sets[which]!.add(one);
    }
    for (const i of [0, 1] as const) {
      equal(rows[i].size, sets[i].size);
      equal(rows[i].newest, [...sets[i]].at(-1));
      if (step % 10 === 0) deepEqual(Array.from(rows[i], namesOf), Array.from(sets[i], namesOf));
    }
  }
});

const WAYS: readonly ((row: Row<Item>, visit: (one: Item) => void) => void)[] = [
  (row, visit) => row.forEach(visit),
  (row, visit) => {
    for (const one of row) visit(one);
  },
];

test("whoever goes through a row may take out and add any: each that is there when it is reached is visited once", () => {
  for (const goThrough of WAYS) {
    const row = new Row<Item>();
    const items = Array.from({ length: 200 }, (_, name) => item(name));
    for (const one of items) row.add(one);
    const seen: number[] = [];
    goThrough(row, (one) => {
      seen.push(one.name);
      if (one.name >= 200) return;
      row.delete(one);
      row.delete(items[one.name + 1] ?? one);
      row.add(item(200 + one.name));
    });
    const evens = Array.from({ length: 100 }, (_, i) => 2 * i);
    deepEqual(seen, [...evens, ...evens.map((name) => 200 + name)]);
  }
});

test("a sole element that another replaces while it is visited, and the last ones that leave together", () => {
  for (const goThrough of WAYS) {
    const row = new Row<Item>();
    const [first, second, third] = [item(1), item(2), item(3)];
    row.add(first);
    const seen: number[] = [];
    goThrough(row, (one) => {
      seen.push(one.name);
      row.delete(one);
      equal(row.newest, undefined);
      if (one !== first) return;
      row.add(second);
      row.add(third);
      row.delete(third);
      equal(row.newest, second);
    });
    deepEqual([seen, row.size], [[1, 2], 0]);
    row.add(third);
    equal(third.place, 0, "no gap is left");
  }
});

test("visits that end early, and visits in visits, leave a row as it was", () => {
  const row = new Row<Item>();
  for (let name = 0; name < 10; name++) row.add(item(name));
  for (const outer of row) {
    if (outer.name === 5) break;
    row.forEach((inner) => void (inner.name === 9 && row.delete(outer)));
  }
  deepEqual(Array.from(row, namesOf), [5, 6, 7, 8, 9]);
});

test("a place that was left is not reached by what has left it", () => {
  const row = new Row<Item>();
  const [first, second] = [item(1), item(2)];
  row.add(first);
  equal(row.delete(first), true);
  equal(row.delete(first), false);
  row.add(second);
  equal(row.delete(first), false, "another is there now");
  equal(row.newest, second);
});

test("a row that was long takes no more room than the short one that is left of it", () => {
  const row = new Row<Item>();
  const items = Array.from({ length: 10_000 }, (_, name) => item(name));
  for (const one of items) row.add(one);
  for (const one of items.slice(1, -1)) equal(row.delete(one), true);
  const last = item(10_000);
  row.add(last);
  ok(last.place <= 68, `it is at place ${last.place}`);
  deepEqual(Array.from(row, namesOf), [0, 9999, 10_000]);
});
