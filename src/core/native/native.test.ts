// Environments of native components: signal handlers, the event loop, binaries that name programs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Capability, ENV_SESSION, type KernelObject, type ParentSession } from "../../session/index.ts";
import { refusal, success } from "../../util/index.ts";
import { createCoreContext } from "../memory/index.ts";
import { createPd, createRootPd } from "../pd/index.ts";
import { createEnv, NativeFault, nativeBinary, nativeProgramName, TaskQueue, writeLine } from "./index.ts";

function environment(caps = 100) {
  const warnings: string[] = [];
  const log: string[] = [];
  const context = createCoreContext({ warn: (line) => warnings.push(line) });
  const root = createRootPd(context, { label: "root", donation: { ram: 1 << 24, caps: 1000 } });
  const made = createPd(context, { label: "component", donation: { ram: 1 << 20, caps } });
  assert.ok(made.ok);
  const pd = made.value;
  pd.refAccount(root.capability);
  const capability = (object: KernelObject) => context.badges.identify(object).capability;
  const cpu = capability({ kind: "cpu" });
  const write = (text: string) => {
    log.push(text);
    return text.length;
  };
  const sessions = new Map<number, Capability>([
    [ENV_SESSION.pd, pd.capability],
    [ENV_SESSION.cpu, cpu],
    [ENV_SESSION.log, capability({ kind: "log", write } as KernelObject)],
  ]);
  const parent = {
    kind: "parent",
    sessionCap: (id: number) => (sessions.has(id) ? success(sessions.get(id)!) : refusal("service-denied")),
  } as unknown as ParentSession;
  const tasks = new TaskQueue();
  const open = () =>
    createEnv({ parent: context.badges.identify<ParentSession>(parent).capability, badges: context.badges, tasks });
  return { pd, tasks, warnings, log, sessions, open };
}

test("S31: a handler runs once a batch, from the event loop, in the order of the first submissions", () => {
  const { tasks, open } = environment();
  const { env } = open();
  const seen: string[] = [];
  const [a, b] = ["a", "b"].map((name) => env.signalHandler(() => seen.push(name)));
  b!.context.object?.submit(1);
  a!.context.object?.submit(3);
  b!.context.object?.submit(2);
  assert.deepEqual(seen, []);
  assert.ok(tasks.runAll());
  assert.deepEqual(seen, ["b", "a"]);
});

test("S31: a handler that signals itself for ever leaves others their turns", () => {
  const { tasks, open } = environment();
  const { env } = open();
  let turns = 0;
  const endless = env.signalHandler(() => {
    turns++;
    endless.context.object?.submit(1);
  });
  endless.context.object?.submit(1);
  let other = false;
  tasks.post(() => {
    other = true;
  });
  assert.equal(tasks.runAll(1000), false);
  assert.ok(other && turns >= 1000);
});

test("S31: a handler runs to its end before another begins, though slices of other CPUs end meanwhile", () => {
  const { tasks } = environment();
  const seen: string[] = [];
  tasks.post(() => {
    tasks.post(() => seen.push("second"));
    assert.equal(tasks.run(), 0);
    assert.equal(tasks.runAll(), false);
    seen.push("first");
  });
  assert.ok(tasks.runAll());
  assert.deepEqual(seen, ["first", "second"]);
});

test("S32: a handler that is disposed of is called no more, and its context is freed without a complaint", () => {
  const { pd, tasks, warnings, open } = environment();
  const { env } = open();
  const before = pd.usedCaps();
  const quiet = env.signalHandler(() => assert.fail("is gone"));
  const pending = env.signalHandler(() => assert.fail("is gone"));
  pending.context.object?.submit(1);
  for (const handler of [quiet, pending, pending]) handler.dispose();
  tasks.runAll();
  assert.deepEqual([quiet.context.valid, pending.context.valid], [false, false]);
  assert.equal(pd.usedCaps(), before + 1, "the source stays");
  assert.deepEqual(warnings, []);
});

test("a handler that throws harms nobody: it is reported to the component's log", () => {
  const { tasks, log, open } = environment();
  const { env } = open();
  const bad = env.signalHandler(() => {
    throw new TypeError("oops");
  });
  let good = false;
  const fine = env.signalHandler(() => {
    good = true;
  });
  bad.context.object?.submit(1);
  fine.context.object?.submit(1);
  tasks.runAll();
  assert.ok(good);
  assert.deepEqual(log, ["error: oops\n"]);
});

test("S10: signal handlers cost capabilities of the component's PD, and are refused without", () => {
  const { open } = environment(8);
  const { env } = open();
  env.signalHandler(() => {});
  assert.throws(() => env.signalHandler(() => {}), { name: "NativeFault", code: "out-of-caps" });
});

test("S37: without PD or CPU session there is no environment; a LOG session may come and go", () => {
  const { sessions, log, open } = environment();
  const { env } = open();
  assert.equal(env.log.write("one"), 3);
  sessions.delete(ENV_SESSION.log);
  assert.equal(env.log.write("two"), 0);
  assert.deepEqual(log, ["one"]);
  sessions.delete(ENV_SESSION.cpu);
  assert.throws(open, (thrown) => thrown instanceof NativeFault && thrown.code === "no-environment");
});

test("S57: long messages of native components are written in pieces", () => {
  const texts: string[] = [];
  writeLine({ kind: "log", write: (text) => texts.push(text) }, `${"x".repeat(500)}\0`);
  assert.equal(texts.join(""), `${"x".repeat(500)}?\n`);
  assert.ok(texts.every((text) => text.length < 232));
});

test("binaries name native programs; anything else does not", () => {
  const name = (bytes: Uint8Array) =>
    nativeProgramName({
      read: (_, target) => {
        const piece = bytes.subarray(0, target.length);
        target.set(piece);
        return piece.length;
      },
    });
  assert.equal(name(nativeBinary("report_rom")), "report_rom");
  assert.equal(name(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)), undefined);
  assert.equal(name(new TextEncoder().encode("rtcr-native:")), "");
  assert.equal(name(new TextEncoder().encode("rtcr-native:a b")), "a");
  assert.equal(name(new TextEncoder().encode(`rtcr-native:${"x".repeat(100)}`)), "x".repeat(64));
});
