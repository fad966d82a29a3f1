// Checkpoint information: plain data that nothing changes any more, complete, in order, and the same after a restore.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  componentsOf,
  describeRole,
  type ObjectInfo,
  type SystemCheckpoint,
  wholeBytes,
} from "../../src/checkpoint/index.ts";
import { describeCheckpoint } from "../../src/cli/system/describe-checkpoint.ts";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { nodeSha256 } from "../../src/store/index-node.ts";
import { comparable, parts } from "./comparable.ts";
import { DEEP, init, PAIR } from "./nested.ts";
import { type ChildSpec, Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

const SHORT = '<config turns="4" iterations="20" period_ms="3" sleep_ms="3"/>';
const windows = () => true;
const GUEST_PARENT: ChildSpec = {
  name: "arbitrary_child",
  inside: '<config child="stack_counter" iterations="20" turns="4"/>',
};
const options = (name: string, more: Partial<RigOptions> = {}): RigOptions => ({
  children: [{ name, inside: SHORT } satisfies ChildSpec],
  ...more,
});

/** A checkpoint in the middle of a run. */
async function halfway(of: RigOptions, share = 0.75): Promise<{ system: SystemCheckpoint; rest: readonly string[] }> {
  const { points, lines } = await undisturbed(of);
  const rig = new Rig(of);
  assert.ok(await rig.run(Math.floor(points * share)));
  const { system } = rig.rtcr.checkpoint("halfway");
  const rest = lines.slice(rig.lines.length);
  rig.close();
  return { system, rest };
}

function objects(system: SystemCheckpoint): readonly (readonly [path: string, info: ObjectInfo])[] {
  return [...parts(system)].flatMap(([path, part]) =>
    "allocated" in part ? [[path, part as ObjectInfo] as const] : [],
  );
}

test("S70, S74: checkpoints are plain data, and the child's later life changes none of them", async () => {
  const of = options("sheep_counter");
  const { points } = await undisturbed(of);
  const kept: { system: SystemCheckpoint; copy: SystemCheckpoint }[] = [];
  for (const share of [0.3, 0.6, 0.9]) {
    const rig = new Rig(of);
    assert.ok(await rig.run(Math.floor(points * share)));
    for (let i = 0; i < 2; i++) {
      const { system } = rig.rtcr.checkpoint(`kept ${kept.length}`);
      kept.push({ system, copy: structuredClone(system) });
    }
    await rig.run();
    rig.close();
  }
  for (const { system, copy } of kept) {
    assert.deepEqual(system, copy);
    for (const [path, part] of parts(system)) {
      const plain =
        part instanceof Uint8Array || Array.isArray(part) || Object.getPrototypeOf(part) === Object.prototype;
      assert.ok(plain, `${path} is plain data`);
      assert.ok(part instanceof Uint8Array || Object.isFrozen(part), `${path} is frozen`);
    }
  }
});

test("S22, S73, S116: the default dataspaces of figure 5.8 by their roles, and the same to inspect", async () => {
  for (const name of ["sheep_counter", "as-sheep_counter"]) {
    const { system } = await halfway({ children: [{ name, inside: '<config turns="40" iterations="20"/>' }] });
    const chunks = name.startsWith("as-") ? 2 : 1;
    const roles = system.children[0]!.pd.dataspaces.map(describeRole).map((role) => role.replace(/0x1a[0-9a-f]+/, "#"));
    assert.deepEqual(roles.toSorted(), [
      "address-space #",
      ...Array.from({ length: chunks }, () => "heap chunk (address-space #)"),
      ...["stack-area 0x1f0000", "stack-area 0x2fc000", "stack-area 0xfc000"],
    ]);
    const [child] = describeCheckpoint("id", system).children;
    const shown = child!.dataspaces.map(({ role }) => role.replace(/0x1a[0-9a-f]+/, "#"));
    assert.deepEqual(shown, roles);
  }
});

test("S73: all objects have a number of their own, and lists are in the order of these", async () => {
  for (const name of ["sheep_counter_async", "small_dataspaces", "sheep_counter_threaded", "as-sheep_counter"]) {
    const { system } = await halfway(options(name));
    const numbers = objects(system).map(([, { allocated }]) => allocated);
    assert.equal(new Set(numbers).size, numbers.length, `${name}: numbers are unique`);
    for (const [path, part] of parts(system)) {
      if (!Array.isArray(part) || part.length < 2 || !part.every((each) => "allocated" in Object(each))) continue;
      const order = part.map(({ allocated }: ObjectInfo) => allocated);
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
        `${name}: ${path}`,
      );
    }
  }
});

