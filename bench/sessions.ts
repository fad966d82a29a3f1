// What do calls, signals and switches between components cost, and does the number of live objects matter?
//
//   npm run bench -- sessions [--json FILE] [--calls N] [--rounds N] [--objects N,N]
//
// bare:    a Wasm function calls JavaScript, which calls a Wasm function of another instance: the least that a call between
//          components can cost here; always the same one (the engine may inline all of it), or one of four in turn, as in a
//          system, where who is called is known only then
// rpc:     a component calls another one's object; nested in its caller's host call, or (blocking) through the scheduler
// rpc, 1 KiB written and read: each call, the caller writes all of the message, the server reads it and writes another into its
//          place, the caller reads that, and traps if any of it is not what was written; beside it the same without a call
// native:  a component calls a session of core
// signal:  submit, and the dispatch at an entrypoint that serves the source
// session: one is opened at init, which routes it, and closed (opened-sessions.ts)
// switch:  two threads of one component that yield to each other; frozen and thawed each time
// cpus:    calls of components on other CPUs, beside two workers that take turns at one shared word (cpus.ts)
// objects: an operation while so many others are alive
// dataspaces: alloc, attach, detach and free, by live objects and by size (dataspaces.ts)

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CapabilityTable } from "../src/core/kernel/index.ts";
import { Badges, type Identity, type KernelObject } from "../src/session/index.ts";
import { assert } from "../src/util/index.ts";
import { assemble } from "../test/assemble.ts";
import { dispatch, main, SERVES, tableOf } from "../test/support/guest-code.ts";
import { type TestComponent, TestSystem } from "../test/support/kernel-system.ts";
import { cpuRows } from "./cpus.ts";
import { dataspaceRows } from "./dataspaces.ts";
import { median, rounded } from "./measure.ts";
import { openedSessions } from "./opened-sessions.ts";

/** Prepares a system and returns what runs `calls` operations, and how many nanoseconds it took. */
type Scenario = (calls: number) => Promise<() => Promise<number>>;

const header = (bytes: number, capabilities: number) =>
  `(i32.store (i32.const 2048) (i32.const ${bytes})) (i32.store (i32.const 2052) (i32.const ${capabilities})) (i32.store (i32.const 2056) (i32.const 1))`;

/** Calls `calls` times with a message of so many bytes and capabilities. */
function caller(calls: number, slot: number, opcode: number, bytes: number, capabilities = 0): string {
  return main(`(loop $again ${header(bytes, capabilities)}
    (drop (call $call (i32.const ${slot}) (i32.const ${opcode}) (i32.const 2048)))
    (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${calls}))))`);
}

const SERVER = `${tableOf("d")} ${SERVES} ${dispatch("d", "")}`;

async function timedRun(system: TestSystem, component: TestComponent, threads = 1): Promise<number> {
  await system.rest();
  const begin = performance.now();
  for (let i = 0; i < threads; i++) component.start(`main${i}`, 0, 61_440 - i * 4096);
  await system.rest();
  return (performance.now() - begin) * 1e6;
}

function rpc(bytes: number, capabilities = 0): Scenario {
  return async (calls) => {
    const system = new TestSystem();
    const server = system.component("server", SERVER);
    const object = system.object(server, server.start("ep").capability);
    const client = system.component("client", caller(calls, 4, 1, bytes, capabilities));
    client.component.table.insert(object);
    return () => timedRun(system, client);
  };
}

const DATA_BYTES = 1024;

/** `each` of every word of 8 bytes of the data of the message at `$m`, four a turn; `$p` is where it is. */
function eachWord(each: (offset: number) => string): string {
  const four = [0, 8, 16, 24].map((offset) => each(40 + offset)).join(" ");
  return `(local.set $p (local.get $m)) (loop $next ${four}
    (br_if $next (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 32))) (i32.add (local.get $m) (i32.const ${DATA_BYTES})))))`;
}

/** The caller's and the server's work on a message: what it holds is `$i`, then `$i + 1`. */
const PAYLOAD = `
  (func $write (param $m i32) (param $i i64) (local $p i32)
    ${eachWord((offset) => `(i64.store offset=${offset} (local.get $p) (local.get $i))`)})
  (func $answer (param $m i32) (local $p i32)
    ${eachWord((offset) => `(i64.store offset=${offset} (local.get $p) (i64.add (i64.load offset=${offset} (local.get $p)) (i64.const 1)))`)})
  (func $read (param $m i32) (param $i i64) (local $p i32) (local $wrong i64)
    ${eachWord((offset) => `(local.set $wrong (i64.or (local.get $wrong) (i64.xor (local.get $i) (i64.load offset=${offset} (local.get $p)))))`)}
    (if (i64.ne (local.get $wrong) (i64.const 0)) (then unreachable)))`;

