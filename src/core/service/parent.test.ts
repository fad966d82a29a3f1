// Core's parent and roots with real PDs: sessions, refusals, and what quota becomes (spec 2.0, 2.12).
import assert from "node:assert/strict";
import { test } from "node:test";
import { recorder } from "../../../test/contracts/recorder.ts";
import { textOf } from "../../../test/contracts/rom-session.ts";
import {
  type Capability,
  type Dataspace,
  ENV_SESSION,
  FIRST_FREE_SESSION,
  INVALID,
  type LogSession,
  objectOf,
  type PdSession,
  type RegionMap,
  type RmSession,
  type ServiceRoot,
  type TerminalObject,
  type TimerSession,
  type TraceSession,
} from "../../session/index.ts";
import { type Attempt, required, success } from "../../util/index.ts";
import { DeviceBus, InterruptLine, Serial16550 } from "../devices/index.ts";
import { createCoreContext } from "../memory/index.ts";
import { createPd, createRootPd } from "../pd/index.ts";
import { RomModules } from "../rom/index.ts";
import { createMemoryOutput } from "../terminal-memory.ts";
import { VirtualClock } from "../timer/index.ts";
import { TraceControl, type TraceSource } from "../trace/index.ts";
import { budgetDataspaces } from "./dataspaces.ts";
import { CoreParent, SESSION_RECORD_BYTES } from "./parent.ts";
import { CoreRoot, type RootOptions } from "./root.ts";
import {
  fileSystemRoot,
  ioMemRoot,
  ioPortRoot,
  irqRoot,
  logRoot,
  reportRoot,
  rmRoot,
  romRoot,
  terminalRoot,
  timerRoot,
  traceRoot,
} from "./small-roots.ts";

const TOTAL = { ram: 64 << 20, caps: 2000 };

/** Core with all services but CPU, and the parent of a client named "init" with 4 MiB and 400 capabilities. */
function system(extra: Readonly<Record<string, RootOptions["open"]>> = {}) {
  const warnings: string[] = [];
  const lines: string[] = [];
  const exits: number[] = [];
  const reports: string[] = [];
  const context = createCoreContext({ warn: (message) => warnings.push(message) });
  const own = createRootPd(context, { label: "core", donation: TOTAL });
  const modules = new RomModules(budgetDataspaces(context, own.budget, "rom"));
  modules.boot("program", new TextEncoder().encode("code"));
  const clock = new VirtualClock();
  const bus = new DeviceBus();
  bus.add(new Serial16550({ alarms: clock.alarms, transmitted: () => {} }));
  bus.add({ name: "line", interrupts: [new InterruptLine(9, "edge")] });
  const pds = new Set([own]);
  const threads: TraceSource[] = [];
  const pdRoot = new CoreRoot({
    service: "PD",
    cost: { ram: 0, caps: 0 },
    warn: context.warn,
    open: ({ label, donation }) => {
      const made = createPd(context, { label, donation });
      if (!made.ok) return made;
      const pd = made.value;
      pds.add(pd);
      const close = () => {
        pd.destroy();
        pds.delete(pd);
      };
      return success({ capability: pd.capability, upgrade: (quota) => pd.upgrade(quota), close });
    },
  });
  const roots = new Map<string, ServiceRoot>([
    ["PD", pdRoot],
    ["ROM", romRoot(context, modules)],
    ["LOG", logRoot(context, (line) => lines.push(line))],
    ["RM", rmRoot(context)],
    ["Timer", timerRoot(context, clock.alarms)],
    ["TRACE", traceRoot(context, () => threads)],
    ["Report", reportRoot(context, (label, report) => reports.push(`${label}: ${new TextDecoder().decode(report)}`))],
    ["IO_PORT", ioPortRoot(context, bus)],
    ["IO_MEM", ioMemRoot(context, bus)],
    ["IRQ", irqRoot(context, bus)],
    ["File_system", fileSystemRoot(context, () => undefined)],
    [
      "Terminal",
      terminalRoot(context, (label) =>
        label.endsWith("tty")
          ? createMemoryOutput((bytes) => void lines.push(new TextDecoder().decode(bytes)))
          : undefined,
      ),
    ],
  ]);
  for (const [service, open] of Object.entries(extra)) {
    roots.set(service, new CoreRoot({ service, cost: { ram: 1024, caps: 1 }, open, warn: context.warn }));
  }
  const parent = new CoreParent({
    name: "init",
    own,
    roots,
    warn: context.warn,
    scopes: context.scopes,
    exited: (value) => exits.push(value),
  });
  const made = parent.environment(ENV_SESSION.pd, "PD", "", new Map(), { ram: 192 << 10, caps: 13 });
  assert.ok(made.ok);
  const client = made.value as Capability<PdSession>;
  const pd = required(client.object, "the client's PD");
  pd.refAccount(own.capability);
  own.transferRamQuota(client, 4 << 20);
  own.transferCapQuota(client, 400);
  const limits = () => {
    const all = [...pds].filter(({ capability }) => capability.valid);
    return {
      ram: all.reduce((sum, { budget }) => sum + budget.ram.limit, 0),
      caps: all.reduce((sum, { budget }) => sum + budget.caps.limit, 0),
    };
  };
  return { context, own, parent, pd, client, clock, warnings, lines, exits, reports, threads, limits, roots };
}

