// A program's memory in its PD's maps: layouts, growth and its quota, the text, the table of figure 5.8 (S8, S14, S21, S22).
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { GuestBytes, Pool, Windows } from "../../engine/index.ts";
import { DONATION, PAGE_BYTES } from "../../session/index.ts";
import { createDataspace } from "../memory/dataspace.ts";
import { createCoreContext, PlainMemory } from "../memory/index.ts";
import {
  adoptProgram,
  createPd,
  createRootPd,
  formatDataspaces,
  growLinearMemory,
  growthRequest,
  LAYOUTS,
  LINKER_AREA_BYTES,
  listDataspaces,
  STACK_SLOT_BYTES,
} from "./index.ts";

const MIB = 2 ** 20;
const WASM_PAGE = 65_536;

/** A PD with 4 MiB and 100 capabilities, and the memory of a program of two pages that begins with some bytes. */
function loaded(layout: keyof typeof LAYOUTS, windows?: Windows) {
  const core = createCoreContext();
  const root = createRootPd(core, { label: "core", donation: { ram: 2 ** 30, caps: 1000 } });
  const made = createPd(core, { label: "app", donation: DONATION.PD });
  ok(made.ok);
  const pd = made.value;
  pd.refAccount(root.capability);
  root.transferRamQuota(pd.capability, 4 * MIB);
  root.transferCapQuota(pd.capability, 100);
  const wasm = new WebAssembly.Memory({ initial: 2, maximum: 65_536 });
  const memory = new PlainMemory(wasm, windows);
  memory.view(1024, 3).set([1, 2, 3]);
  const text = createDataspace(core, { origin: "rom", size: 100_000 })!;
  const before = pd.usedRam();
  const program = adoptProgram(pd, memory, { layout, text: text.capability });
  ok(program.ok);
  const alloc = (size: number) => {
    const allocated = pd.alloc(size);
    ok(allocated.ok);
    return allocated.value;
  };
  return { core, root, pd, wasm, memory, text, before, program: program.value, alloc };
}

for (const layout of ["component", "plain"] as const) {
  test(`S22: ${layout}: a program's memory becomes a dataspace of its PD, untouched and charged`, () => {
    const { pd, memory, before, program } = loaded(layout);
    equal(pd.usedRam(), before + 2 * WASM_PAGE + PAGE_BYTES);
    const bytes = Uint8Array.of(0, 0, 0);
    program.data!.object!.read(1024, bytes);
    deepEqual([...bytes], [1, 2, 3]);
    memory.view(1025, 1)[0] = 9;
    program.data!.object!.read(1024, bytes);
    deepEqual([...bytes], [1, 9, 3]);
    equal(memory.size(), 2 * WASM_PAGE);
    const met = pd.addressSpaceMap.resolve(1024, "write");
    ok(met.ok && met.dataspace === program.data!.object);
  });
}

test("S22: stacks lie in the stack area, data in the linker area, the rest behind them, in one linear memory", () => {
  const { pd, memory, alloc } = loaded("component");
  const stack = alloc(16384);
  const at = pd.stackArea().object!.attach(stack, { address: STACK_SLOT_BYTES - 16384 });
  ok(at.ok);
  stack.object!.write(0, Uint8Array.of(77));
  const { stackArea } = LAYOUTS.component;
  equal(memory.view(stackArea + at.value, 1)[0], 77);
  const heap = pd.addressSpace().object!.attach(alloc(16384));
  ok(heap.ok && heap.value === LAYOUTS.component.lowestAutomatic);
  memory.view(heap.value, 1)[0] = 1;
  ok(memory.size() <= heap.value + WASM_PAGE);
});

test("S22: what was attached before the program was loaded is shown to it", () => {
  const core = createCoreContext();
  const pd = createRootPd(core, { label: "app", donation: { ram: MIB, caps: 20 } });
  const early = pd.alloc(PAGE_BYTES);
  ok(early.ok);
  early.value.object!.write(5, Uint8Array.of(55));
  const at = pd.addressSpace().object!.attach(early.value);
  ok(at.ok);
  const memory = new PlainMemory(new WebAssembly.Memory({ initial: 1, maximum: 65_536 }));
  ok(adoptProgram(pd, memory, { layout: "component" }).ok);
  equal(memory.view(at.value + 5, 1)[0], 55);
});

