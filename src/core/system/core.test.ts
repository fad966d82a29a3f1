// The assembly: first components of both kinds, exits, devices and tracing through the whole of core.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../../test/assemble.ts";
import { recorder } from "../../../test/contracts/recorder.ts";
import { config, start, startSystem } from "../../../test/support/core-system.ts";
import { PRELUDE } from "../../../test/support/kernel-system.ts";
import {
  type Capability,
  type CpuSession,
  type Dataspace,
  DONATION,
  type Env,
  type IoPortSession,
  type IrqSession,
  type NativePd,
  objectOf,
  type ParentSession,
  type PdSession,
  type RegionMap,
  type TraceSession,
} from "../../session/index.ts";
import { nodeSha256 } from "../../store/index-node.ts";
import { required } from "../../util/index.ts";
import { Serial16550 } from "../devices/index.ts";
import { noKernelTicker } from "../kernel/index.ts";
import { type NativeProgram, nativeBinary } from "../native/index.ts";
import { Alarms, CoreTimer } from "../timer/index.ts";
import { readTraceBuffer } from "../trace/index.ts";
import { Core, CoreFault, type CoreOptions } from "./index.ts";

const TOTAL = { ram: 64 << 20, caps: 2000 };

function makeCore(modules: Readonly<Record<string, Uint8Array>>, options: Partial<CoreOptions> = {}) {
  const lines: string[] = [];
  const core = new Core({
    quota: TOTAL,
    modules: new Map(Object.entries(modules)),
    output: (line) => lines.push(line),
    hash: nodeSha256,
    kernel: { ticker: noKernelTicker },
    ...options,
  });
  return { core, lines };
}

/** Gets its LOG session from its parent (session_cap of id 3), logs 7, and exits with 5. */
const GUEST =
  assemble(`(module ${PRELUDE.replaceAll("(call $call (i32.const 1) (i32.const 0)", "(call $call (global.get $slot) (i32.const 0)")}
  (global $slot (mut i32) (i32.const 0))
  (func (export "rtcr_component_start")
    (drop (call $ask (i32.const 1024) (call $parent) (i32.const 4) (i32.const 3)))
    (global.set $slot (i32.load (i32.const 1032)))
    (call $log (i32.const 2048) (i32.const 7))
    (drop (call $ask (i32.const 1024) (call $parent) (i32.const 0) (i32.const 5)))))`);

test("S37, S46: a guest is started as first component, finds its sessions at its parent and exits", async () => {
  const { core, lines } = makeCore({ guest: GUEST });
  const first = core.start({ name: "guest", binary: "guest" });
  assert.equal(await first.exited, 5);
  assert.deepEqual(lines, ["[guest] 00000007"]);
  const pd = required(objectOf<PdSession>(first.pd, "pd"), "its PD");
  assert.ok(pd.usedRam() >= 2 * 65_536, "its memory is charged to its PD");
  assert.deepEqual([core.own.ramQuota() + pd.ramQuota() < TOTAL.ram, core.own.capQuota()], [true, 0]);
  first.dispose();
  assert.deepEqual([core.own.ramQuota(), core.own.capQuota()], [TOTAL.ram, TOTAL.caps]);
  assert.equal(core.kernel.components.length, 0);
  core.dispose();
});

test("S37: a program in TypeScript is started like a guest; its end is told to it", async () => {
  const log: string[] = [];
  const program: NativeProgram = (env) => {
    env.log.write("hello");
    env.parent.object?.exit(-1);
    return { dispose: () => log.push("ended") };
  };
  const { core, lines } = makeCore({ tool: nativeBinary("tool") }, { programs: new Map([["tool", program]]) });
  const first = core.start({ name: "tool", binary: "tool" });
  assert.equal(await first.exited, -1);
  assert.deepEqual(lines, ["[tool] hello"]);
  first.dispose();
  first.dispose();
  assert.deepEqual(log, ["ended"]);
  core.dispose();
});

