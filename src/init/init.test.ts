// The parent protocol end to end (S37-S47): children in TypeScript, called by the test through their environments.
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../test/random.ts";
import type { NativeProgram } from "../core/index.ts";
import {
  type Capability,
  ENV_SESSION,
  type Env,
  INVALID,
  type KernelObject,
  objectOf,
  type RomSession,
  type ServiceRoot,
  type TimerSession,
} from "../session/index.ts";
import { refusal, success } from "../util/index.ts";
import { effectiveQuota, SESSION_RECORD_BYTES } from "./resources/amounts.ts";
import { readRom } from "./rom-text.ts";
import { plant, serve, start, system, type Tree } from "./tree.test.ts";

const ROM_ARGS = "ram_quota=6K, cap_quota=3";

/** A root that makes objects of kind "root" and counts. */
export function countingRoot(env: Env, log: string[] = []) {
  const open = new Set<Capability>();
  const root: ServiceRoot = {
    kind: "root",
    session: (args) => {
      log.push(`session ${args}`);
      if (args.includes("refuse")) return refusal("insufficient-cap-quota");
      const object: KernelObject = { kind: "root" };
      const { capability } = env.badges.identify(object);
      open.add(capability);
      return success(capability);
    },
    upgrade: (_, args) => log.push(`upgrade ${args}`),
    close: (session) => {
      log.push("close");
      open.delete(session);
    },
  };
  return { root, open, log };
}

/** A server of "S" whose root the test sees. */
function server() {
  const seen: { log: string[]; open?: Set<Capability> } = { log: [] };
  const program: NativeProgram = (env) => {
    const { root, open } = countingRoot(env, seen.log);
    seen.open = open;
    const served = serve(env, new Map([["S", root]]));
    return { dispose: () => served.dispose() };
  };
  return { program, seen };
}

/** The outcome of asking for a session: "ok", "pending" or the refusal. */
function ask(tree: Tree, child: string, id: number, service: string, args: string): string {
  const made = tree.parent(child).session(id, service, args);
  if (!made.ok) return made.reason;
  return made.value.valid ? "ok" : "pending";
}

function pick(tree: Tree, child: string, id: number): string {
  const made = tree.parent(child).sessionCap(id);
  if (!made.ok) return made.reason;
  return made.value.valid ? "ok" : "none";
}

test("S37: the environment has the sessions 1 to 5, which cannot be closed or asked for again", () => {
  const tree = plant({ config: system(start("a")), probes: ["a"] });
  assert.deepEqual(tree.warnings, []);
  const parent = tree.parent("a");
  const kinds = Object.values(ENV_SESSION).map((id) => {
    const made = parent.sessionCap(id);
    return made.ok && made.value.object?.kind;
  });
  assert.deepEqual(kinds, ["pd", "cpu", "log", "rom", "rom"]);
  for (const id of Object.values(ENV_SESSION)) {
    assert.equal(parent.close(id), "done");
    assert.equal(pick(tree, "a", id), "ok");
    assert.equal(ask(tree, "a", id, "ROM", `label="a", ${ROM_ARGS}`), "service-denied");
  }
  assert.equal(parent.mainThreadCap().object?.kind, "cpu-thread");
  const labels = tree.asked.filter((line) => line.includes('"init -> a')).map((line) => line.replace(/ .*label=/, " "));
  assert.deepEqual(
    labels.map((line) => line.split(",")[0]),
    ['PD "init -> a"', 'CPU "init -> a"', 'LOG "init -> a"', 'ROM "init -> a -> a"', 'ROM "init -> a -> a"'],
  );
});

test("S37: clients choose ids, one in use is refused, one that was closed is free again", () => {
  const tree = plant({ config: system(start("a")), probes: ["a"] });
  const args = `label="a", ${ROM_ARGS}`;
  assert.equal(ask(tree, "a", 77, "ROM", args), "ok");
  assert.equal(ask(tree, "a", 77, "ROM", args), "service-denied");
  assert.equal(ask(tree, "a", 6.5, "ROM", args), "service-denied");
  assert.equal(tree.parent("a").close(77), "done");
  assert.equal(tree.parent("a").close(77), "done");
  assert.equal(ask(tree, "a", 77, "ROM", args), "ok");
});