test("S8: a program that does not fit into its quota, or meets an attachment, leaves the PD as it was", () => {
  const core = createCoreContext();
  const pd = createRootPd(core, { label: "app", donation: { ram: 2 * WASM_PAGE, caps: 20 } });
  const memory = (pages: number) => new PlainMemory(new WebAssembly.Memory({ initial: pages, maximum: 65_536 }));
  deepEqual(adoptProgram(pd, memory(2), { layout: "component" }), { ok: false, reason: "out-of-ram" });
  const allocated = pd.alloc(PAGE_BYTES);
  ok(allocated.ok);
  const space = pd.addressSpace().object!;
  ok(space.attach(allocated.value, { address: LAYOUTS.component.stackArea }).ok);
  const used = pd.usedRam();
  deepEqual(adoptProgram(pd, memory(1), { layout: "component" }), { ok: false, reason: "region-conflict" });
  equal(pd.usedRam(), used);
  equal(pd.addressSpaceMap.regions.count, 1);
  space.detach(LAYOUTS.component.stackArea);
  ok(adoptProgram(pd, memory(1), { layout: "component" }).ok);
});

test("S8, S14: memory.grow takes memory of the PD and continues where the memory ended", () => {
  const { pd, wasm, memory } = loaded("plain");
  const [ram, caps] = [pd.usedRam(), pd.usedCaps()];
  deepEqual(growLinearMemory(pd, memory, 3), { ok: true, value: 2 });
  equal(wasm.buffer.byteLength, 5 * WASM_PAGE);
  equal(pd.usedRam(), ram + 3 * WASM_PAGE);
  equal(pd.usedCaps(), caps + 1);
  deepEqual(growLinearMemory(pd, memory, 0), { ok: true, value: 5 });
  memory.view(4 * WASM_PAGE, 1)[0] = 4;
  const met = pd.addressSpaceMap.resolve(4 * WASM_PAGE, "write");
  ok(met.ok && met.offset === 2 * WASM_PAGE);
  const byte = Uint8Array.of(0);
  met.dataspace.read(met.offset, byte);
  equal(byte[0], 4);
});

test("S8, S22: a component's memory.grow goes on in the linker area, and behind all areas once something lies there", () => {
  const { pd, memory, alloc } = loaded("component");
  const grow = (pages: number) => growLinearMemory(pd, memory, pages, "component");
  deepEqual(grow(1), { ok: true, value: 2 });
  deepEqual(grow(1), { ok: true, value: 3 });
  equal(pd.linkerAreaMap.regions.at(3 * WASM_PAGE)!.start, 3 * WASM_PAGE);
  ok(pd.stackArea().object!.attach(alloc(16384), { address: STACK_SLOT_BYTES - 16384 }).ok);
  equal(memory.size(), LAYOUTS.component.lowestAutomatic);
  deepEqual(grow(2), { ok: true, value: LAYOUTS.component.lowestAutomatic / WASM_PAGE });
  const met = pd.addressSpaceMap.resolve(LAYOUTS.component.lowestAutomatic + WASM_PAGE, "write");
  ok(met.ok && met.offset === WASM_PAGE);
  ok(pd.stackArea().object!.attach(alloc(MIB), { address: STACK_SLOT_BYTES }).ok);
});

test("S14: memory.grow beyond the quota is refused and changes nothing, until the PD has more", () => {
  const { pd, root, wasm, memory } = loaded("plain");
  const used = pd.usedRam();
  deepEqual(growLinearMemory(pd, memory, 100), { ok: false, reason: "out-of-ram" });
  deepEqual(growLinearMemory(pd, memory, 65_536), { ok: false, reason: "out-of-ram" });
  deepEqual([pd.usedRam(), wasm.buffer.byteLength], [used, 2 * WASM_PAGE]);
  equal(growthRequest(100, "out-of-ram"), "ram_quota=6561792");
  equal(growthRequest(100, "out-of-caps"), "cap_quota=1");
  root.transferRamQuota(pd.capability, 6_561_792);
  ok(growLinearMemory(pd, memory, 100).ok);
});

test("S14: memory.grow beyond the program's own maximum is refused and refunded", () => {
  const core = createCoreContext();
  const pd = createRootPd(core, { label: "app", donation: { ram: 4 * MIB, caps: 20 } });
  const memory = new PlainMemory(new WebAssembly.Memory({ initial: 1, maximum: 2 }));
  ok(adoptProgram(pd, memory, { layout: "plain" }).ok);
  ok(growLinearMemory(pd, memory, 1).ok);
  const used = pd.usedRam();
  equal(growLinearMemory(pd, memory, 1).ok, false);
  equal(pd.usedRam(), used);
});