const quota = (ram: number, caps: number, rest = "") => `ram_quota=${ram}, cap_quota=${caps}${rest}`;
const opened = <T>(made: Attempt<Capability, string>): T => {
  assert.ok(made.ok, made.ok ? "" : made.reason);
  return required(made.value.object, "session") as T;
};
const outcome = (made: Attempt<unknown, string>) => (made.ok ? "ok" : made.reason);

test("S37: environment sessions have ids 1 to 5, conflicts of ids are refused", () => {
  const { parent, client, warnings } = system();
  const env = (id: number, service: string, label = "") =>
    parent.environment(id, service, label, new Map(), { ram: 8192, caps: 3 });
  assert.ok(env(ENV_SESSION.log, "LOG").ok && env(ENV_SESSION.binary, "ROM", "program").ok);
  assert.deepEqual(parent.sessionCap(ENV_SESSION.pd), success(client));
  for (const id of [ENV_SESSION.pd, ENV_SESSION.log]) {
    assert.equal(outcome(parent.session(id, "LOG", quota(8192, 2))), "service-denied");
  }
  assert.equal(outcome(parent.session(77, "LOG", quota(8192, 2))), "ok");
  assert.equal(outcome(parent.session(77, "Timer", quota(8192, 2))), "service-denied");
  parent.close(77);
  assert.equal(outcome(parent.session(77, "Timer", quota(8192, 2))), "ok", "a closed id is free");
  assert.match(warnings.join("\n"), /init: Timer session denied: id 77 is in use/);
});

test("S37: environment sessions are never closed by the client, unknown ids do no harm", () => {
  const { parent, client, own } = system();
  const before = own.ramQuota();
  for (const id of [0, 1, 2, 3, 4, 5, 6, 99]) assert.equal(parent.close(id), "done");
  assert.ok(client.valid);
  assert.equal(own.ramQuota(), before);
  assert.equal(outcome(parent.upgrade(99, quota(4096, 1))), "ok");
  assert.deepEqual(parent.sessionCap(99), success(INVALID));
});

