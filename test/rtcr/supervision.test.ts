// What RTCR keeps of its children: every session, several children, own modules and copy engines; programs as they are.
import assert from "node:assert/strict";
import { test } from "node:test";
import { COMPONENTS } from "../../apps/components/components.ts";
import { IMPORT_MODULE, KERNEL_MODULE } from "../../src/abi/index.ts";
import { Recorder, startProfile, stopProfile } from "../../src/profile/index.ts";
import { RtcrFault, RtcrLog, RtcrPd, RtcrRom, RtcrTimer } from "../../src/rtcr/index.ts";
import { ANNOUNCED_LIMIT } from "../../src/rtcr/parent.ts";
import type { LogSession } from "../../src/session/index.ts";
import { nodeSha256 } from "../../src/store/index-node.ts";
import { component, Rig, type RigOptions, undisturbed } from "./rig.ts";

const turns = '<config turns="4" iterations="20"/>';

/** Two children in the middle of their runs. */
async function halfway(options: Partial<RigOptions> = {}): Promise<Rig> {
  const children = [
    { name: "sheep", binary: "sheep_counter_timer", inside: '<config turns="6" sleep_ms="3"/>' },
    { name: "stack", binary: "stack_counter", inside: turns },
  ];
  const { points } = await undisturbed({ children, ...options });
  const rig = new Rig({ children, ...options });
  await rig.run(Math.floor(points / 2));
  return rig;
}

test("S64, S65, S72-S73: several children, several sessions of a service, in the order of their allocation", async () => {
  const rig = await halfway();
  const { children } = rig.rtcr.checkpoint("two").system;
  assert.deepEqual(
    children.map(({ name }) => name),
    ["sheep", "stack"],
  );
  const [sheep] = children;
  assert.ok(sheep!.roms.length >= 2, "its program and its configuration");
  assert.equal(sheep!.timers.length, 1);
  const lists = [sheep!.roms, sheep!.pd.dataspaces, sheep!.pd.signalContexts, sheep!.cpu.threads];
  for (const list of lists) {
    const numbers = list.map(({ allocated }) => allocated);
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
    );
  }
  assert.deepEqual(
    sheep!.cpu.threads.map(({ name }) => name),
    ["sheep", "ep", "signal handler"],
  );
  rig.close();
});

test("S63: ROM sessions are stood in front of, and what the child sees of a module is recorded", async () => {
  const rig = await halfway();
  const roms = rig.rtcr.child("sheep")!.of(RtcrRom);
  assert.ok(roms.length >= 2);
  const [program] = rig.rtcr.checkpoint("roms").system.children[0]!.roms;
  assert.equal(program!.module, "sheep_counter_timer");
  rig.close();
});

test("S68-S69: an object that the child gives back is gone at once, at core and in the next checkpoint", async () => {
  const rig = await halfway();
  const [pd] = rig.rtcr.child("sheep")!.of(RtcrPd);
  const before = { caps: pd!.usedCaps(), tracked: pd!.dataspaces.size };
  const made = pd!.alloc(8192);
  assert.ok(made.ok && made.value.valid);
  assert.equal(pd!.dataspaces.size, before.tracked + 1);
  pd!.free(made.value);
  assert.equal(made.value.valid, false, "core has freed it");
  assert.deepEqual({ caps: pd!.usedCaps(), tracked: pd!.dataspaces.size }, before);
  pd!.free(made.value);
  rig.close();
});

test("S102, S105: the program is the same with and without RTCR: same bytes, no import, no symbol of ours", async () => {
  const rig = await halfway();
  const bytes = component("stack_counter");
  const recorded = rig.rtcr.checkpoint("x").system.children[1]!;
  assert.equal(recorded.program, nodeSha256(bytes));
  const module = new WebAssembly.Module(bytes as BufferSource);
  assert.deepEqual([...new Set(WebAssembly.Module.imports(module).map((entry) => entry.module))], [KERNEL_MODULE]);
  for (const { name } of WebAssembly.Module.exports(module)) assert.ok(!name.startsWith(`${IMPORT_MODULE}:`), name);
  rig.close();
});

