// A program under a supervisor outlives the server of its log, is checkpointed without it, and ends as ever.
import assert from "node:assert/strict";
import { test } from "node:test";
import { logServer } from "../../src/native/index.ts";
import { Rtcr } from "../../src/rtcr/index.ts";
import { type Env, objectOf, type ParentSession } from "../../src/session/index.ts";
import { component } from "../rtcr/rig.ts";
import { config, start, startSystem } from "../support/core-system.ts";

const LOGS = start("logs", '<binary name="mortal_log_server"/><provides><service name="LOG"/></provides>');
const CHILD = start(
  "sheep",
  '<binary name="sheep_counter_timer"/><config turns="6" sleep_ms="3"/>',
  'caps="500" ram="16M"',
);
const SUPERVISOR = start(
  "rtcr",
  `<route><service name="LOG"><child name="logs"/></service><any-service><parent/></any-service></route>${config(CHILD)}`,
  'caps="4000" ram="64M"',
);

test("S62, S72: a program whose log server has gone goes on, and is checkpointed without the session", async () => {
  let rtcr: Rtcr | undefined;
  let server: Env | undefined;
  const system = startSystem({
    config: config(LOGS + SUPERVISOR),
    binaries: { sheep_counter_timer: component("sheep_counter_timer") },
    natives: {
      rtcr: (env) => (rtcr = new Rtcr(env)),
      mortal_log_server: (env) => logServer((server = env)),
    },
  });
  const passUntil = async (there: () => boolean) => {
    for (let step = 0; step < 2000 && !there(); step++) {
      await new Promise((resolve) => setImmediate(resolve));
      system.advance(1000);
    }
    assert.ok(there(), system.lines.slice(-5).join("; "));
  };
  await passUntil(() => system.lines.some((line) => line.includes("sheep")));
  assert.equal(rtcr!.checkpoint("before").system.children[0]!.logs.length, 1);
  const forwarded = () => system.lines.filter((line) => line.startsWith("[init -> logs]")).length;
  const lines = forwarded();
  objectOf<ParentSession>(server!.parent, "parent")!.exit(0);
  system.settle();
  assert.deepEqual(rtcr!.checkpoint("after").system.children[0]!.logs, []);
  await passUntil(() => rtcr!.children.length === 0);
  assert.equal(forwarded(), lines);
  assert.deepEqual(system.warnings, []);
  system.close();
});