test("S39: a donation moves from the client to the session, 512 bytes of it stay for the record", () => {
  const seen: unknown[] = [];
  const { parent, pd, own } = system({
    Probe: ({ donation, label, affinity }) => {
      seen.push(donation, label, affinity);
      return { ok: false, reason: "insufficient-ram-quota" };
    },
  });
  const before = [pd.ramQuota(), pd.capQuota(), own.ramQuota(), own.capQuota()];
  assert.equal(outcome(parent.session(6, "Timer", quota(10_000, 2))), "ok");
  assert.deepEqual([pd.ramQuota(), pd.capQuota()], [before[0]! - 10_000, before[1]! - 2]);
  assert.equal(parent.close(6), "done");
  const place = { x: 1, y: 0, width: 2, height: 1 };
  assert.equal(
    outcome(parent.session(6, "Probe", quota(10_000, 2, ', label="a -> b"'), place)),
    "insufficient-ram-quota",
  );
  assert.deepEqual(seen, [{ ram: 10_000 - SESSION_RECORD_BYTES, caps: 2 }, "init -> a -> b", place]);
  assert.deepEqual([pd.ramQuota(), pd.capQuota(), own.ramQuota(), own.capQuota()], before);
});

test("S41: each refusal has its name, and moves nothing", () => {
  const { parent, pd, limits, warnings } = system({
    Hungry: ({ budget }) => {
      const charged = budget.charge({ ram: 100_000, caps: 0 });
      return charged.ok ? { ok: false, reason: "service-denied" } : charged;
    },
    Broken: () => {
      throw new Error("the device burns");
    },
  });
  const before = [limits(), pd.ramQuota(), pd.capQuota()];
  const cases: readonly (readonly [service: string, args: string, expected: string])[] = [
    ["LOG", quota(SESSION_RECORD_BYTES - 1, 2), "insufficient-ram-quota"],
    ["LOG", quota(SESSION_RECORD_BYTES + 1023, 2), "insufficient-ram-quota"],
    ["LOG", quota(8192, 0), "insufficient-cap-quota"],
    ["LOG", quota(5 << 20, 2), "out-of-ram"],
    ["LOG", quota(8192, 401), "out-of-caps"],
    ["LOG", 'ram_quota=8K, label="half', "service-denied"],
    ["LOG", quota(8192, 2, `, label="${"x".repeat(115)}"`), "ok"],
    ["LOG", quota(8192, 2, `, label="${"x".repeat(116)}"`), "service-denied"],
    ["Nothing", quota(8192, 2), "service-denied"],
    ["L".repeat(65), quota(8192, 2), "service-denied"],
    ["ROM", quota(8192, 3, ', label="unknown"'), "service-denied"],
    ["PD", quota(8192, 13), "insufficient-ram-quota"],
    ["PD", quota(192 << 10, 5), "insufficient-cap-quota"],
    ["RM", quota(512, 2), "insufficient-ram-quota"],
    ["TRACE", quota(8192, 4, ", arg_buffer_size=8K"), "insufficient-ram-quota"],
    ["TRACE", quota(8192, 1, ", arg_buffer_size=4K"), "insufficient-cap-quota"],
    ["Report", quota(8192, 3, ", buffer_size=1M"), "insufficient-ram-quota"],
    ["IO_PORT", quota(8192, 2), "service-denied"],
    ["IO_PORT", quota(8192, 2, ", io_port_base=65530, io_port_size=8"), "service-denied"],
    ["IO_MEM", quota(8192, 3), "service-denied"],
    ["IRQ", quota(8192, 3, ", irq_number=5"), "service-denied"],
    ["IRQ", quota(8192, 3), "service-denied"],
    ["File_system", quota(8192, 2), "service-denied"],
    ["Terminal", quota(8192, 2), "service-denied"],
    ["Hungry", quota(8192, 2), "insufficient-ram-quota"],
    ["Broken", quota(8192, 2), "service-denied"],
  ];
  for (const [service, args, expected] of cases) {
    assert.equal(outcome(parent.session(9, service, args)), expected, `${service} ${args}`);
    parent.close(9);
    assert.deepEqual([limits(), pd.ramQuota(), pd.capQuota()], before, `${service} ${args} moves nothing`);
  }
  assert.match(warnings.join("\n"), /Broken session "init" denied: the device burns/);
  assert.match(warnings.join("\n"), /ROM session "init -> unknown" denied: there is no module "unknown"/);
});