test("S38: core's sessions come at once, a sibling's when it has made them, with a signal", () => {
  const { program, seen } = server();
  const tree = plant({
    config: system(start("s", '<provides><service name="S"/></provides>') + start("c")),
    probes: ["c"],
    programs: { s: program },
  });
  let signals = 0;
  tree.parent("c").sessionSigh(tree.env("c").signalHandler(() => signals++).context);
  assert.equal(ask(tree, "c", 6, "ROM", `label="c", ${ROM_ARGS}`), "ok");
  assert.equal(ask(tree, "c", 7, "S", 'label="x", ram_quota=8K, cap_quota=2'), "pending");
  assert.equal(pick(tree, "c", 7), "none");
  tree.settle();
  assert.equal(signals, 1);
  assert.equal(pick(tree, "c", 7), "ok");
  assert.deepEqual(seen.log, [`session ram_quota=${8192 - SESSION_RECORD_BYTES}, cap_quota=2, label="c -> x"`]);
  assert.equal(tree.parent("c").close(7), "pending");
  tree.settle();
  assert.equal(signals, 2);
  assert.equal(tree.parent("c").close(7), "done");
  assert.equal(seen.open?.size, 0);
});

test("S38: a session that is refused later is refused when it is picked up, and its id is free then", () => {
  const { program } = server();
  const tree = plant({
    config: system(start("s", '<provides><service name="S"/></provides>') + start("c")),
    probes: ["c"],
    programs: { s: program },
  });
  assert.equal(ask(tree, "c", 7, "S", 'label="refuse", ram_quota=8K, cap_quota=2'), "pending");
  tree.settle();
  assert.equal(pick(tree, "c", 7), "insufficient-cap-quota");
  assert.equal(pick(tree, "c", 7), "none");
  assert.equal(ask(tree, "c", 7, "S", 'label="x", ram_quota=8K, cap_quota=2'), "pending");
});

test("S39, S40: what a child donates comes back exactly, from core and from a sibling", () => {
  const { program } = server();
  const tree = plant({
    config: system(start("s", '<provides><service name="S"/></provides>') + start("c")),
    probes: ["c"],
    programs: { s: program },
  });
  const pds = ["c", "s"].map((name) => tree.pd(name)!);
  const figures = () => [tree.initPd, ...pds].map((pd) => [pd.ramQuota(), pd.capQuota()]);
  const before = figures();
  const total = tree.total();
  const [ram, caps] = before[1]!;
  assert.equal(ask(tree, "c", 6, "ROM", `label="c", ${ROM_ARGS}`), "ok");
  assert.deepEqual(figures()[1], [ram! - 6144, caps! - 3]);
  assert.deepEqual(tree.parent("c").upgrade(6, "ram_quota=4K, cap_quota=1"), success("done"));
  assert.deepEqual(figures()[1], [ram! - 10240, caps! - 4]);
  assert.equal(ask(tree, "c", 7, "S", "ram_quota=8K, cap_quota=2"), "pending");
  tree.settle();
  pick(tree, "c", 7);
  assert.deepEqual(tree.parent("c").upgrade(7, "ram_quota=1K, cap_quota=1"), success("pending"));
  tree.settle();
  assert.deepEqual(figures()[1], [ram! - 10240 - 9216, caps! - 7]);
  assert.equal(pds[1]!.ramQuota(), before[2]![0]! + 9216 - SESSION_RECORD_BYTES);
  tree.parent("c").close(6);
  tree.parent("c").close(7);
  tree.settle();
  assert.deepEqual(figures(), before);
  assert.deepEqual(tree.total(), total);
});

