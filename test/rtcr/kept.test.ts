// What a supervisor keeps for clients of its `Rtcr` sessions is charged to its PD, refused by name where that has no room, and
// given back when it is forgotten or replaced, or when nothing reads it any more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PreallocatedProvider, type RtcrComponent } from "../../src/rtcr/index.ts";
import {
  type KeptCheckpoint,
  objectOf,
  type PdSession,
  type Quota,
  type RtcrSession,
} from "../../src/session/index.ts";
import { CHILDREN, NAMES, supervised } from "./controlled.ts";

const [CHILD, ANOTHER] = NAMES as [string, string];
const OK = { ok: true, value: undefined };
const NONE = { ok: false, reason: "rom-module-does-not-exist" };
/** What the supervisor's configuration says that it preserves. */
const PRESERVED: Quota = { ram: 1 << 20, caps: 30 };
const PRESERVES = `<resource name="RAM" preserve="1M"/><resource name="CAP" preserve="30"/>`;

const pdOf = ({ env }: RtcrComponent): PdSession => objectOf<PdSession>(env.pd, "pd")!;
const usedOf = (pd: PdSession): Quota => ({ ram: pd.usedRam(), caps: pd.usedCaps() });

function listed(session: RtcrSession): KeptCheckpoint[] {
  const list: KeptCheckpoint[] = [];
  for (let kept = session.kept(0); kept.ok; kept = session.kept(list.length)) list.push(kept.value);
  return list;
}

/** Leaves the supervisor so much. @returns gives the rest back */
function fill(pd: PdSession, left: Quota): () => void {
  const caps = pd.capQuota() - pd.usedCaps() - left.caps - 1;
  const taken = Array.from({ length: caps }, () => pd.alloc(1));
  taken.push(pd.alloc(pd.ramQuota() - pd.usedRam() - left.ram));
  return () => {
    for (const each of taken) if (each.ok) pd.free(each.value);
  };
}

test("S111, S14: kept checkpoints are charged to the supervisor's PD; replaced and forgotten ones are given back", async () => {
  const { tree, session, other, supervisor, until } = supervised();
  try {
    await until(CHILD, 2);
    const pd = pdOf(supervisor);
    const before = usedOf(pd);
    const charged = () => {
      const used = usedOf(pd);
      return { ram: used.ram - before.ram, caps: used.caps - before.caps };
    };
    const sum = () => {
      const all = [...listed(session), ...listed(other).filter(({ own }) => own)];
      return { ram: all.reduce((bytes, each) => bytes + each.bytes, 0), caps: all.length };
    };
    assert.deepEqual(listed(session), []);
    assert.deepEqual(session.checkpointAs(CHILD, "v1"), OK);
    assert.deepEqual(session.checkpointAs(ANOTHER, "v2"), OK);
    assert.deepEqual(other.checkpointAs(ANOTHER, "v1"), OK);
    assert.deepEqual(session.checkpoint(""), OK);
    assert.deepEqual(
      listed(session).map(({ name, own }) => ({ name, own })),
      [
        { name: "v1", own: true },
        { name: "v2", own: true },
        { name: "", own: false },
      ],
    );
    const [v1, v2, all] = listed(session);
    assert.ok(v1!.bytes > 0 && v2!.bytes > 0 && all!.bytes >= v1!.bytes, "of both children");
    assert.deepEqual(charged(), sum());
    assert.deepEqual(session.checkpointAs("", "v1"), OK, "replaced");
    assert.deepEqual(charged(), sum());
    assert.equal(charged().caps, 4);
    assert.deepEqual(other.forget("v2"), NONE, "another client's");
    assert.deepEqual(session.forget("controller\0v1"), NONE);
    for (const name of ["v1", "v2", ""]) assert.deepEqual(session.forget(name), OK);
    assert.deepEqual(charged(), sum());
    for (const name of ["v1", "v2", ""]) {
      assert.deepEqual(session.forget(name), NONE);
      assert.deepEqual(session.restore(name), NONE);
    }
    assert.deepEqual(other.forget("v1"), OK);
    assert.deepEqual(usedOf(pd), before);
  } finally {
    tree.close();
  }
});