test("S40: the sum of all quotas is the same after any sequence of sessions, upgrades, transfers and closes", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const { parent, pd, client, own, limits } = system();
    let state = seed;
    const random = (below: number) => (state = (state * 1_103_515_245 + 12_345) & 0x7fff_ffff) % below;
    const sum = limits();
    const held = new Map<number, { ram: number; caps: number; pd?: Capability<PdSession> }>();
    const services = ["PD", "LOG", "Timer", "RM", "ROM", "TRACE", "Nothing"];
    for (let step = 0; step < 200; step++) {
      const id = FIRST_FREE_SESSION + random(12);
      const amount = { ram: random(300_000), caps: random(20) };
      const entry = held.get(id);
      const turn = random(4);
      if (turn === 0) {
        const service = services[random(services.length)]!;
        const made = parent.session(id, service, quota(amount.ram, amount.caps, ', label="program"'));
        if (made.ok)
          held.set(id, { ...amount, ...(service === "PD" ? { pd: made.value as Capability<PdSession> } : {}) });
        if (made.ok && service === "PD") (made.value as Capability<PdSession>).object!.refAccount(client);
      } else if (turn === 1) {
        if (parent.upgrade(id, quota(amount.ram, amount.caps)).ok && entry) {
          entry.ram += amount.ram;
          entry.caps += amount.caps;
        }
      } else if (turn === 2 && entry?.pd) {
        pd.transferRamQuota(entry.pd, amount.ram);
        pd.transferCapQuota(entry.pd, amount.caps);
        entry.pd.object?.alloc(amount.ram);
      } else if (turn === 3) {
        parent.close(id);
        held.delete(id);
      }
      // What is in sessions other than PDs is in no PD's account; PDs hold their donation but for the record's part.
      const hidden = { ram: 0, caps: 0 };
      for (const { ram, caps, pd: session } of held.values()) {
        hidden.ram += session ? SESSION_RECORD_BYTES : ram;
        hidden.caps += session ? 0 : caps;
      }
      const now = limits();
      assert.deepEqual({ ram: now.ram + hidden.ram, caps: now.caps + hidden.caps }, sum, `seed ${seed}, step ${step}`);
    }
    parent.dispose();
    assert.deepEqual(
      [own.ramQuota(), own.capQuota()],
      [TOTAL.ram, TOTAL.caps],
      `seed ${seed}: all of it is core's again`,
    );
    assert.deepEqual([own.usedRam(), own.usedCaps()], [0, 0], "and nothing of it is in use");
  }
});

test("S40: an upgrade reaches the session, and is refused when the client has too little", () => {
  const { parent, pd } = system();
  const rm = opened<RmSession>(parent.session(6, "RM", quota(4096 + 512, 1)));
  assert.equal(outcome(rm.create(4096)), "out-of-ram");
  assert.equal(outcome(parent.upgrade(6, quota(5 << 20, 0))), "out-of-ram");
  assert.equal(outcome(parent.upgrade(6, quota(0, 500))), "out-of-caps");
  assert.equal(outcome(parent.upgrade(6, quota(8192, 0))), "ok");
  assert.equal(outcome(rm.create(4096)), "out-of-caps");
  assert.equal(outcome(parent.upgrade(6, quota(0, 1))), "ok");
  const map = rm.create(4096);
  assert.ok(map.ok);
  const [ram, caps] = [pd.ramQuota(), pd.capQuota()];
  parent.close(6);
  assert.equal(map.value.valid, false);
  assert.deepEqual([pd.ramQuota() - ram, pd.capQuota() - caps], [4096 + 512 + 8192, 2]);
});

test("S43: when the client's PD is gone its sessions are denied, and its end gives all back to core", () => {
  const { parent, own, pd } = system();
  parent.session(6, "LOG", quota(8192, 2));
  parent.session(7, "PD", quota(192 << 10, 13));
  (pd as unknown as { destroy(): void }).destroy();
  assert.equal(outcome(parent.session(8, "LOG", quota(8192, 2))), "service-denied");
  parent.dispose();
  assert.deepEqual([own.ramQuota(), own.capQuota()], [TOTAL.ram, TOTAL.caps]);
});