test("a first component that cannot be started leaves nothing behind", () => {
  const { core } = makeCore({ bad: Uint8Array.of(1, 2, 3), unknown: nativeBinary("nothing") });
  const refused = (binary: string, code: string, message: RegExp, quota = { ram: 1 << 20, caps: 100 }) => {
    assert.throws(
      () => core.start({ name: "x", binary, quota }),
      (thrown) => thrown instanceof CoreFault && thrown.code === code && message.test(thrown.message),
    );
    assert.deepEqual([core.own.ramQuota(), core.own.capQuota()], [TOTAL.ram, TOTAL.caps]);
    assert.equal(core.kernel.components.length, 0);
  };
  refused("missing", "no-environment", /ROM session "missing" refused: service-denied/);
  refused("bad", "invalid-program", /^x: bad: /);
  refused("unknown", "invalid-program", /there is no native program "nothing"/);
  refused("bad", "no-quota", /core has \d+ bytes/, { ram: 1 << 30, caps: 1 });
  core.dispose();
});

test("S37: a native program that fails to start is reported, and harms nobody", () => {
  const broken: NativeProgram = () => {
    throw new TypeError("it is broken");
  };
  const fine: NativeProgram = (env) => {
    env.log.write("fine");
    return { dispose: () => {} };
  };
  const tree = startSystem({ config: config(start("broken") + start("fine")), natives: { broken, fine } });
  assert.match(tree.warnings.join("\n"), /init -> broken: broken could not be started: it is broken/);
  assert.deepEqual(tree.lines, ["[init -> fine] fine"]);
  tree.close();
});

test("a native program that fails at its end is reported, and its PD ends all the same", () => {
  const stubborn: NativeProgram = () => ({
    dispose: () => {
      throw new TypeError("it will not go");
    },
  });
  const tree = startSystem({ config: config(start("stubborn")), natives: { stubborn } });
  tree.configure(config(""));
  assert.deepEqual(tree.warnings, ["init -> stubborn: stubborn could not be ended: it will not go"]);
  assert.equal(tree.pd("stubborn"), undefined);
  tree.close();
});

test("S37: guests and programs in TypeScript are children alike, and give all back when they go", async () => {
  const fine: NativeProgram = (env) => {
    env.log.write("native");
    return { dispose: () => {} };
  };
  const tree = startSystem({
    config: config(start("a", '<binary name="guest"/>') + start("b", '<binary name="fine"/>')),
    natives: { fine },
    binaries: { guest: GUEST },
  });
  const init = required(objectOf<PdSession>(tree.first.pd, "pd"), "init's PD");
  await tree.core.kernel.scheduler.quiet();
  tree.settle();
  assert.deepEqual([...tree.lines].sort(), [
    "[init -> a] 00000007",
    "[init -> b] native",
    '[init] child "a" exited with exit value 5',
  ]);
  tree.configure(config(""));
  const [ram, caps] = [init.ramQuota(), init.capQuota()];
  assert.deepEqual([tree.pd("a"), tree.pd("b"), tree.core.kernel.components.length], [undefined, undefined, 1]);
  for (let i = 0; i < 3; i++) {
    tree.configure(config(start("a", '<binary name="guest"/>') + start("b", '<binary name="fine"/>')));
    await tree.core.kernel.scheduler.quiet();
    tree.settle();
    tree.configure(config(""));
    assert.deepEqual([init.ramQuota(), init.capQuota()], [ram, caps], `round ${i}`);
  }
  tree.close();
});

/** A child that gives the test its environment. */
function probe() {
  let given: Env | undefined;
  let nextId = 100;
  const program: NativeProgram = (env) => {
    given = env;
    return { dispose: () => {} };
  };
  const env = () => required(given, "a probe that runs");
  const open = <T>(service: keyof typeof DONATION, args: string, more = 0): T => {
    const { ram, caps } = DONATION[service];
    const made = env().session(nextId++, service, `ram_quota=${ram + more}, cap_quota=${caps}, ${args}`);
    assert.ok(made.ok, made.ok ? "" : made.reason);
    return required((made.value as Capability).object, service) as T;
  };
  return { program, env, open };
}