test("S41: refusals come from the right side and cost nothing", () => {
  const tree = plant({ config: system(start("c")), probes: ["c"] });
  const pd = tree.pd("c")!;
  const before = [pd.ramQuota(), pd.capQuota()];
  const cases: readonly [service: string, args: string, expected: string][] = [
    ["ROM", `label="nothing", ${ROM_ARGS}`, "service-denied"],
    ["Nobody", ROM_ARGS, "service-denied"],
    ["", ROM_ARGS, "service-denied"],
    ["N".repeat(65), ROM_ARGS, "service-denied"],
    ["ROM", 'label="c" ram_quota', "service-denied"],
    ["LOG", 'label="x\n[init] all is well", ram_quota=8K, cap_quota=2', "service-denied"],
    ["No\n[init] such", "ram_quota=8K, cap_quota=2", "service-denied"],
    ["ROM", `label="${"l".repeat(150)}", ${ROM_ARGS}`, "service-denied"],
    ["ROM", 'label="c", ram_quota=100, cap_quota=3', "insufficient-ram-quota"],
    ["ROM", 'label="c", ram_quota=6K, cap_quota=0', "insufficient-cap-quota"],
    ["ROM", 'label="c", ram_quota=600, cap_quota=3', "insufficient-ram-quota"],
    ["ROM", 'label="c", ram_quota=1G, cap_quota=3', "out-of-ram"],
    ["ROM", 'label="c", ram_quota=6K, cap_quota=10000', "out-of-caps"],
  ];
  for (const [service, args, expected] of cases) assert.equal(ask(tree, "c", 6, service, args), expected, args);
  assert.deepEqual([pd.ramQuota(), pd.capQuota()], before);
  assert.ok(
    tree.lines.some((line) => /warning: child "c": no route to service "Nobody"/.test(line)),
    tree.lines.join(),
  );
  const forged = /\n|^\[init\] (\[init\]|all)/;
  assert.deepEqual(
    tree.lines.filter((line) => forged.test(line)),
    [],
  );
});

test("S42: a client that asks before the server has started gets its session when that is up", () => {
  const { program } = server();
  let outcome = "";
  const client: NativeProgram = (env) => {
    const { object: parent } = env.parent;
    const made = parent!.session(6, "S", "ram_quota=8K, cap_quota=2");
    outcome = made.ok && !made.value.valid ? "pending" : "other";
    const handler = env.signalHandler(() => {
      const picked = parent!.sessionCap(6);
      if (picked.ok && picked.value.valid) outcome = "ok";
    });
    parent!.sessionSigh(handler.context);
    assert.equal(outcome, "pending");
    return { dispose: () => {} };
  };
  const tree = plant({
    config: system(start("c") + start("s", '<provides><service name="S"/></provides>')),
    programs: { c: client, s: program },
  });
  assert.deepEqual(tree.warnings, []);
  assert.equal(outcome, "ok");
});

test("S42: announcing what is not in <provides> has no effect but a line", () => {
  const { program } = server();
  const tree = plant({ config: system(start("s") + start("c")), probes: ["c"], programs: { s: program } });
  assert.ok(
    tree.lines.includes('[init] warning: child "s": illegal announcement of service "S"'),
    tree.lines.join("\n"),
  );
  assert.equal(ask(tree, "c", 7, "S", "ram_quota=8K, cap_quota=2"), "service-denied");
});