test("S44: more quota is granted from what core has left, and signalled", () => {
  const { parent, pd, warnings } = system();
  const signals = recorder();
  parent.resourceAvailSigh(signals.context);
  const before = pd.ramQuota();
  parent.resourceRequest(quota(1 << 20, 10));
  assert.deepEqual([pd.ramQuota() - before, signals.taken()], [1 << 20, 1]);
  parent.upgrade(ENV_SESSION.pd, quota(1 << 20, 0));
  assert.deepEqual([pd.ramQuota() - before, signals.taken()], [2 << 20, 1], "so is an upgrade of its own PD");
  parent.resourceRequest(quota(1 << 30, 0));
  assert.deepEqual([pd.ramQuota() - before, signals.taken()], [2 << 20, 0]);
  assert.match(warnings.join("\n"), /init: asks for 1073741824 bytes and 0 capabilities/);
});

test("S46: the first component's exit is told with its value", () => {
  const { parent, exits } = system();
  parent.exit(-3);
  assert.deepEqual(exits, [-3]);
});

test("S57: LOG lines carry the label with the client's name in front", () => {
  const { parent, lines } = system();
  opened<LogSession>(parent.session(6, "LOG", quota(8192, 2))).write("own");
  opened<LogSession>(parent.session(7, "LOG", quota(8192, 2, ', label="a -> b"'))).write("child's");
  assert.deepEqual(lines, ["[init] own", "[init -> a -> b] child's"]);
});

test("S56: the module is found by the label's last element", () => {
  const { parent } = system();
  const made = parent.session(6, "ROM", quota(8192, 3, ', label="child -> program"'));
  assert.equal(textOf(opened<{ dataspace(): Capability<Dataspace> }>(made).dataspace()), "code");
});

test("S58: a timer that is closed signals no more", () => {
  const { parent, clock } = system();
  const signals = recorder();
  const made = parent.session(6, "Timer", quota(10_240, 2));
  const timer = opened<TimerSession>(made);
  timer.sigh(signals.context);
  timer.triggerPeriodic(100);
  clock.advance(100);
  parent.close(6);
  clock.advance(1000);
  assert.equal(signals.taken(), 1);
  assert.equal(made.ok && made.value.valid, false);
});

test("S59: parent_levels widens what a tracer sees", () => {
  const { parent, threads } = system();
  const thread = (label: string): TraceSource => ({
    label,
    thread: "ep",
    affinity: () => ({ x: 0, y: 0, width: 1, height: 1 }),
    executionUs: () => 0,
    alive: () => true,
    control: new TraceControl(),
  });
  threads.push(thread("init -> a -> tracer"), thread("init -> a"), thread("init -> b"), thread("core"));
  for (const [levels, seen] of [
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
    [99, 4],
  ] as const) {
    const args = quota(20_000, 4, `, arg_buffer_size=4K, parent_levels=${levels}, label="a -> tracer"`);
    assert.equal(opened<TraceSession>(parent.session(6, "TRACE", args)).subjects(), seen);
    parent.close(6);
  }
});

test("S60: ports, memory and interrupts belong to one session at a time", () => {
  const { parent, warnings } = system();
  const open = (id: number, service: string, args: string) =>
    outcome(parent.session(id, service, quota(8192, 4, args)));
  const ports = ", io_port_base=0x3f8, io_port_size=8";
  assert.equal(open(6, "IO_PORT", ports), "ok");
  assert.equal(open(7, "IO_PORT", ", io_port_base=0x3ff, io_port_size=1"), "service-denied");
  assert.equal(open(8, "IO_PORT", ", io_port_base=0x400, io_port_size=1"), "ok");
  assert.equal(open(9, "IRQ", ", irq_number=4, irq_trigger=1"), "ok");
  assert.equal(open(10, "IRQ", ", irq_number=4"), "service-denied");
  for (const id of [6, 9]) parent.close(id);
  assert.equal(open(7, "IO_PORT", ports), "ok");
  assert.equal(open(10, "IRQ", ", irq_number=4"), "ok");
  assert.equal(open(11, "IO_MEM", ", base=0xa0000, size=4K"), "ok", "without a device there is no dataspace");
  assert.match(warnings.join("\n"), /ports 1023 to 1023 are in use/);
});