/** @param answer what has the message at 2048 answered */
function payloadCaller(calls: number, answer: string): string {
  return `${PAYLOAD} ${main(`(loop $again (call $write (i32.const 2048) (i64.extend_i32_u (local.get $i)))
    ${header(DATA_BYTES, 0)} ${answer} (call $read (i32.const 2048) (i64.add (i64.extend_i32_u (local.get $i)) (i64.const 1)))
    (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${calls}))))`)}`;
}

const payload: Scenario = async (calls) => {
  const system = new TestSystem();
  const answering = `${tableOf("d")} ${SERVES} ${PAYLOAD} ${dispatch("d", "(call $answer (local.get $m))")}`;
  const server = system.component("server", answering);
  const object = system.object(server, server.start("ep").capability);
  const ask = "(if (call $call (i32.const 4) (i32.const 1) (i32.const 2048)) (then unreachable))";
  const client = system.component("client", payloadCaller(calls, ask));
  client.component.table.insert(object);
  return () => trapless(system, client);
};

const payloadAlone: Scenario = async (calls) => {
  const system = new TestSystem();
  const client = system.component("client", payloadCaller(calls, "(call $answer (i32.const 2048))"));
  return () => trapless(system, client);
};

async function trapless(system: TestSystem, client: TestComponent): Promise<number> {
  const ns = await timedRun(system, client);
  assert(system.warnings.length === 0, `every message has arrived: ${system.warnings[0]}`);
  return ns;
}

/** Caller and server are threads of one component, which is on the stack whenever it calls: every call blocks. */
const blocking: Scenario = async (calls) => {
  const system = new TestSystem();
  const both = system.component(
    "both",
    `${tableOf("d", "serving")} ${dispatch("d", "")}
     (func $serving (call $serve (i32.const 1) (i32.const 4096) (i32.const 4096))) ${caller(calls, 4, 1, 4)}`,
  );
  both.component.table.insert(system.object(both, both.start("ep", 2, 57_344).capability));
  return () => timedRun(system, both);
};

/** @param callees instances that are called in turn */
function bare(callees: number): Scenario {
  return async (calls) => {
    const inner = `(module (func (export "f") (param i32 i32 i32 i32) (result i32) (local.get 0)))`;
    const targets = Array.from({ length: callees }, () => exportOf<Target>(inner, "f", {}));
    const [only] = targets;
    const mask = callees - 1;
    let turn = 0;
    const one = (x: number, y: number, z: number) => only!(0, x, y, z);
    const many = (x: number, y: number, z: number) => targets[turn++ & mask]!(0, x, y, z);
    const outer = `(module (import "h" "f" (func $f (param i32 i32 i32) (result i32)))
      (func (export "run") (param i32) (loop $l (drop (call $f (i32.const 1) (i32.const 2) (i32.const 3)))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`;
    const run = exportOf<(calls: number) => void>(outer, "run", { f: callees === 1 ? one : many });
    return async () => {
      const begin = performance.now();
      run(calls);
      return (performance.now() - begin) * 1e6;
    };
  };
}

type Target = (w: number, x: number, y: number, z: number) => number;

function exportOf<T>(wat: string, name: string, h: WebAssembly.ModuleImports): T {
  return new WebAssembly.Instance(new WebAssembly.Module(assemble(wat)), { h }).exports[name] as T;
}

/** @param opcode of a PD session */
function native(opcode: number): Scenario {
  return async (calls) => {
    const system = new TestSystem();
    const client = system.component("client", caller(calls, 2, opcode, 0));
    return () => timedRun(system, client);
  };
}

/** An entrypoint that submits the next signal to itself. */
const signal: Scenario = async (calls) => {
  const system = new TestSystem();
  const submit = `(i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
    (if (i32.lt_u (i32.load (i32.const 64)) (i32.const ${calls})) (then
      (i32.store (i32.const 2048) (i32.const 4)) (i32.store (i32.const 2052) (i32.const 1)) (i32.store (i32.const 2056) (i32.const 5))
      (i32.store (i32.const 2088) (i32.const 1)) (drop (call $call (i32.const 2) (i32.const 7) (i32.const 2048)))))`;
  const component = system.component(
    "c",
    `${tableOf("d")} ${dispatch("d", submit)} ${main("(call $serve (i32.const 1) (i32.const 4096) (i32.const 4096)) (call $serve_signals (i32.const 4))")}`,
  );
  const source = component.pd.allocSignalSource();
  assert(source.ok, "a source");
  const context = component.pd.allocContext(source.value, 1);
  assert(context.ok, "a context");
  component.component.table.insert(source.value);
  component.component.table.insert(context.value);
  component.start("ep");
  return async () => {
    await system.rest();
    component.component.view.setInt32(64, 0, true);
    const begin = performance.now();
    component.pd.submit(context.value);
    await system.rest();
    return (performance.now() - begin) * 1e6;
  };
};

