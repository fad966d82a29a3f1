import assert from "node:assert/strict";
import test from "node:test";
import { Badges, type Capability, INVALID, type KernelObject, Notes } from "./capability.ts";
import { labelPrefix, lastElement, prefixLabel, withoutName } from "./label.ts";

const object = (): KernelObject => ({ kind: "log" });

test("S2: the invalid capability denotes nothing and has badge 0", () => {
  assert.equal(INVALID.badge, 0);
  assert.equal(INVALID.valid, false);
  assert.equal(INVALID.object, undefined);
});

test("S4: the end of an object ends its capability everywhere; ending it twice is harmless", () => {
  const badges = new Badges();
  const target = object();
  const identity = badges.identify(target);
  const copy = identity.capability;
  assert.equal(copy.object, target);
  identity.dispose();
  identity.dispose();
  assert.equal(copy.valid, false);
  assert.equal(copy.object, undefined);
});

test("S5: a badge is used again, and a stale capability does not reach the new object", () => {
  const badges = new Badges();
  const first = badges.identify(object());
  const stale = first.capability;
  first.dispose();
  first.dispose();
  const second = badges.identify(object());
  const third = badges.identify(object());
  assert.equal(second.capability.badge, stale.badge);
  assert.notEqual(third.capability.badge, stale.badge, "a badge freed twice is given out once");
  assert.equal(stale.object, undefined);
});

test("S4, S62: what stands in front of an object is dead as soon as that is, and its badge comes back once", () => {
  const badges = new Badges();
  const behind = badges.identify(object());
  const front = badges.identify(object(), behind.capability);
  const outermost = badges.identify(object(), front.capability);
  assert.ok(outermost.capability.valid);
  behind.dispose();
  assert.equal(front.capability.object, undefined);
  assert.equal(outermost.capability.valid, false);
  for (const identity of [outermost, outermost, front]) identity.dispose();
  const again = [1, 2, 3].map(() => badges.identify(object()).capability.badge);
  assert.deepEqual(
    again.toSorted((a, b) => a - b),
    [1, 2, 3],
  );
});

test("S5: badges of many objects stay few", () => {
  const badges = new Badges();
  let highest = 0;
  for (let round = 0; round < 50; round++) {
    const batch = Array.from({ length: 100 }, () => badges.identify(object()));
    highest = Math.max(highest, ...batch.map(({ capability }) => capability.badge));
    for (const identity of batch) identity.dispose();
  }
  assert.equal(highest, 100);
});

test("S50: labels grow inwards and are taken apart at their separators", () => {
  assert.equal(prefixLabel("init", ""), "init");
  assert.equal(prefixLabel("init", "child -> rom"), "init -> child -> rom");
  assert.equal(lastElement("init -> child -> rom"), "rom");
  assert.equal(lastElement("rom"), "rom");
  assert.equal(labelPrefix("init -> child -> rom"), "init -> child");
  assert.equal(labelPrefix("rom"), "");
  assert.equal(withoutName("child -> a -> b"), "a -> b");
  assert.equal(withoutName("child"), "");
});

test("S2, F9: what is promised becomes what its holders take it for, and stands in front of nothing that it is itself", () => {
  const badges = new Badges();
  const pd: KernelObject = { kind: "pd" };
  const [first, second, taken] = [badges.promise(), badges.promise(), badges.promise()];
  assert.ok(badges.expect(taken, "log") && badges.expect(taken, "log") && badges.expect(INVALID, "pd"));
  assert.ok(!badges.expect(taken, "pd"), "nobody can take it for two kinds");
  assert.throws(() => badges.fulfil(taken, pd), TypeError);
  assert.throws(() => badges.fulfil(first, object(), first), TypeError);
  assert.ok(badges.fulfil(first, object(), second));
  assert.ok(!first.valid && !badges.expect(first, "pd"), "it is of its kind before what is behind is there");
  assert.throws(() => badges.fulfil(second, object(), first), TypeError);
  assert.ok(badges.fulfil(second, object()));
  assert.ok(first.valid && badges.expect(first, "log"));
});

test("notes of a capability are those of their keeper, however many have some", () => {
  const badges = new Badges();
  const keepers = Array.from({ length: 3 }, () => new Notes<{ readonly of: number }>());
  const capabilities = [0, 1].map(() => badges.identify(object()).capability);
  const expected = keepers.map(() => new Map<Capability, object>());
  let state = 1;
  for (let step = 0; step < 500; step++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const which = (state >>> 8) % 3;
    const capability = capabilities[(state >>> 16) & 1]!;
    if ((state >>> 20) % 3 > 0) {
      const note = { of: step };
      keepers[which]!.set(capability, note);
      expected[which]!.set(capability, note);
    } else {
      keepers[which]!.delete(capability);
      expected[which]!.delete(capability);
    }
    for (const [i, keeper] of keepers.entries()) {
      for (const each of capabilities) assert.equal(keeper.get(each), expected[i]!.get(each), `step ${step}`);
    }
  }
});

test("a note does not keep a dead capability alive, nor ends with it", () => {
  const identity = new Badges().identify(object());
  const notes = new Notes<object>();
  const note = {};
  notes.set(identity.capability, note);
  identity.dispose();
  assert.equal(identity.capability.valid, false);
  assert.equal(notes.get(identity.capability), note);
});