test("S61: reports arrive with their session's label", () => {
  const { parent, reports } = system();
  const args = quota(20_000, 3, ', buffer_size=4K, label="state"');
  const report = opened<{ dataspace(): Capability<Dataspace>; submit(length: number): void }>(
    parent.session(6, "Report", args),
  );
  report.dataspace().object?.write(0, new TextEncoder().encode("<state/>"));
  report.submit(8);
  assert.deepEqual(reports, ["init -> state: <state/>"]);
});

test("S57: a Terminal session is the terminal's own, behind a capability", () => {
  const { parent, lines } = system();
  const made = parent.session(6, "Terminal", quota(8192, 2, ', label="tty"'));
  assert.ok(made.ok);
  const terminal = required(objectOf<TerminalObject>(made.value, "terminal"), "terminal").session;
  assert.deepEqual(terminal.write(new TextEncoder().encode("hi")), success(2));
  assert.deepEqual(lines, ["hi"]);
  parent.close(6);
  assert.equal(made.value.valid, false);
});

test("S19: an RM session's maps are told apart from others", () => {
  const { parent } = system();
  const rm = opened<RmSession>(parent.session(6, "RM", quota(64 << 10, 4)));
  const map = rm.create(8192);
  assert.ok(map.ok);
  assert.equal(objectOf<RegionMap>(map.value, "region-map")?.size(), 8192);
});

test("S41: whatever a client says, the answer is a session or a refusal, and quota adds up", () => {
  const { parent, own, roots } = system();
  let seed = 3;
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) % below;
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const numbers = [
    "0",
    "1",
    "4096",
    "8K",
    "1M",
    "9G",
    "-1",
    "0x2000",
    "0xffffffffffff",
    "9007199254740993",
    "",
    "x",
    "1e9",
  ];
  const keys = ["ram_quota", "cap_quota", "label", "buffer_size", "arg_buffer_size", "parent_levels", "base", "size"];
  const more = ["io_port_base", "io_port_size", "irq_number", "irq_trigger", "priority", "k", "="];
  const services = [...roots.keys(), "", "pd", "toString", "__proto__", "x".repeat(1000)];
  const locations = [
    undefined,
    { x: -1, y: 2 ** 31, width: 0, height: 2 ** 32 },
    { x: NaN, y: 0, width: 1, height: 1 },
  ];
  for (let step = 0; step < 20_000; step++) {
    const pairs = Array.from({ length: random(6) }, () => {
      const value = random(4) === 0 ? pick(['"', '"a -> b"', '"\\', "\0", "\u{1f600}", '"program"']) : pick(numbers);
      return `${pick([...keys, ...more])}${pick(["=", "=", "=", " = ", ""])}${value}`;
    });
    const args = `ram_quota=${pick(["8K", "64K", "200K"])}, cap_quota=${pick(["1", "4", "13"])}, ${pairs.join(pick([",", ", ", ";"]))}`;
    const id = pick([0, 1, 5, 6, 7, 8, 9, 2 ** 32 - 1]);
    const turn = random(6);
    if (turn < 3) parent.session(id, pick(services), args, pick(locations));
    else if (turn === 3) parent.upgrade(id, args);
    else if (turn === 4) parent.close(id);
    else
      pick([() => parent.announce(pick(services)), () => parent.resourceRequest(args), () => parent.sessionCap(id)])();
  }
  parent.dispose();
  assert.deepEqual([own.ramQuota(), own.capQuota()], [TOTAL.ram, TOTAL.caps]);
});