test("S42: a server that lies harms nobody: unknown ids, second capabilities, answers out of turn", () => {
  const tree = plant({
    config: system(start("s", '<provides><service name="S"/></provides>') + start("c")),
    probes: ["c", "s"],
  });
  const total = tree.total();
  const liar = tree.parent("s");
  assert.equal(ask(tree, "c", 7, "S", "ram_quota=8K, cap_quota=2"), "pending");
  const object = tree.env("s").badges.identify<KernelObject>({ kind: "root" }).capability;
  for (const id of [0, 2, -1, Number.NaN, 1e9]) liar.deliverSessionCap(id, object);
  liar.deliverSessionCap(1, INVALID);
  liar.sessionResponse(1, "ok");
  assert.equal(pick(tree, "c", 7), "none");
  liar.deliverSessionCap(1, object);
  liar.deliverSessionCap(1, tree.env("s").pd);
  const picked = tree.parent("c").sessionCap(7);
  assert.equal(picked.ok && picked.value, object);
  liar.sessionResponse(1, "service-denied");
  assert.equal(pick(tree, "c", 7), "ok");
  liar.sessionResponse(1, "closed");
  liar.sessionResponse(1, "closed");
  assert.equal(pick(tree, "c", 7), "none");
  assert.deepEqual(tree.total(), total);
});

test("S43: a client is removed while its session is being made: the server is asked to close it", () => {
  const both = system(start("s", '<provides><service name="S"/></provides>') + start("c"));
  const tree = plant({ config: both, probes: ["c", "s"] });
  const requests = tree.parent("s").session(6, "ROM", `label="session_requests", ${ROM_ARGS}`);
  assert.ok(requests.ok);
  const rom = objectOf<RomSession>(requests.value, "rom")!;
  const total = tree.total();
  ask(tree, "c", 7, "S", "ram_quota=8K, cap_quota=2");
  assert.match(readRom(rom)!, /<create id="1" service="S" label="c">/);
  tree.configure(system(start("s", '<provides><service name="S"/></provides>')));
  assert.equal(tree.pd("c"), undefined);
  assert.match(readRom(rom)!, /<create id="1"/);
  tree.parent("s").deliverSessionCap(1, tree.env("s").badges.identify<KernelObject>({ kind: "root" }).capability);
  assert.match(readRom(rom)!, /<close id="1"\/>/);
  tree.parent("s").sessionResponse(1, "closed");
  assert.doesNotMatch(readRom(rom)!, /id=/);
  assert.deepEqual(tree.total(), total);
});

test("S43: a server exits: its sessions are closed, its clients live on", () => {
  const { program } = server();
  const exiting: NativeProgram = (env) => {
    const component = program(env);
    const timer = env.session(9, "Timer", "ram_quota=10K, cap_quota=2");
    assert.ok(timer.ok);
    const session = objectOf<TimerSession>(timer.value, "timer")!;
    session.sigh(env.signalHandler(() => env.parent.object?.exit(3)).context);
    session.triggerOnce(5000);
    return component;
  };
  const tree = plant({
    config: system(start("s", '<provides><service name="S"/></provides>') + start("c")),
    probes: ["c"],
    programs: { s: exiting },
  });
  const pd = tree.pd("c")!;
  const before = [pd.ramQuota(), pd.capQuota()];
  const total = tree.total();
  ask(tree, "c", 7, "S", "ram_quota=8K, cap_quota=2");
  tree.settle();
  assert.equal(pick(tree, "c", 7), "ok");
  tree.advance(6);
  assert.ok(tree.lines.includes('[init] child "s" exited with exit value 3'));
  assert.equal(pick(tree, "c", 7), "none");
  assert.equal(tree.parent("c").close(7), "done");
  assert.deepEqual([pd.ramQuota(), pd.capQuota()], before);
  assert.equal(tree.starts("c"), 1);
  assert.equal(ask(tree, "c", 8, "S", "ram_quota=8K, cap_quota=2"), "service-denied");
  assert.deepEqual(tree.total(), total);
});

