// Module `red` as configurations have it (spec 1.5, 1.6, S109), and as a type that a program is made with; what becomes of
// checkpoints when slots run out, and of programs that cannot have redundant memory.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GranuleBytes, type SystemCheckpoint, whole } from "../../src/checkpoint/index.ts";
import { startNodeCpu } from "../../src/core/index-node.ts";
import { describeFinding, readXml } from "../../src/init/index.ts";
import {
  checkRtcrConfig,
  PreallocatedProvider,
  RedundantModule,
  type RtcrComponent,
  RtcrFault,
  rtcrProgram,
} from "../../src/rtcr/index.ts";
import { MIRROR_SLOTS } from "../../src/session/index.ts";
import { config, start, startSystem } from "../support/core-system.ts";
import { component } from "./rig.ts";

const CHILD = "sheep_counter_timer";
const system = (more: string, child = CHILD) =>
  config(start("rtcr", config(`${more}<child name="${child}" quota="8M" caps="300"/>`), 'caps="4000" ram="64M"'));

/** A running system, whose supervisor's configuration is `more` and its child. */
async function running(more: string, module?: () => RedundantModule, cpus = 1) {
  let supervisor: RtcrComponent | undefined;
  const host = { begin: () => ({}), began: (began: RtcrComponent) => (supervisor = began), ended: () => {} };
  const tree = startSystem({
    config: system(more),
    binaries: { [CHILD]: component(CHILD) },
    natives: { rtcr: rtcrProgram(host, module) },
    ...(cpus > 1 ? { cpus, startCpu: startNodeCpu } : {}),
  });
  const turns = async (count: number) => {
    for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const go = async (steps = 12) => {
    for (let step = 0; step < steps; step++) {
      await turns(4);
      tree.advance(50_000);
    }
    assert.ok(
      tree.lines.some((line) => line.includes(`-> ${CHILD}]`)),
      [...tree.lines, ...tree.warnings].join("\n"),
    );
  };
  await go();
  const take = (full = false) => supervisor!.rtcr.checkpoint("x", undefined, undefined, { full });
  return { tree, go, turns, take, configure: (text: string) => tree.configure(system(text)) };
}

/** Whether contents come from snapshots. */
function redundant({ children: [child] }: SystemCheckpoint): boolean {
  return child!.pd.data instanceof GranuleBytes;
}

const comparable = (taken: SystemCheckpoint) => ({ ...whole(taken), created: "" });

test("S109, S111: <module name> chooses module red; children that were started before go on, and are copied", async () => {
  const { tree, go, take, configure } = await running('<module name="red"/><redundant slots="4"/>');
  const first = take().system;
  assert.ok(redundant(first));
  assert.deepEqual(comparable(first), comparable(take(true).system));
  configure('<module name="base"/>');
  assert.ok(!redundant(take().system));
  configure('<module name="red"/>');
  await go(3);
  const again = take().system;
  assert.ok(redundant(again), "its mirror is there still");
  assert.deepEqual(comparable(again), comparable(take(true).system));
  tree.close();
  const later = await running('<module name="base"/>');
  later.configure('<module name="red"/>');
  assert.ok(!redundant(later.take().system), "it was loaded without a mirror");
  later.tree.close();
});

test("S109: what is put off is done in the supervisor's event loop, a piece at a time", async () => {
  const modules: RedundantModule[] = [];
  const make = () => {
    modules.push(new RedundantModule());
    return modules.at(-1)!;
  };
  const { tree, turns, take } = await running("", make);
  const { contents } = modules[0]!;
  const full = comparable(take(true).system);
  const { system: taken } = take();
  assert.ok(redundant(taken));
  assert.equal(contents.unfinished, 1);
  let passed = 0;
  for (; contents.unfinished > 0; passed++) {
    assert.ok(passed < 1000, "it gets on");
    await turns(1);
  }
  assert.ok(passed > 0);
  assert.deepEqual(comparable(taken), full);
  tree.close();
});

test("S109: with all slots in use a checkpoint flattens the oldest first, and is none the worse", async () => {
  const module = new RedundantModule();
  const { tree, go, take } = await running("", () => module);
  const made: { readonly system: SystemCheckpoint; readonly full: unknown }[] = [];
  for (let i = 0; i < 3 * MIRROR_SLOTS.least; i++) {
    made.push({ full: comparable(take(true).system), system: take().system });
    assert.equal(module.contents.waited, Math.max(0, i - (MIRROR_SLOTS.least - 2)), `checkpoint ${i}`);
  }
  await go(3);
  for (const { system: taken, full } of made.toReversed()) assert.deepEqual(comparable(taken), full);
  tree.close();
});

test("S109: without room a checkpoint fails by name, and the next one has everything", async () => {
  const module = new RedundantModule({ provider: new PreallocatedProvider({ arenas: 1, arenaBytes: 8 << 20 }) });
  const { tree, go, take } = await running("", () => module);
  const first = take();
  assert.ok(redundant(first.system));
  await go(2);
  const refused = (thrown: unknown) => thrown instanceof RtcrFault && thrown.code === "no-room";
  assert.throws(() => take(), refused);
  await go(2);
  first.lease.release();
  const full = comparable(take(true).system);
  assert.deepEqual(comparable(take().system), full);
  tree.close();
});

test("S109, S76: a child with redundant memory is on the CPU that its affinity says", async () => {
  const placed = '<module name="red"/><affinity-space width="2"/>';
  let supervisor: RtcrComponent | undefined;
  const host = { begin: () => ({}), began: (began: RtcrComponent) => (supervisor = began), ended: () => {} };
  const child = start(CHILD, '<affinity xpos="1"/>', 'caps="300" ram="8M"');
  const tree = startSystem({
    config: config(start("rtcr", config(`${placed}${child}`), 'caps="4000" ram="64M"')),
    binaries: { [CHILD]: component(CHILD) },
    natives: { rtcr: rtcrProgram(host) },
    ...{ cpus: 2, startCpu: startNodeCpu },
  });
  while (tree.lines.length < 3) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    tree.advance(50_000);
  }
  const found = tree.core.kernel.components.find(({ label }) => label.endsWith(CHILD))!;
  assert.deepEqual([found.cpu, tree.warnings], [1, []]);
  assert.ok(redundant(supervisor!.rtcr.checkpoint("x").system));
  tree.close();
});

test("S109, S111: configurations of module red are checked", () => {
  const findings = (text: string) => checkRtcrConfig(readXml(text)).map((finding) => describeFinding("x", finding));
  assert.deepEqual(findings('<config><module name="red"/></config>'), []);
  assert.deepEqual(findings('<config><module name="red"/><redundant slots="8"/></config>'), []);
  assert.match(findings('<config><module name="red"/><redundant slots="2"/></config>')[0] ?? "", /slots="2".*3 to 8/);
  assert.match(findings('<config><redundant slots="3"/></config>')[0] ?? "", /is for module red, found module base/);
});