test("S111, S14: what the supervisor's PD has no room for is not kept, by name; what it preserves is left", async () => {
  const provider = new PreallocatedProvider({ arenas: 3, arenaBytes: 4 << 20 });
  const inside = `${PRESERVES}<service name="Rtcr"/>${CHILDREN}`;
  const { tree, session, supervisor, made, until } = supervised(inside, undefined, undefined, provider);
  try {
    await until(CHILD, 2);
    assert.deepEqual(session.checkpointAs(CHILD, "v1"), OK);
    const [{ bytes } = assert.fail("it is kept")] = listed(session);
    const pd = pdOf(supervisor);
    const before = usedOf(pd);
    for (const [left, reason] of [
      [{ ram: PRESERVED.ram + bytes - 4096, caps: PRESERVED.caps + 1 }, "out-of-ram"],
      [{ ram: PRESERVED.ram + 2 * bytes + (1 << 20), caps: PRESERVED.caps }, "out-of-caps"],
    ] as const) {
      const empty = fill(pd, left);
      const used = usedOf(pd);
      assert.deepEqual(session.checkpointAs(CHILD, "v2"), { ok: false, reason });
      assert.deepEqual(session.checkpointAs(CHILD, "v1"), { ok: false, reason }, "the one before is still needed");
      assert.deepEqual(session.checkpoint(CHILD), { ok: false, reason });
      assert.deepEqual(usedOf(pd), used);
      assert.deepEqual(
        listed(session).map(({ name }) => name),
        ["v1"],
      );
      assert.equal(provider.free, 2, "arenas of what is not kept are free");
      empty();
      assert.deepEqual(usedOf(pd), before);
      const warned = new RegExp(`^\\[init -> rtcr\\] warning: checkpoint "v2": its \\d+ bytes .* kept: ${reason}$`);
      assert.ok(
        tree.lines.some((line) => warned.test(line)),
        tree.lines.join("\n"),
      );
    }
    assert.equal(made.length, 1, "nobody stores what is not kept");
    const empty = fill(pd, { ram: PRESERVED.ram + bytes + 16_384, caps: PRESERVED.caps + 1 });
    assert.deepEqual(session.checkpointAs(CHILD, "v2"), OK, "as much as it needs");
    empty();
  } finally {
    tree.close();
  }
  assert.equal(provider.free, 3);
});

test("S89, S111: what is forgotten while a restore of it is asked for is given back when that has ended", async () => {
  const provider = new PreallocatedProvider({ arenas: 2, arenaBytes: 4 << 20 });
  const { tree, session, supervisor, lines, until } = supervised(undefined, undefined, undefined, provider);
  try {
    await until(CHILD, 2);
    const pd = pdOf(supervisor);
    const before = usedOf(pd);
    assert.deepEqual(session.checkpointAs(CHILD, "v1"), OK);
    const expected = lines(CHILD).length;
    await until(CHILD, expected + 3);
    const kept = usedOf(pd).ram;
    assert.deepEqual(session.restore("v1"), OK);
    const asked = usedOf(pd).ram - kept; // what waits for the event loop
    assert.deepEqual(session.forget("v1"), OK);
    assert.deepEqual(session.restore("v1"), NONE);
    assert.equal(usedOf(pd).ram, kept + asked, "its storage is needed still");
    assert.equal(provider.free, 1);
    const now = lines(CHILD).length;
    tree.settle();
    await until(CHILD, now + 2);
    assert.deepEqual(lines(CHILD).slice(now, now + 2), lines(CHILD).slice(expected, expected + 2));
    assert.deepEqual(usedOf(pd), before);
    assert.equal(provider.free, 2);
  } finally {
    tree.close();
  }
});