test("S43: a child ends in order: its threads, LOG, ROMs, PD, all others", () => {
  for (const end of ["removal", "exit"]) {
    const { program, seen } = server();
    const tree = plant({
      config: system(start("c") + start("s", '<provides><service name="S"/></provides>')),
      probes: ["c"],
      programs: { s: program },
    });
    const parent = tree.parent("c");
    ask(tree, "c", 6, "Timer", "ram_quota=10K, cap_quota=2");
    ask(tree, "c", 7, "S", "ram_quota=8K, cap_quota=2");
    ask(tree, "c", 8, "ROM", `label="c", ${ROM_ARGS}`);
    ask(tree, "c", 9, "RM", "ram_quota=64K, cap_quota=2");
    tree.settle();
    const before = tree.closed.length;
    if (end === "exit") parent.exit(0);
    else tree.configure(system(start("s", '<provides><service name="S"/></provides>')));
    tree.settle();
    assert.deepEqual(tree.closed.slice(before), ["CPU", "LOG", "ROM", "ROM", "ROM", "PD", "Timer", "RM"]);
    assert.equal(seen.open?.size, 0);
    tree.close();
  }
});

test("S44: a resource request is recorded; a later configuration with more quota wakes the child", () => {
  const tree = plant({ config: system(start("c", "", 'caps="100" ram="2M"')), probes: ["c"] });
  let woken = 0;
  tree.parent("c").resourceAvailSigh(tree.env("c").signalHandler(() => woken++).context);
  tree.parent("c").resourceRequest("ram_quota=1M, cap_quota=4");
  tree.settle();
  assert.equal(woken, 0);
  assert.ok(tree.lines.includes('[init] child "c" requests resources: ram_quota=1M, cap_quota=4'));
  const before = [tree.pd("c")!.ramQuota(), tree.pd("c")!.capQuota()];
  tree.configure(system(start("c", "", 'caps="104" ram="3M"')));
  assert.equal(woken, 1);
  assert.deepEqual([tree.pd("c")!.ramQuota(), tree.pd("c")!.capQuota()], [before[0]! + (1 << 20), before[1]! + 4]);
  assert.equal(tree.starts("c"), 1);
});

test("S44: upgrading the own PD is a resource request", () => {
  const tree = plant({ config: system(start("c")), probes: ["c"] });
  const before = tree.pd("c")!.ramQuota();
  assert.deepEqual(tree.parent("c").upgrade(ENV_SESSION.pd, "ram_quota=8K"), success("done"));
  assert.equal(tree.pd("c")!.ramQuota(), before);
  tree.settle();
  assert.ok(tree.lines.includes('[init] child "c" requests resources: ram_quota=8K'));
});

test("S45: less quota is taken at once as far as it is free, the rest is asked back", () => {
  const tree = plant({ config: system(start("c", "", 'caps="200" ram="4M"')), probes: ["c"] });
  const env = tree.env("c");
  const held = env.pd.object!.alloc(3 << 20);
  assert.ok(held.ok);
  const asked: string[] = [];
  const parent = tree.parent("c");
  const handler = env.signalHandler(() => {
    asked.push(parent.yieldRequest());
    if (asked.length > 1) return;
    env.pd.object!.free(held.value);
    parent.yieldResponse();
  });
  parent.yieldSigh(handler.context);
  const available = tree.pd("c")!.ramQuota() - tree.pd("c")!.usedRam();
  const before = tree.pd("c")!.ramQuota();
  const total = tree.total();
  tree.configure(system(start("c", "", 'caps="200" ram="2M"')));
  const rest = (2 << 20) - (available - (16 << 10));
  assert.ok(rest > 0);
  assert.deepEqual(asked, [`ram_quota=${rest}, cap_quota=0`]);
  assert.equal(tree.pd("c")!.ramQuota(), before - (2 << 20));
  assert.equal(parent.yieldRequest(), "");
  assert.equal(tree.starts("c"), 1);
  assert.deepEqual(tree.total(), total);
});

test("S46: an exit is reported with its value; the child stays listed; propagation ends init", () => {
  const tree = plant({
    config: system(`<report/>${start("a")}${start("b", '<exit propagate="yes"/>')}`),
    probes: ["a", "b"],
  });
  const total = tree.total();
  tree.parent("a").exit(5);
  tree.parent("a").exit(6);
  assert.ok(tree.pd("a"), "not below its feet");
  tree.settle();
  assert.equal(tree.pd("a"), undefined);
  assert.deepEqual(tree.exits, []);
  assert.match(tree.reports.at(-1)!.text, /<child name="a" binary="a" exited="5"\/>/);
  tree.parent("b").exit(-1);
  tree.settle();
  assert.deepEqual(tree.exits, [-1]);
  assert.deepEqual(tree.total(), total);
});