test("S18: with windows, a program's own memory and its growth stay at full speed until a piece is shared", () => {
  const windows = new Windows(new Pool());
  const { pd, memory, alloc } = loaded("plain", windows);
  equal(windows.limit, 2 * WASM_PAGE);
  ok(growLinearMemory(pd, memory, 1).ok);
  equal(windows.limit, 3 * WASM_PAGE);
  memory.view(2 * WASM_PAGE, 1)[0] = 22;
  const met = pd.addressSpaceMap.resolve(2 * WASM_PAGE, "read");
  ok(met.ok);
  const again = pd.addressSpace().object!.attach(met.dataspace.capability);
  ok(again.ok);
  equal(windows.limit, 2 * WASM_PAGE);
  const guest = new GuestBytes(memory.memory, windows);
  guest.write(again.value + 1, Uint8Array.of(23));
  deepEqual(guest.read(2 * WASM_PAGE, 2), Uint8Array.of(22, 23));
  // Growth goes on behind it, through windows now.
  ok(growLinearMemory(pd, memory, 1).ok);
  deepEqual(guest.write(3 * WASM_PAGE, Uint8Array.of(24)), undefined);
  deepEqual(guest.read(3 * WASM_PAGE, 1), Uint8Array.of(24));
  ok(pd.addressSpace().object!.attach(alloc(1)).ok);
});

test("S13: what others have attached in a component outlives it, its own memory is given up without a copy", () => {
  const windows = new Windows(new Pool(1 << 20));
  const { pd, root, memory } = loaded("plain", windows);
  ok(growLinearMemory(pd, memory, 20).ok);
  const foreign = root.alloc(PAGE_BYTES);
  ok(foreign.ok);
  const at = pd.addressSpace().object!.attach(foreign.value);
  ok(at.ok);
  new GuestBytes(memory.memory, windows).write(at.value, Uint8Array.of(77));
  const limit = windows.limit;
  pd.destroy();
  equal(windows.limit, limit, "20 pages would not even fit into the pool");
  const byte = new Uint8Array(1);
  foreign.value.object!.read(0, byte);
  equal(byte[0], 77);
});

test("S21: code may be executed as long as the text is attached; reading it as data faults", () => {
  const { pd, program, memory } = loaded("component");
  equal(program.checkExecutable(), undefined);
  const address = program.textAddress!;
  equal(address, LINKER_AREA_BYTES - 102_400);
  ok(memory.size() < address, "no memory is used for it");
  const read = pd.addressSpaceMap.resolve(address, "read");
  ok(!read.ok && read.fault.map === pd.linkerAreaMap);
  pd.linkerArea().object!.detach(address);
  deepEqual({ ...program.checkExecutable(), map: 0 }, { map: 0, address, type: "exec-fault", nested: true });
});

test("S22: the dataspaces of a component are those of figure 5.8", () => {
  const { pd, alloc } = loaded("component");
  const stacks = pd.stackArea().object!;
  alloc(12_288);
  for (const [slot, size] of [
    [0, 16_384],
    [1, 65_536],
    [2, 16_384],
  ] as const) {
    ok(stacks.attach(alloc(size), { address: (slot + 1) * STACK_SLOT_BYTES - size }).ok);
  }
  for (const size of [16_384, 81_920]) ok(pd.addressSpace().object!.attach(alloc(size)).ok);
  const names = ["sheep_counter", "ep", "signal handler"];
  const rows = listDataspaces(pd, { stackOwner: (slot) => names[slot] });
  equal(
    formatDataspaces(rows).replaceAll(/cap-\d+/g, (badge) => badge.replaceAll(/\d/g, "#")),
    `badge    bytes  origin  area           address                access  what it is
cap-##  100000  rom     linker area    0x9fe7000-0xa000000    --x     program text
cap-##  131072  ram     linker area    0x0-0x20000            rw-     program data
cap-##   12288  ram     none                                          not attached here
cap-##   16384  ram     stack area     0xfc000-0x100000       rw-     stack of sheep_counter
cap-##   65536  ram     stack area     0x1f0000-0x200000      rw-     stack of ep
cap-##   16384  ram     stack area     0x2fc000-0x300000      rw-     stack of signal handler
cap-##   16384  ram     address space  0x1a000000-0x1a004000  rw-     attached by the program
cap-##   81920  ram     address space  0x1a010000-0x1a024000  rw-     attached by the program
`,
  );
});
