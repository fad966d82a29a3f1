// A server's numbers of sessions over a restore of it, of its client, or of both: whatever has happened beside, each number
// is one session's, and all sessions come to their ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { Rtcr, RtcrPd } from "../../src/rtcr/index.ts";
import type { Env } from "../../src/session/index.ts";
import { required } from "../../src/util/index.ts";
import { assemble } from "../assemble.ts";
import { config, start, startSystem } from "../support/core-system.ts";
import { PRELUDE } from "../support/kernel-system.ts";
import { type Command, callOf, Drivers, MAILBOXES, textWords } from "./driver.ts";
import { Pair, requests, withRequests } from "./pair.ts";

const SESSION = 200;
const ARGS = 'ram_quota=16K, cap_quota=3, label="x"';
const CLOSED = 1;
const SLOW = '<service name="Slow"/>';
const OPEN = [SESSION, ...textWords("Slow"), ...textWords(ARGS), 0, 0, 0, 0];

/** What b is asked for, one request after the other. */
function asked(side: Drivers): readonly string[] {
  return Array.from(
    requests(side.tree).matchAll(/<(create|upgrade|close) id="(\d+)"/g),
    ([, kind, id]) => `${kind} ${id}`,
  );
}

function quotas({ tree: { core } }: Drivers): readonly unknown[] {
  return Array.from(core.pds, (pd) => [pd.label, pd.ramQuota(), pd.capQuota()]).sort();
}

test("S55, S96: a client that is restored while its server goes on asks anew for a session that it had only asked for", async () => {
  const pair = new Pair("direct", true);
  try {
    const scene = await withRequests(pair);
    const before = quotas(pair.sides[1]);
    await scene.call("a", "parent", "session", OPEN);
    let system: SystemCheckpoint | undefined;
    await pair.supervised((rtcr) => {
      system = rtcr.checkpoint("a alone", ["a"]).system;
    });
    pair.apart = true;
    await pair.supervised((rtcr) => rtcr.restore(required(system, "a checkpoint")));
    const [, side] = pair.sides;
    await scene.call("b", "rom", "dataspace");
    assert.deepEqual(asked(side), ["create 1", "create 2"], "that of before, which nobody waits for, and the new one");
    const [object = 0] = [...side.slots("b")].find(([, kind]) => kind === "rpc-object") ?? [];
    await scene.call("b", "parent", "deliver_session_cap", [1], [object]);
    await scene.call("b", "rom", "dataspace");
    assert.deepEqual(asked(side), ["close 1", "create 2"]);
    await scene.call("b", "parent", "session_response", [1, CLOSED]);
    await scene.call("b", "parent", "deliver_session_cap", [2], [object]);
    const held = side.slots("a").size;
    await scene.call("a", "parent", "session_cap", [SESSION]);
    assert.equal(side.slots("a").size, held + 1, "it has its session");
    await scene.call("a", "parent", "close", [SESSION]);
    await scene.call("b", "parent", "session_response", [2, CLOSED]);
    await scene.call("b", "rom", "dataspace");
    assert.deepEqual(asked(side), []);
    assert.deepEqual(quotas(side), before);
  } finally {
    pair.close();
  }
});

test("S55, S96: a session that is asked for while its server bootstraps for a restore gets a number that the server has not had", async () => {
  const pair = new Pair(undefined, false, { bootstraps: true });
  try {
    const scene = await withRequests(pair);
    await scene.call("a", "parent", "session", OPEN);
    await scene.call("b", "parent", "deliver_session_cap", [1], [scene.slot("b", "rpc-object")]);
    let system: SystemCheckpoint | undefined;
    await pair.supervised((rtcr) => {
      system = rtcr.checkpoint("b alone", ["b"]).system;
    });
    let rtcr: Rtcr | undefined;
    const parent = () => {
      const [pd] = required(rtcr, "a supervisor").child("a")!.of(RtcrPd);
      return required(pd?.parent, "the parent of a");
    };
    const outcomes: unknown[] = [];
    let asking = false;
    const keeper = (env: Env) => {
      rtcr = new Rtcr(env, {
        ...{ strategy: "bootstrap", restore: required(system, "a checkpoint") },
        restored: (outcome) => outcomes.push(outcome),
        atPhase: (phase) => {
          if (phase === "barrier") asking = parent().session(SESSION, "Slow", ARGS).ok;
        },
      });
      return rtcr;
    };
    const side = new Drivers(keeper, { bootstraps: true });
    await side.rest();
    assert.ok(asking && Array.isArray(outcomes[0]), String(outcomes[0]));
    const [rom, object] = [side.slotOf("b", "rom"), side.slotOf("b", "rpc-object")];
    const b = (command: Command) => side.order("b", MAILBOXES[0], command);
    const parentOf = (name: string, words: readonly number[], slots: readonly number[] = []) =>
      b(callOf(side.slotOf("b", "parent"), "parent", name, words, slots));
    await b(callOf(rom, "rom", "dataspace"));
    assert.deepEqual(asked(side), ["close 1", "create 2"]);
    await parentOf("session_response", [1, CLOSED]);
    await parentOf("deliver_session_cap", [2], [object]);
    const there = parent().sessionCap(SESSION);
    assert.ok(there.ok && there.value.valid, "the client that waits has its session");
    await b(callOf(rom, "rom", "dataspace"));
    assert.deepEqual(asked(side), []);
    side.close();
  } finally {
    pair.close();
  }
});