const HEARTS = (inside: string) => system(`<heartbeat rate_ms="100"/><report/>${start("a", inside)}${start("b")}`);

test("S47: heartbeats are signalled each period, what is not answered is skipped", () => {
  const tree = plant({ config: HEARTS("<heartbeat/>"), probes: ["a", "b"] });
  let beats = 0;
  let answers = true;
  for (const name of ["a", "b"]) {
    const parent = tree.parent(name);
    const handler = tree.env(name).signalHandler(() => {
      if (name === "a") beats++;
      else assert.fail("b takes no part");
      if (answers) parent.heartbeatResponse();
    });
    parent.heartbeatSigh(handler.context);
  }
  tree.advance(550);
  assert.equal(beats, 5);
  assert.doesNotMatch(tree.reports.at(-1)!.text, /skipped/);
  answers = false;
  tree.advance(300);
  tree.advance(101);
  assert.match(tree.reports.at(-1)!.text, /<child name="a" binary="a" skipped_heartbeats="[23]"\/>/);
  tree.parent("a").heartbeatResponse();
  answers = true;
  tree.configure(HEARTS("<heartbeat/>").replace("<report/>", '<report delay_ms="50"/>'));
  assert.doesNotMatch(tree.reports.at(-1)!.text, /skipped/);
});

test("S47: a child is restarted after so many skipped heartbeats", () => {
  const tree = plant({ config: HEARTS('<heartbeat restart_after_skipped="3"/>'), probes: ["a", "b"] });
  const total = tree.total();
  tree.parent("a").heartbeatSigh(tree.env("a").signalHandler(() => {}).context);
  tree.advance(390);
  assert.equal(tree.starts("a"), 1);
  tree.advance(20);
  assert.equal(tree.starts("a"), 2);
  assert.ok(tree.lines.includes('[init] child "a" skipped 3 heartbeats and is restarted'));
  tree.advance(1000);
  assert.equal(tree.starts("a"), 2, "who does not listen is not counted");
  assert.equal(tree.starts("b"), 1);
  assert.deepEqual(tree.total(), total);
});

test("S51: effective quota is what is assigned without start costs", () => {
  const tree = plant({ config: system(start("a", "", 'caps="150" ram="3M"')), probes: ["a"] });
  const effective = effectiveQuota({ ram: 3 << 20, caps: 150 });
  const pd = tree.pd("a")!;
  assert.deepEqual([pd.ramQuota() - (192 << 10) + 512, pd.capQuota() - 13], [effective.ram, effective.caps]);
});

test("S43: a child that floods init with requests is heard a few times, and pays for what it gets", () => {
  const { program } = server();
  const tree = plant({
    config: system(`<report/>${start("s", '<provides><service name="S"/></provides>')}${start("c")}`),
    probes: ["c"],
    programs: { s: program },
  });
  const pd = tree.pd("c")!;
  const before = [pd.ramQuota(), pd.capQuota()];
  const [lines, reports] = [tree.lines.length, tree.reports.length];
  const parent = tree.parent("c");
  for (let i = 0; i < 1000; i++) {
    parent.announce("S");
    ask(tree, "c", 6, "Nobody", ROM_ARGS);
  }
  for (let i = 0; i < 1000; i++) parent.resourceRequest("ram_quota=1M");
  for (let i = 0; i < 1000; i++) parent.yieldResponse();
  for (let i = 0; i < 1000; i++) parent.heartbeatResponse();
  tree.settle();
  assert.ok(tree.reports.length <= reports + 1);
  assert.deepEqual(tree.lines.slice(lines), [
    ...["", " (10 times)", " (100 times)", " (1000 times)"].flatMap((times) => [
      `[init] warning: child "c": illegal announcement of service "S"${times}`,
      `[init] warning: child "c": no route to service "Nobody" (label="c"): no child provides Nobody${times}`,
    ]),
    '[init] child "c" requests resources: ram_quota=1M',
  ]);
  let opened = 0;
  while (ask(tree, "c", 100 + opened, "S", "ram_quota=512, cap_quota=0") === "pending") opened++;
  assert.ok(opened > 1000 && opened * 512 < before[0]!, String(opened));
  tree.settle();
  for (let id = 100; id < 100 + opened; id++) parent.close(id);
  tree.settle();
  assert.deepEqual([pd.ramQuota(), pd.capQuota()], before);
});

