// Memory as compiled programs meet it: page faults and who serves them, read-only and executable regions, nested maps,
// shared bytes, and memory.grow against the quota (S8, S14, S18-S21).
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { type TestComponent, TestSystem } from "../../../test/support/kernel-system.ts";
import {
  type Capability,
  type Dataspace,
  PAGE_BYTES,
  type ParentSession,
  type RegionMap,
} from "../../session/index.ts";
import { createRm } from "../pd/index.ts";

const PAGE = PAGE_BYTES;
const AT = 0x4000_0000;
const WINDOWS = { load: { windows: true } } as const;

/** Adds the word at AT to the one behind it, twice, and logs the sum. */
const ADDER = `
  (func (export "rtcr_component_start")
    (i32.store (i32.const ${AT + 4}) (i32.add (i32.load (i32.const ${AT})) (i32.load (i32.const ${AT + 4}))))
    (i32.store (i32.const ${AT + 4}) (i32.add (i32.load (i32.const ${AT})) (i32.load (i32.const ${AT + 4}))))
    (call $log (i32.const 2048) (i32.load (i32.const ${AT + 4}))))`;
const SUM = "0000000b";

interface Scene {
  readonly system: TestSystem;
  readonly guest: TestComponent;
  readonly space: RegionMap;
  /** A page that begins with the words 4 and 3. */
  page(options?: { writable?: boolean }): Capability<Dataspace>;
  /** A region map of an RM session. */
  map(size: number): RegionMap;
  /** A handler for a map's faults: gives the number of those it was told of since it was asked last. */
  handle(map: RegionMap): () => number;
}

function scene(program: string, options = {}): Scene {
  const system = new TestSystem();
  const guest = system.component("guest", program, options);
  const { root, core } = system;
  const page = () => {
    const allocated = root.alloc(PAGE);
    ok(allocated.ok);
    allocated.value.object!.write(0, Uint8Array.of(4, 0, 0, 0, 3, 0, 0, 0));
    return allocated.value;
  };
  const map = (size: number) => {
    const rm = createRm(core, { label: "rm", donation: { ram: 1 << 20, caps: 10 } });
    ok(rm.ok);
    const created = rm.value.create(size);
    ok(created.ok);
    return created.value.object!;
  };
  const told = new Map<number, number>();
  const handle = (handled: RegionMap) => {
    const source = root.allocSignalSource();
    ok(source.ok);
    const imprint = told.size;
    told.set(imprint, 0);
    const context = root.allocContext(source.value, imprint);
    ok(context.ok);
    handled.faultHandler(context.value);
    return () => {
      for (let one = source.value.object!.take(); one; one = source.value.object!.take()) {
        told.set(one.imprint, told.get(one.imprint)! + one.count);
      }
      const count = told.get(imprint)!;
      told.set(imprint, 0);
      return count;
    };
  };
  return { system, guest, space: guest.pd.addressSpaceMap, page, map, handle };
}

/** What was logged, without labels. */
const linesOf = ({ lines }: TestSystem): readonly string[] => lines.map((line) => line.replace(/^\[.*\] /, ""));

test("S20: a thread that faults waits, its handler learns where, and after the attachment it goes on", async () => {
  const { system, guest, space, page, handle } = scene(ADDER, WINDOWS);
  const faults = handle(space);
  guest.start("main");
  await system.rest();
  equal(faults(), 1);
  deepEqual(space.state(), { type: "read-fault", address: AT });
  match(system.warnings[0]!, /^guest: main: read-fault at 0x40000000 in function \d+ at [1-9]\d*$/);
  ok(space.attach(page(), { address: AT + PAGE }).ok);
  await system.rest();
  deepEqual([faults(), system.lines.length], [0, 0]);
  ok(space.attach(page(), { address: AT }).ok);
  await system.rest();
  deepEqual(linesOf(system), [SUM]);
  deepEqual(space.state(), { type: "ready", address: 0 });
  system.close();
});

test("S20: without a handler the thread stays stopped, a line says where, and others run", async () => {
  const { system, guest, space } = scene(ADDER, WINDOWS);
  const other = system.component(
    "other",
    `(func (export "rtcr_component_start") (call $log (i32.const 2048) (i32.const 7)))`,
  );
  guest.start("main");
  other.start("main");
  await system.rest();
  deepEqual(linesOf(system), ["00000007"]);
  match(system.warnings.join(), /guest: main: read-fault at 0x40000000 in function \d+ at [1-9]\d*, nobody is told/);
  equal(space.state().type, "read-fault");
  system.close();
});

test("S20: a thread that is killed while it waits at a fault waits there no more", async () => {
  const { system, guest, space, page } = scene(ADDER, WINDOWS);
  const thread = guest.start("main");
  await system.rest();
  equal(space.state().type, "read-fault");
  guest.cpu.killThread(thread.capability);
  equal(space.state().type, "ready");
  ok(space.attach(page(), { address: AT }).ok);
  await system.rest();
  deepEqual(linesOf(system), []);
  system.close();
});

test("S21: a store to a read-only region faults; attached writeable it goes on, and nothing was lost", async () => {
  const { system, guest, space, page, handle } = scene(ADDER, WINDOWS);
  const faults = handle(space);
  const dataspace = page();
  ok(space.attach(dataspace, { address: AT, writeable: false }).ok);
  guest.start("main");
  await system.rest();
  equal(faults(), 1);
  deepEqual(space.state(), { type: "write-fault", address: AT + 4 });
  space.detach(AT);
  ok(space.attach(dataspace, { address: AT }).ok);
  await system.rest();
  deepEqual(linesOf(system), [SUM]);
  const word = new Uint8Array(1);
  dataspace.object!.read(4, word);
  equal(word[0], 11);
  system.close();
});