test("S110: a copy engine copies what it can, the processor the rest; the checkpoint is the same", async () => {
  const rig = await halfway();
  const plain = rig.rtcr.checkpoint("plain").system.children;
  rig.close();
  let copied = 0;
  const other = await halfway({
    engine: (dataspace, _, target) => {
      if (dataspace.size() > 20_000) return false;
      copied++;
      for (let at = 0; at < target.length; at += 4096) dataspace.read(at, target.subarray(at, at + 4096));
      return true;
    },
  });
  const engine = other.rtcr.checkpoint("engine").system.children;
  other.close();
  assert.ok(copied > 0);
  for (const [i, child] of plain.entries()) {
    assert.deepEqual(
      engine[i]!.pd.dataspaces.map(({ role, content }) => [role, content]),
      child.pd.dataspaces.map(({ role, content }) => [role, content]),
    );
  }
});

test("S111-S112: a module replaces the class behind one session, without registry", async () => {
  const written: string[] = [];
  class LoudLog extends RtcrLog {
    override write(text: string): number {
      written.push(text);
      return super.write(text);
    }
  }
  const rig = await halfway({ interposers: { log: (context, opened) => new LoudLog(context, opened) } });
  assert.ok(written.length > 0);
  const [log] = rig.rtcr.child("sheep")!.of(LoudLog);
  assert.equal((log satisfies LogSession | undefined)?.kind, "log");
  assert.equal(rig.rtcr.child("sheep")!.of(RtcrTimer).length, 1, "the other classes are those of the base");
  rig.close();
});

test("S78: a provider without room refuses the checkpoint by name, and the children go on", async () => {
  const rig = await halfway({ provider: { lease: () => ({ ok: false, reason: "no-room" }) } });
  assert.throws(
    () => rig.rtcr.checkpoint("x"),
    (thrown) => thrown instanceof RtcrFault && thrown.code === "no-room" && /finds no storage/.test(thrown.message),
  );
  assert.throws(() => rig.rtcr.checkpoint("x", ["nobody"]), {
    message: 'no child "nobody" is under this supervisor; there are sheep, stack',
  });
  rig.close();
});

test("S67: a service that nobody stands in front of is routed on, and recorded as one that can only be opened anew", async () => {
  const rig = await halfway();
  const [pd] = rig.rtcr.child("stack")!.of(RtcrPd);
  const made = pd!.parent!.session(77, "TRACE", 'ram_quota=64K, cap_quota=8, arg_buffer_size=4K, label="all"');
  assert.ok(made.ok && made.value.object?.kind === "trace");
  const { foreign } = rig.rtcr.checkpoint("trace").system.children[1]!;
  assert.deepEqual(
    foreign.map(({ id, service, server }) => [id, service, server]),
    [[77, "TRACE", ""]],
  );
  rig.close();
});

test("S67: where the configuration demands it, such a service is refused, and nothing is left of the session", async () => {
  const rig = await halfway({ refusesForeign: () => true });
  const [pd] = rig.rtcr.child("stack")!.of(RtcrPd);
  const account = () => [pd!.usedCaps(), pd!.usedRam(), pd!.capQuota(), pd!.ramQuota()];
  const before = account();
  const args = 'ram_quota=64K, cap_quota=8, arg_buffer_size=4K, label="all"';
  const made = pd!.parent!.session(77, "TRACE", args);
  assert.deepEqual(made, { ok: false, reason: "service-denied" });
  assert.deepEqual(account(), before, "what was donated is back");
  const warning = 'warning: child "stack": TRACE session 77 refused: its service is none that can be restored';
  assert.ok(rig.tree.lines.some((line) => line.endsWith(warning)));
  const log = pd!.parent!.session(77, "LOG", 'ram_quota=8K, cap_quota=2, label="more"');
  assert.ok(log.ok && log.value.object?.kind === "log", "the id is free, and services that are known are not meant");
  const { foreign, logs } = rig.rtcr.checkpoint("trace").system.children[1]!;
  assert.deepEqual([foreign, logs.some(({ id }) => id === 77)], [[], true]);
  rig.close();
});