test("S72: flags of attachments, the timer's remaining time and allocation counters are recorded", async () => {
  const { system } = await halfway(options("attachments", { windows }), 0.95);
  const [child] = system.children;
  const { regions } = child!.pd.addressSpace;
  const times = Map.groupBy(regions, ({ dataspaceBadge }) => dataspaceBadge);
  const own = [...times.values()].find(({ length }) => length === 3)!;
  assert.deepEqual(
    own.map(({ size, offset, writeable, executable }) => [size, offset, writeable, executable]),
    [
      [4 * 4096, 0, true, false],
      [4096, 2 * 4096, true, false],
      [4 * 4096, 0, false, false],
    ],
  );
  assert.deepEqual(
    child!.rms[0]!.regionMaps.map(({ size, regions: inside }) => [
      size,
      inside.map((region) => [region.address, region.size, region.offset]),
    ]),
    [
      [8 * 4096, [[2 * 4096, 2 * 4096, 4096]]],
      [16 * 4096, [[4 * 4096, 8 * 4096, 0]]],
    ],
  );
  const [ticking] = (await halfway(options("sheep_counter_async"), 0.9)).system.children;
  const [timer] = ticking!.timers;
  assert.ok(timer!.periodic && timer!.timeoutUs === 3000 && timer!.handlerBadge !== 0);
  assert.ok(timer!.remainingUs > 0 && timer!.remainingUs <= 3000, `${timer!.remainingUs} us`);
  assert.equal(ticking!.pd.allocated, 1);
});

/** They name capabilities by slots: all of them is the same in every life. */
function nativeStates({ children }: SystemCheckpoint): unknown {
  const natives = children.flatMap(componentsOf).filter(({ native }) => native !== undefined);
  return JSON.parse(JSON.stringify(natives.map(({ name, pd }) => [name, pd.instance])));
}

for (const strategy of STRATEGIES) {
  test(`S87, S93-S95, S97: a checkpoint of what was just restored is the checkpoint it was restored from (${strategy})`, async () => {
    const cases = [
      ["attachments", { windows }],
      ["detached_dataspaces"],
      ["managed_dataspace", { windows }],
      ["sheep_counter_async"],
      ["sheep_counter_threaded"],
      ["as-sheep_counter"],
      ["rs-counter"],
      ["arbitrary_child", { children: [GUEST_PARENT], programs: ["stack_counter"] }],
      ["inner", { children: [init("inner", PAIR)], programs: ["adder_server", "adder_client"] }],
      ["first", DEEP],
    ] as const;
    for (const [name, more] of cases) {
      const of = options(name, { ...more, strategy });
      const { system } = await halfway(of);
      const restored = await throughImage(system);
      const again: SystemCheckpoint[] = [];
      const rig = new Rig({
        ...of,
        restore: restored,
        restoredIn: (rtcr) => again.push(rtcr.checkpoint("again").system),
      });
      await rig.run();
      rig.close();
      const [found] = again;
      assert.ok(found, `${name} was restored`);
      const contents = ({ children: [child] }: SystemCheckpoint) =>
        componentsOf(child!).map(({ pd }) =>
          pd.dataspaces.filter(compared).map(({ content }) => nodeSha256(wholeBytes(content))),
        );
      const compared = ({ role }: { readonly role: string }) => strategy === "direct" || !role.startsWith("stack-area");
      assert.deepEqual(
        contents(found),
        contents(restored),
        `${name}: contents; stacks are repaired above their pointers`,
      );
      assert.deepEqual(nativeStates(found), nativeStates(restored), `${name}: states of programs in TypeScript`);
      for (const [i, child] of comparable(found).entries()) {
        for (const [key, value] of Object.entries(child)) {
          assert.deepEqual(value, comparable(restored)[i]![key], `${name}: ${key}`);
        }
      }
    }
  });

  test(`S89: one checkpoint is restored several times, an older one after a newer (${strategy})`, async () => {
    const of = options("sheep_counter_extended", { strategy });
    const { points, lines, bootstrapped } = await undisturbed(of);
    const taken: { system: SystemCheckpoint; before: number }[] = [];
    for (const share of [0.3, 0.8]) {
      const rig = new Rig(of);
      assert.ok(await rig.run(bootstrapped + Math.floor((points - bootstrapped) * share)));
      taken.push({ system: rig.rtcr.checkpoint(`at ${share}`).system, before: rig.lines.length });
      rig.close();
    }
    const [older, newer] = taken;
    assert.ok(older!.before < newer!.before);
    for (const { system, before } of [newer!, older!, older!, newer!, older!]) {
      const rig = new Rig({ ...of, restore: system });
      await rig.run();
      assert.deepEqual(rig.lines, lines.slice(before));
      rig.close();
    }
  });
}