test("S19: holes of nested maps are the innermost map's, with its addresses; compiled code sees three levels", async () => {
  const { system, guest, space, page, map, handle } = scene(ADDER, WINDOWS);
  const [outer, middle, inner] = [map(1 << 20), map(1 << 20), map(1 << 20)];
  ok(space.attach(outer.dataspace(), { address: AT - 0x8000 }).ok);
  ok(outer.attach(middle.dataspace(), { address: 0, offset: 0x2000, size: 0x10_000 }).ok);
  ok(middle.attach(inner.dataspace(), { address: 0x4000, size: 0x10_000 }).ok);
  const told = [space, outer, middle, inner].map((one) => handle(one));
  guest.start("main");
  await system.rest();
  // AT is 0x8000 in outer, 0xa000 in middle, 0x6000 in inner.
  deepEqual(inner.state(), { type: "read-fault", address: 0x6000 });
  deepEqual(
    told.map((faults) => faults()),
    [0, 0, 0, 1],
  );
  equal(system.warnings.length, 0, "no line for holes of nested maps");
  ok(inner.attach(page(), { address: 0x6000 }).ok);
  await system.rest();
  deepEqual(linesOf(system), [SUM]);
  system.close();
});

test("S18: two components and two places of one see the same bytes", async () => {
  const { system, guest, space, page } = scene(ADDER, WINDOWS);
  const second = system.component("second", ADDER, WINDOWS);
  const dataspace = page();
  ok(space.attach(dataspace, { address: AT }).ok);
  ok(space.attach(dataspace, { address: AT + PAGE, offset: 0, size: PAGE }).ok);
  ok(second.pd.addressSpaceMap.attach(dataspace, { address: AT }).ok);
  guest.start("main");
  await system.rest();
  second.start("main");
  await system.rest();
  deepEqual(linesOf(system), [SUM, "00000013"]);
  system.close();
});

test("S20: a fault outlives a capture and recreation of the component", async () => {
  const { system, guest, space, page } = scene(ADDER, WINDOWS);
  guest.start("main");
  await system.rest();
  guest.component.recreate((saved) => structuredClone(saved));
  await system.rest();
  ok(space.attach(page(), { address: AT }).ok);
  await system.rest();
  deepEqual(linesOf(system), [SUM]);
  system.close();
});

test("S21: a thread of a program whose text is not attached waits at an execute fault", async () => {
  const { system, guest, page } = scene(
    `(func (export "rtcr_component_start") (call $log (i32.const 2048) (i32.const 9)))`,
  );
  const { linkerAreaMap } = guest.pd;
  const text = linkerAreaMap.regions.from(1 << 20)!;
  equal(text.executable, true);
  linkerAreaMap.detach(text.start);
  ok(linkerAreaMap.attach(page(), { address: text.start }).ok);
  guest.start("main");
  await system.rest();
  deepEqual(linesOf(system), []);
  deepEqual(linkerAreaMap.state(), { type: "exec-fault", address: text.start });
  linkerAreaMap.detach(text.start);
  ok(linkerAreaMap.attachFree(text.dataspace.capability, { address: text.start, executable: true, hidden: true }).ok);
  await system.rest();
  deepEqual(linesOf(system), ["00000009"]);
  system.close();
});

/** Grows by $pages twice and logs what memory.grow gave, then the size, then a byte at the end. */
const grower = (pages: number) => `
  (func (export "rtcr_component_start")
    (call $log (i32.const 2048) (memory.grow (i32.const ${pages})))
    (call $log (i32.const 2048) (memory.grow (i32.const ${pages})))
    (call $log (i32.const 2048) (memory.size))
    (i32.store8 (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)) (i32.const 5))
    (call $log (i32.const 2048) (i32.load8_u (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)))))`;

for (const windows of [false, true]) {
  test(`S8, S14: memory.grow is charged, and refused beyond the quota: windows ${windows}`, async () => {
    const { system, guest } = scene(grower(3), { load: { windows } });
    ok(guest.pd.alloc(guest.pd.ramQuota() - guest.pd.usedRam() - 6 * 65536).ok);
    const used = guest.pd.usedRam();
    guest.start("main");
    await system.rest();
    deepEqual(linesOf(system), ["00000002", "ffffffff", "00000005", "00000005"]);
    equal(guest.pd.usedRam(), used + 3 * 65536);
    system.close();
  });

  test(`S14: memory.grow that asks for resources waits until it gets them: windows ${windows}`, async () => {
    const { system, guest } = scene(grower(3), { load: { windows }, growthRequests: true });
    const requests: string[] = [];
    const parent = {
      kind: "parent",
      resourceRequest: (args: string) => requests.push(args),
    } as unknown as ParentSession;
    guest.pd.assignParent(system.capability(parent));
    ok(guest.pd.alloc(guest.pd.ramQuota() - guest.pd.usedRam() - 6 * 65536).ok);
    guest.start("main");
    await system.rest();
    deepEqual(linesOf(system), ["00000002"]);
    deepEqual(requests, ["ram_quota=204800"]);
    guest.component.recreate((saved) => structuredClone(saved));
    ok(system.root.transferRamQuota(guest.pd.capability, 204_800).ok);
    await system.rest();
    deepEqual(linesOf(system), ["00000002", "00000005", "00000008", "00000005"]);
    system.close();
  });
}