test("S84: at the barrier: stop, repair of stacks, then threads go on, all of it in the restore of threads", async () => {
  const options = { children: [{ name: "stack_counter", inside: turns }], strategy: "bootstrap" as const };
  const { points } = await undisturbed(options);
  const first = new Rig(options);
  await first.run(points - 20);
  const { system } = first.rtcr.checkpoint("order");
  const recorder = new Recorder("test");
  startProfile(recorder);
  const second = new Rig({ ...options, restore: system });
  await second.run();
  stopProfile();
  const scopes = recorder.scopes();
  const named = (name: string) => scopes.find((scope) => scope.name === name)!;
  const [restore, repair, resume] = [named("Thread Restore"), named("Stack Repair"), named("Resume")];
  assert.ok(restore.startNs <= repair.startNs && repair.stopNs <= resume.startNs && resume.stopNs <= restore.stopNs);
  const allocations = scopes.filter(({ name }) => name === "Dataspace Allocation and Restore");
  assert.ok(
    allocations.some(({ startNs }) => startNs < restore.startNs),
    "the bootstrap's dataspaces come before",
  );
  for (const rig of [first, second]) rig.close();
});

test("S68, S72: a child that is started anew has nothing of the one before, whose session its server closes later", async () => {
  const server = { name: "server", binary: "pair_server", inside: '<provides><service name="Pair"/></provides>' };
  const client = (version: number) => ({
    ...{ name: "client", binary: "pair_client", attributes: `caps="500" ram="16M" version="${version}"` },
    inside: `<config turns="9"/><route><service name="Pair"><child name="server"/></service>
      <any-service><parent/></any-service></route>`,
  });
  const rig = new Rig({ children: [server, client(1)], windows: () => true });
  const untilTurns = async (count: number) => {
    const turns = () => rig.lines.filter((line) => line.startsWith("[client] turn 0")).length;
    for (let point = rig.points; turns() < count; ) assert.ok(await rig.run((point += 1000)), "the client goes on");
    const { foreign, pd } = rig.rtcr.checkpoint("now", ["client"]).system.children[0]!;
    const sessions = foreign.map(({ badge: _, serverId: __, ...rest }) => rest);
    return { sessions, dataspaces: pd.dataspaces.map(({ badge: _, content: __, ...rest }) => rest) };
  };
  const first = await untilTurns(1);
  rig.reconfigure([server, client(2)]);
  assert.deepEqual(await untilTurns(2), first);
  rig.close();
});

test("S6, S68: a child that assigns itself a parent, or announces without end, changes nothing of what is known of it", async () => {
  const rig = await halfway();
  const [pd] = rig.rtcr.child("sheep")!.of(RtcrPd);
  const known = () => rig.rtcr.checkpoint("known", ["sheep"]).system.children[0]!.parent;
  const before = known();
  assert.ok(before.heartbeatHandlerBadge > 0);
  const parent = pd!.parent!;
  pd!.assignParent(pd!.base.capability as never);
  for (let i = 0; i < 100; i++) pd!.assignParent(pd!.parent!.capability);
  assert.equal(pd!.parent, parent);
  assert.deepEqual(known(), before);
  for (let i = 0; i < 10_000; i++) parent.announce(i < 5_000 ? "Counter" : `Service ${i}`);
  const { announced } = known();
  assert.equal(announced[0], "Counter");
  assert.equal(announced.length, ANNOUNCED_LIMIT);
  rig.close();
});

test("S68, S93: a signal source that was given out several times is recorded as often, until all have given it back", async () => {
  const rig = await halfway();
  const [pd] = rig.rtcr.child("sheep")!.of(RtcrPd);
  const recorded = () => rig.rtcr.checkpoint("x", ["sheep"]).system.children[0]!.pd.signalSources.length;
  const [before, caps] = [recorded(), pd!.usedCaps()];
  const made = [pd!.allocSignalSource(), pd!.allocSignalSource()];
  assert.equal(recorded(), before + 2);
  assert.equal(pd!.usedCaps(), caps + 2);
  for (const each of made) if (each.ok) pd!.freeSignalSource(each.value);
  assert.deepEqual([recorded(), pd!.usedCaps()], [before, caps]);
  rig.close();
});

test("S126: components need no C library and no WASI: they import the kernel and nothing else", () => {
  for (const { name, language } of COMPONENTS) {
    if (language === "wasi-threads") continue; // WASI programs
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(component(name) as BufferSource));
    assert.deepEqual([...new Set(imports.map((entry) => entry.module))], [KERNEL_MODULE], name);
  }
});