for (let seed = 1; seed <= 8; seed++) {
  test(`S40: the sum of all quotas never changes over random calls of a whole system, seed ${seed}`, () => {
    const { below, pick } = seededRandom(seed);
    const inner = `<binary name="init"/>${system(`${start("i", "", 'caps="80" ram="1M"')}${start("j", '<provides><service name="J"/></provides>', 'caps="80" ram="1M"')}`)}`;
    const optional: Readonly<Record<string, string>> = {
      c: start("c", "", 'caps="100" ram="1M"'),
      d: start("d", "", 'caps="90" ram="2M"'),
      s: start("s", '<provides><service name="S"/></provides>', 'caps="100" ram="1M"'),
      liar: start("liar", '<provides><service name="L"/></provides>', 'caps="100" ram="1M"'),
      inner: start("inner", inner, 'caps="400" ram="6M"'),
    };
    const configuration = () =>
      system(
        Object.values(optional)
          .filter(() => below(5) > 0)
          .map((text) =>
            text.replace(/ram="(\d)M"/, (_, ram) => `ram="${Number(ram) + below(3)}M" version="${below(3)}"`),
          )
          .join(""),
      );
    const { program } = server();
    const names = ["c", "d", "liar", "i", "j"];
    const tree = plant({ config: system(Object.values(optional).join("")), probes: names, programs: { s: program } });
    const total = tree.total();
    const args = () =>
      `label="${pick(["c", "refuse", "x", "session_requests"])}", ram_quota=${below(12_000)}, cap_quota=${below(5)}`;
    const steps: ((child: string) => unknown)[] = [
      (child) => ask(tree, child, 6 + below(8), pick(["S", "L", "J", "ROM", "RM", "Timer", "PD", "CPU"]), args()),
      (child) => tree.parent(child).sessionCap(below(14)),
      (child) => tree.parent(child).upgrade(below(14), `ram_quota=${below(4000)}, cap_quota=${below(3)}`),
      (child) => tree.parent(child).close(below(14)),
      (child) => tree.parent(child).deliverSessionCap(1 + below(20), tree.env(child).pd),
      (child) =>
        tree
          .parent(child)
          .sessionResponse(1 + below(20), pick(["ok", "closed", "service-denied", "insufficient-ram-quota"])),
      (child) => tree.env(child).pd.object?.alloc(below(100_000)),
      (child) => below(40) === 0 && tree.parent(child).exit(1),
      () => below(2) && tree.settle(),
      () => below(20) === 0 && tree.configure(configuration()),
    ];
    for (let step = 0; step < 1500; step++) {
      const child = pick(names);
      if (tree.starts(child) > 0 && tree.env(child).parent.valid) pick(steps)(child);
      else if (below(4) === 0) tree.configure(configuration());
      assert.deepEqual(tree.total(), total, `step ${step}`);
    }
    tree.configure(system(""));
    assert.deepEqual(tree.total(), total);
    const { initPd } = tree;
    assert.ok(names.every((name) => !tree.pd(name)));
    const idle = plant({ config: system("") });
    assert.deepEqual([initPd.ramQuota(), initPd.capQuota()], [idle.initPd.ramQuota(), idle.initPd.capQuota()]);
    tree.close();
  });
}