test("S60: a driver in a component works a serial port by ports and interrupts", () => {
  const sent: number[] = [];
  let serial: Serial16550 | undefined;
  const driver = probe();
  const tree = startSystem({
    config: config(start("driver")),
    natives: { driver: driver.program },
    devices: ({ alarms }) => [(serial = new Serial16550({ alarms, transmitted: (byte) => sent.push(byte) }))],
  });
  const port = driver.open<IoPortSession>("IO_PORT", "io_port_base=0x3f8, io_port_size=8");
  const irq = driver.open<IrqSession>("IRQ", "irq_number=4");
  const [output, input] = [[..."ping"].map((c) => c.charCodeAt(0)), [] as number[]];
  const interrupt = () => {
    for (let cause = port.inb(0x3fa); !(cause & 1); cause = port.inb(0x3fa)) {
      if (cause === 4) input.push(port.inb(0x3f8));
      else if (output.length > 0) port.outb(0x3f8, output.shift()!);
    }
    irq.ackIrq();
  };
  irq.sigh(driver.env().signalHandler(interrupt).context);
  port.outb(0x3fb, 3);
  port.outb(0x3f9, 3);
  required(serial, "the port").receive(new TextEncoder().encode("pong"));
  for (let i = 0; i < 20; i++) tree.advance(1000);
  assert.equal(String.fromCharCode(...sent), "ping");
  assert.equal(String.fromCharCode(...input), "pong");
  tree.close();
});

test("S59: calls of a guest are traced through its lifetime", async () => {
  const tracer = probe();
  const tree = startSystem({
    config: config(start("tracer") + start("guest")),
    natives: { tracer: tracer.program },
    binaries: { guest: GUEST },
  });
  // The guest has been started but has not run: the kernel's loop has had no turn.
  const trace = tracer.open<TraceSession>("TRACE", "arg_buffer_size=4K, parent_levels=1", 20_000);
  const count = trace.subjects();
  const ids = new Uint32Array(count);
  trace.dataspace().object?.read(0, new Uint8Array(ids.buffer));
  const infos = [...ids].map((id) => {
    const info = trace.subjectInfo(id);
    assert.ok(info.ok);
    return info.value;
  });
  assert.deepEqual(infos.map(({ label, thread }) => `${label}: ${thread}`).sort(), [
    "init -> guest: guest",
    "init -> tracer: tracer",
    "init: init",
  ]);
  const guest = ids[infos.findIndex(({ thread }) => thread === "guest")]!;
  trace.dataspace().object?.write(0, new TextEncoder().encode("rpc_call"));
  const policy = trace.allocPolicy(8);
  assert.ok(policy.ok && trace.trace(guest, policy.value, 4096).ok);
  await tree.core.kernel.scheduler.quiet();
  tree.settle();
  const info = trace.subjectInfo(guest);
  assert.ok(info.ok && info.value.state === "dead");
  const buffer = trace.buffer(guest);
  assert.ok(buffer.ok);
  const calls = ["parent.session_cap", "log.write", "parent.exit"];
  assert.deepEqual(
    readTraceBuffer(required(buffer.value.object, "its buffer")),
    calls.map((name) => `rpc_call ${name}`),
  );
  tree.close();
});

test("S6: a component cannot use its parent's sessions by their ids", () => {
  const { program, env } = probe();
  const tree = startSystem({ config: config(start("child")), natives: { child: program } });
  const parent = required(objectOf<ParentSession>(env().parent, "parent"), "its parent");
  for (const id of [0, 6, 7, 99]) {
    const made = parent.sessionCap(id);
    assert.ok(!made.ok || !made.value.valid);
  }
  const own = parent.sessionCap(1);
  assert.ok(own.ok && own.value !== tree.first.pd);
  tree.close();
});

/** Adds one to the word at 0x30000000 of its address space, and exits with it. */
const SHARER = assemble(`(module ${PRELUDE}
  (func (export "rtcr_component_start")
    (i32.store (i32.const 0x30000000) (i32.add (i32.load (i32.const 0x30000000)) (i32.const 1)))
    (drop (call $ask (i32.const 1024) (call $parent) (i32.const 0) (i32.load (i32.const 0x30000000))))))`);