/** What a bootstrap has made, without the badges, which count all objects of a system. */
function made({ children }: SystemCheckpoint): unknown {
  const { pd, cpu } = children[0]!;
  const roles = new Map(pd.dataspaces.map(({ badge, allocated }) => [badge, allocated]));
  const map = ({ regions, size }: (typeof pd)["addressSpace"]) => ({
    size,
    regions: regions.map(({ dataspaceBadge, ...region }) => ({
      ...region,
      dataspace: roles.get(dataspaceBadge) ?? "rom",
    })),
  });
  return {
    dataspaces: pd.dataspaces.map(({ allocated, size, cached, role, bootstrapped }) => [
      allocated,
      size,
      cached,
      role,
      bootstrapped,
    ]),
    contexts: pd.signalContexts.map(({ allocated, imprint }) => [allocated, imprint]),
    objects: pd.rpcObjects.map(({ allocated }) => allocated),
    maps: [pd.addressSpace, pd.stackArea, pd.linkerArea].map(map),
    threads: cpu.threads.map(({ allocated, name, weight, stackPointer }) => [allocated, name, weight, stackPointer]),
    slots: children[0]!.capabilities.map(({ slot, references }) => [slot, references]),
  };
}

test("S125: two bootstraps make the same allocations at the same places, whoever else is there", async () => {
  for (const name of ["sheep_counter", "as-sheep_counter", "rs-counter", "fault_handler"]) {
    const bootstraps: unknown[] = [];
    for (const other of [[], [{ name: "other", binary: "stack_counter", inside: SHORT }]]) {
      const rig: Rig = new Rig({ children: [{ name, inside: SHORT }, ...other], windows });
      let point = 0;
      const watched = async () => {
        while (rig.rtcr.child(name)?.context.bootstrapping ?? true) {
          assert.ok(await rig.run(++point), `${name} comes to the barrier`);
        }
      };
      await watched();
      bootstraps.push(made(rig.rtcr.checkpoint("barrier", [name]).system));
      rig.close();
    }
    assert.deepEqual(bootstraps[1], bootstraps[0], name);
  }
});

test("S101: stacks grow downwards: with 63 KB more on its stack, a program's stack pointer is that much lower", async () => {
  const pointers: number[] = [];
  for (const name of ["stack_counter", "large_stack_counter"]) {
    const { system } = await halfway(options(name));
    const ep = system.children[0]!.cpu.threads.find((thread) => thread.name === "ep");
    pointers.push(ep!.stackPointer);
  }
  const [small, large] = pointers;
  assert.ok(small! - large! > 60_000, `${small} - ${large}`);
});