test("S55, S97: a child that waits for a session of somebody outside waits again", async () => {
  const waiting = assemble(
    `(module ${PRELUDE} (func (export "rtcr_component_start")
      (drop (call $futex_wait (i32.const 256) (i32.const 0) (i64.const -1)))))`,
  );
  const quota = 'caps="300" ram="8M"';
  const inner = config(start("a", '<binary name="waiting"/>', quota)).replace("<parent-provides>", `$&${SLOW}`);
  const server = start("slow", `<binary name="waiting"/><provides>${SLOW}</provides>`, quota);
  let rtcr: Rtcr | undefined;
  const outcomes: unknown[] = [];
  const keeper = (env: Env) => {
    rtcr = new Rtcr(env, { restored: (outcome) => outcomes.push(outcome) });
    return rtcr;
  };
  const tree = startSystem({
    config: config(start("rtcr", inner, 'caps="3000" ram="64M"') + server),
    binaries: { waiting },
    natives: { rtcr: keeper },
  });
  const parent = () => required(rtcr?.child("a")?.of(RtcrPd)[0]?.parent, "the parent of a");
  const pending = () => {
    const made = parent().sessionCap(SESSION);
    return made.ok && !made.value.valid;
  };
  assert.ok(parent().session(SESSION, "Slow", ARGS).ok && pending());
  const { system } = required(rtcr, "a supervisor").checkpoint("waiting");
  assert.deepEqual(
    system.children[0]?.foreign.map(({ id, server, phase }) => [id, server, phase]),
    [[SESSION, "", "create-requested"]],
  );
  rtcr?.restore(system);
  tree.settle();
  assert.ok(Array.isArray(outcomes[0]), String(outcomes[0]));
  assert.ok(pending());
  tree.close();
});

test("S62, S97: a session that a child waited for, and that is there at once after a restore, has a number of its own", () => {
  const waiting = assemble(`(module ${PRELUDE} (func (export "rtcr_component_start")
    (drop (call $futex_wait (i32.const 256) (i32.const 0) (i64.const -1)))))`);
  const quota = 'caps="300" ram="8M"';
  const log = ["LOG", 'ram_quota=16K, cap_quota=3, label="late"'] as const;
  const supervised = (server: string, restore?: SystemCheckpoint) => {
    let rtcr: Rtcr | undefined;
    const outcomes: unknown[] = [];
    const keeper = (env: Env) => {
      rtcr = new Rtcr(env, { restored: (outcome) => outcomes.push(outcome), ...(restore ? { restore } : {}) });
      return rtcr;
    };
    const late = `<route><service name="LOG" label_suffix="late">${server}</service><any-service><parent/></any-service></route>`;
    const tree = startSystem({
      config: config(
        start("rtcr", `${late}${config(start("a", '<binary name="waiting"/>', quota))}`, 'caps="3000" ram="64M"') +
          start("slow", '<binary name="waiting"/><provides><service name="LOG"/></provides>', quota),
      ),
      binaries: { waiting },
      natives: { rtcr: keeper },
    });
    return { tree, rtcr: required(rtcr, "a supervisor"), outcomes };
  };
  const first = supervised('<child name="slow"/>');
  const parent = required(first.rtcr.child("a")?.of(RtcrPd)[0]?.parent, "the parent of a");
  assert.ok(parent.session(SESSION, ...log).ok);
  const { system } = first.rtcr.checkpoint("waiting");
  assert.deepEqual(
    system.children[0]?.foreign.map(({ id, phase }) => [id, phase]),
    [[SESSION, "create-requested"]],
  );
  first.tree.close();
  const second = supervised("<parent/>", system);
  assert.ok(Array.isArray(second.outcomes[0]), String(second.outcomes[0]));
  const [child] = second.rtcr.checkpoint("there").system.children;
  const there = child?.logs.find(({ id }) => id === SESSION);
  assert.ok(there && there.allocated > 0, "it is numbered as what is made now");
  second.tree.close();
});
