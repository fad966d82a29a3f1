// The registry of a child's objects against a plain list (S68, S69, S72).
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { Badges, type Identity } from "../session/index.ts";
import { DirectCopier } from "./copier.ts";
import { RecordReader } from "./record-reader.ts";
import { RecordWriter } from "./record-writer.ts";
import { type Entry, ofTracked, Tracked } from "./tracked.ts";

interface Item extends Entry {
  readonly name: number;
  readonly identity: Identity;
}

const LISTING = ofTracked<Item>((records, { name }) => records.number(name));

function system() {
  const badges = new Badges();
  const tracked = new Tracked<Item>();
  const disposed: number[] = [];
  let made = 0;
  const add = (): Item => {
    const name = made++;
    const identity = badges.identify({ kind: "log" });
    const item = { name, identity, capability: identity.capability, place: 0, dispose: () => void disposed.push(name) };
    tracked.add(item);
    return item;
  };
  return { tracked, disposed, add };
}

/** The names that a checkpoint has. */
function recorded(tracked: Tracked<Item>): readonly number[] {
  const bytes = new Uint8Array(8192);
  const records = new RecordWriter(bytes, new DirectCopier(bytes));
  tracked.checkpoint(records, LISTING);
  return new RecordReader(bytes.subarray(0, records.neededBytes)).list((from) => from.number());
}

test("S69, S72: what is tracked is found, removed, and recorded by age, among many that come and go", () => {
  const { tracked, add } = system();
  const list: Item[] = [];
  let state = 1;
  for (let step = 0; step < 3000; step++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    if ((state >>> 9) % 5 < (step % 1000 < 500 ? 3 : 2)) list.push(add());
    else {
      const [gone] = list.splice((state >>> 12) % (list.length || 1), 1);
      if (!gone) continue;
      equal(tracked.remove(gone.capability), gone);
      equal(tracked.remove(gone.capability), undefined);
      equal(tracked.get(gone.capability), undefined);
    }
    equal(tracked.size, list.length);
    if (step % 20 !== 0) continue;
    for (const item of list) equal(tracked.get(item.capability), item);
    deepEqual([...tracked], list);
    deepEqual(
      recorded(tracked),
      list.map(({ name }) => name),
    );
  }
});

test("S68: what has gone without the child is in no record, and leaves, once, when somebody looks", () => {
  const { tracked, disposed, add } = system();
  const items = Array.from({ length: 4 }, add);
  items[1]!.identity.dispose();
  items[3]!.identity.dispose();
  deepEqual(recorded(tracked), [0, 2]);
  deepEqual([disposed, tracked.size], [[], 4], "a checkpoint changes nothing");
  deepEqual([...tracked], [items[0], items[2]]);
  tracked.each(() => {});
  deepEqual([disposed, tracked.size], [[1, 3], 2]);
});

test("S72: entries that are put in another order are recorded in it, and one takes the place of another of its capability", () => {
  const { tracked, add } = system();
  const items = Array.from({ length: 3 }, add);
  tracked.sort((a, b) => b.name - a.name);
  deepEqual(recorded(tracked), [2, 1, 0]);
  const other = { ...items[1]!, name: 7, place: 0 };
  tracked.add(other);
  deepEqual(recorded(tracked), [2, 0, 7]);
  equal(tracked.get(other.capability), other);
});