const switching: Scenario = async (calls) => {
  const system = new TestSystem();
  const half = calls / 2;
  const component = system.component(
    "c",
    main(`(loop $again (call $yield)
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${half}))))`),
  );
  return () => timedRun(system, component, 2);
};

const SCENARIOS: readonly [name: string, scenario: Scenario, calls: number][] = [
  ["bare, one of four", bare(4), 1_000_000],
  ["bare, always the same", bare(1), 1_000_000],
  ["rpc, empty", rpc(0), 300_000],
  ["rpc, 16 bytes", rpc(16), 300_000],
  ["rpc, 1 KiB", rpc(1024), 100_000],
  ["rpc, 1 KiB written and read", payload, 100_000],
  ["the same work without the call", payloadAlone, 100_000],
  ["rpc, 16 bytes and a capability", rpc(16, 1), 300_000],
  ["rpc that blocks its caller", blocking, 20_000],
  ["native pd.cap_quota", native(16), 300_000],
  ["signal to an entrypoint", signal, 100_000],
  ["session of core, opened and closed", (sessions) => openedSessions("core", sessions), 2_000],
  ["session of a sibling, opened and closed", (sessions) => openedSessions("sibling", sessions), 500],
  ["thread switch", switching, 20_000],
];

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "string" },
      rounds: { type: "string", default: "7" },
      objects: { type: "string", default: "10,100,1000,10000,100000" },
    },
  });
  const calls = await callRows(Number(values.rounds));
  console.log("nanoseconds an operation (medians), and in relation to bare calls of the same round");
  console.table(calls);
  const cpus = await cpuRows(Number(values.rounds));
  console.log("microseconds a call across CPUs (medians), and in relation to bare round trips of the same round");
  console.table(cpus);
  const objects = values.objects.split(",").map((count) => objectRow(Number(count)));
  console.log("nanoseconds an operation while so many objects are alive");
  console.table(objects);
  const dataspaces = dataspaceRows(Number(values.rounds));
  const { version: node, versions } = process;
  const { v8 } = versions;
  const result = { bench: "sessions", calls, cpus, objects, dataspaces, node, v8, rounds: values.rounds };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  return 0;
}

async function callRows(rounds: number): Promise<object[]> {
  const runs = await Promise.all(
    SCENARIOS.map(async ([name, scenario, calls]) => ({ name, calls, run: await scenario(calls), ns: [] as number[] })),
  );
  for (const { run } of runs) await run(); // the engine compiles
  for (let round = 0; round < rounds; round++) {
    for (const { run, calls, ns } of runs) ns.push((await run()) / calls);
  }
  const [many, one] = runs;
  const ratio = (ns: readonly number[], base: readonly number[]) =>
    rounded(median(ns.map((value, round) => value / base[round]!)), 1);
  return runs.map(({ name, ns }) => ({
    name,
    ns: rounded(median(ns), 1),
    "to one of four": ratio(ns, many!.ns),
    "to the same": ratio(ns, one!.ns),
  }));
}

const OPERATIONS = 2_000;

/** Look-ups and removals of some, spread over all; each removed object is replaced, so that the number stays. */
function objectRow(count: number): object {
  const badges = new Badges();
  const table = new CapabilityTable();
  const make = () => badges.identify<KernelObject>({ kind: "log" });
  const identities = Array.from({ length: count }, make);
  const slots = identities.map(({ capability }) => table.insert(capability));
  const picks = Array.from({ length: OPERATIONS }, () => Math.floor(Math.random() * count));
  const lookup: number[] = [];
  const remove: number[] = [];
  for (let round = 0; round < 21; round++) {
    let begin = performance.now();
    let alive = 0;
    for (const pick of picks) if (table.lookup(slots[pick]!).valid) alive++;
    lookup.push(((performance.now() - begin) * 1e6) / OPERATIONS);
    assert(alive === OPERATIONS, "all are alive");
    begin = performance.now();
    for (const pick of picks) replace(identities, slots, table, pick, make);
    remove.push(((performance.now() - begin) * 1e6) / OPERATIONS);
  }
  return { objects: count, "look-up": rounded(median(lookup), 1), "end and create": rounded(median(remove), 1) };
}

function replace(
  identities: Identity[],
  slots: number[],
  table: CapabilityTable,
  pick: number,
  make: () => Identity,
): void {
  identities[pick]!.dispose();
  table.release(slots[pick]!);
  const identity = make();
  identities[pick] = identity;
  slots[pick] = table.insert(identity.capability);
}