test("S18: components with windows share the bytes of a dataspace that is attached in both", async () => {
  const { program, env, open } = probe();
  const tree = startSystem({ config: config(start("family")), natives: { family: program } });
  const exits: number[] = [];
  const own = required(objectOf<PdSession>(env().pd, "pd"), "its PD");
  const shared = own.alloc(4096);
  assert.ok(shared.ok);
  shared.value.object?.write(0, Uint8Array.of(40));
  const binary = own.alloc(SHARER.length);
  assert.ok(binary.ok);
  binary.value.object?.write(0, SHARER);
  const parent = { kind: "parent", exit: (value: number) => exits.push(value) } as unknown as ParentSession;
  const parentCap = env().badges.identify<ParentSession>(parent).capability;
  for (let i = 0; i < 2; i++) {
    const pdObject = open<PdSession & { capability: Capability<PdSession> }>("PD", 'label="member"', 1 << 20);
    pdObject.refAccount(env().pd);
    pdObject.assignParent(parentCap);
    const native = required(objectOf<NativePd>(pdObject.nativePd(), "native-pd"), "its component");
    const loaded = native.load(binary.value, { windows: true });
    assert.ok(loaded.ok, native.problem());
    const map = required(objectOf<RegionMap>(pdObject.addressSpace(), "region-map"), "its address space");
    assert.ok(map.attach(shared.value, { address: 0x3000_0000 }).ok);
    const thread = open<CpuSession>("CPU", 'label="member"').createThread(pdObject.capability, { name: "main" });
    assert.ok(thread.ok);
    thread.value.object?.start(0, 0);
    await tree.core.kernel.scheduler.quiet();
  }
  assert.deepEqual(exits, [41, 42]);
  const word = new Uint8Array(1);
  shared.value.object?.read(0, word);
  assert.equal(word[0], 42, "and so does whoever reads it in TypeScript");
  assert.deepEqual(tree.warnings, []);
  tree.close();
});

test("S59: a CPU session's control blocks say which of its threads are traced", () => {
  const { program, env, open } = probe();
  const tree = startSystem({ config: config(start("tracer")), natives: { tracer: program } });
  const cpu = open<CpuSession>("CPU", 'label="own"', 8192);
  const threads = ["a", "b", "c"].map((name) => {
    const made = cpu.createThread(env().pd, { name });
    assert.ok(made.ok);
    return made.value;
  });
  const blocks = required(objectOf<Dataspace>(cpu.traceControl(), "dataspace"), "the control blocks");
  assert.deepEqual([cpu.traceControl().object, blocks.writable()], [blocks, false]);
  const words = () => {
    const bytes = new Uint8Array(16);
    blocks.read(0, bytes);
    return [...new Uint32Array(bytes.buffer)];
  };
  assert.deepEqual(words(), [1, 1, 1, 0]);
  const trace = open<TraceSession>("TRACE", "arg_buffer_size=4K", 20_000);
  const ids = new Uint32Array(trace.subjects());
  trace.dataspace().object?.read(0, new Uint8Array(ids.buffer));
  const b = [...ids].find((id) => {
    const info = trace.subjectInfo(id);
    return info.ok && info.value.thread === "b";
  });
  const policy = trace.allocPolicy(8);
  assert.ok(policy.ok && b !== undefined && trace.trace(b, policy.value, 4096).ok);
  assert.equal(threads[1]!.object?.traceControlIndex(), 1);
  assert.ok(threads[1]!.object?.traceBuffer().valid && threads[1]!.object?.tracePolicy().valid);
  assert.deepEqual(words(), [1, 2, 1, 0]);
  trace.pause(b!);
  assert.deepEqual(words(), [1, 3, 1, 0]);
  trace.resume(b!);
  cpu.killThread(threads[0]!);
  assert.deepEqual(words(), [0, 2, 1, 0]);
  assert.equal(threads[1]!.object?.traceControlIndex(), 1, "its index stays");
  trace.free(b!);
  assert.deepEqual(words(), [0, 1, 1, 0]);
  tree.close();
});

test("S58: guests that never wait do not hold up timers longer than a slice", async () => {
  let nowUs = 0;
  const clock = { alarms: new Alarms(() => nowUs), dispose: () => {} };
  const spinning = assemble(`(module ${PRELUDE}
    (func (export "rtcr_component_start") (loop $ever (br $ever))))`);
  const { core } = makeCore({ spinning }, { clock });
  core.start({ name: "spinning", binary: "spinning" });
  const timer = new CoreTimer(clock.alarms);
  const signals = recorder();
  timer.sigh(signals.context);
  timer.triggerPeriodic(1000);
  // A slice is ten points here, of 200 us each; the event loop has a turn each 8 ms.
  let points = 0;
  const seen: number[] = [];
  core.kernel.everyPoint = true;
  await new Promise<void>((resolve) => {
    core.kernel.atPoint = () => {
      nowUs += 200;
      seen.push(signals.taken());
      if (++points === 400) resolve();
      return points % 10 === 0;
    };
  });
  core.dispose();
  const ticks = seen.filter((count) => count > 0);
  assert.ok(ticks.length >= 38, `${ticks.length} times in 40 slices`);
  assert.ok(ticks.every((count) => count <= 3));
});
