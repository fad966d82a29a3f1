// What a program sees when it takes away its own memory. Without windows nothing faults, so it goes on with the bytes that
// lie there, and they are part of its checkpoints.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RPC } from "../../src/abi/index.ts";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import { assemble } from "../assemble.ts";
import { byComponent } from "../support/by-component.ts";
import { PRELUDE } from "../support/kernel-system.ts";
import { textWords } from "./driver.ts";
import { continued, Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

const POINTS = 5;
const TURNS = 8;
const HEAP = 0x2000_0000;
const STACKS = 0x0a00_0000;
/** What the initial memory and the stack area's slots are large. */
const DATA_BYTES = 0x2_0000;

function opcode(kind: string, name: string): string {
  return `(i32.const ${RPC[kind]!.findIndex((fn) => fn.name === name)})`;
}

/** A capability that the object at a slot gives. */
const ask = (slot: string, kind: string, name: string, word = 0) =>
  `(call $cap ${slot} ${opcode(kind, name)} (i32.const ${word}))`;
const attach = (map: string, dataspace: string, address: number, size = 0, offset = 0) =>
  `(call $attach ${map} ${dataspace} (i32.const ${size}) (i32.const ${offset}) (i32.const ${address}))`;
const detach = (map: string, address: number) =>
  `(drop (call $ask (i32.const 0x400) ${map} ${opcode("region-map", "detach")} (i32.const ${address})))`;
const alloc = (bytes: number) => ask("(global.get $pd)", "pd", "alloc", bytes);
const free = (dataspace: string) => `(call $give (global.get $pd) ${opcode("pd", "free")} ${dataspace})`;
const [SPACE, LINKER, STACK, DS] = ["space", "linker", "stack", "ds"].map((name) => `(global.get $${name})`) as [
  ...[string, string, string, string],
];
const took = (value: string) => `(global.set $ds ${value})`;
const store = (address: number, value: string) => `(i32.store (i32.const ${address}) ${value})`;

/** A message that lies ready, and what it asks for: a ROM session. */
const OPEN_ROM = 0x9000;
const openRom = [
  ...[0, 0, ...Array<number>(8).fill(0), 20],
  ...textWords("ROM"),
  ...textWords('ram_quota=6K, cap_quota=3, label="p"'),
  ...[0, 0, 0, 0],
];
openRom[0] = (openRom.length - 10) * 4;
const openRomBytes = [...new Uint8Array(new Uint32Array(openRom).buffer)];
const ROM = `
  (drop (call $call (call $parent) ${opcode("parent", "session")} (i32.const ${OPEN_ROM})))
  ${took(ask(`(i32.load (i32.const ${OPEN_ROM + 8}))`, "rom", "dataspace"))} ${attach(SPACE, DS, HEAP)}`;

interface Case {
  readonly what: string;
  /** What is done before the turns, and in the midst of them. */
  readonly begins: string;
  readonly later?: string;
  /** Words that each turn changes and adds up; and those that it does then. */
  readonly words: readonly number[];
  readonly afterwards?: readonly number[];
  readonly windows?: boolean;
}

/** Each turn says the sum of the words, and changes them all; the last says how large memory is. */
function program({ begins, later = "", words, afterwards = [] }: Case): Uint8Array {
  const at = (address: number) => `(i32.const ${address})`;
  const mix = (address: number) => `
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load ${at(address)})))
      (i32.store ${at(address)} (i32.add (i32.mul (i32.load ${at(address)}) (i32.const 5)) (local.get $sum)))`;
  return assemble(`(module ${PRELUDE}
    (global $log_slot (mut i32) (i32.const 0)) (global $pd (mut i32) (i32.const 0)) (global $ds (mut i32) (i32.const 0))
    ${["space", "linker", "stack"].map((name) => `(global $${name} (mut i32) (i32.const 0))`).join("\n")}
    (data (i32.const 0x8000) "\\01\\02\\03\\04")
    (data (i32.const ${OPEN_ROM}) "${openRomBytes.map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("")}")
    (func $nothing)
    (table 2 funcref) (elem (i32.const 1) $nothing)
    (func $cap (param $slot i32) (param $opcode i32) (param $word i32) (result i32)
      (i32.store (i32.const 0x400) (i32.const 8)) (i32.store (i32.const 0x404) (i32.const 0))
      (i32.store (i32.const 0x428) (local.get $word)) (i32.store (i32.const 0x42c) (i32.const 2))
      (drop (call $call (local.get $slot) (local.get $opcode) (i32.const 0x400)))
      (i32.load (i32.const 0x408)))
    (func $give (param $slot i32) (param $opcode i32) (param $cap i32)
      (i32.store (i32.const 0x400) (i32.const 0)) (i32.store (i32.const 0x404) (i32.const 1))
      (i32.store (i32.const 0x408) (local.get $cap))
      (drop (call $call (local.get $slot) (local.get $opcode) (i32.const 0x400))))
    (func $attach (param $map i32) (param $ds i32) (param $size i32) (param $offset i32) (param $address i32)
      (i32.store (i32.const 0x400) (i32.const 24)) (i32.store (i32.const 0x404) (i32.const 1))
      (i32.store (i32.const 0x408) (local.get $ds)) (i32.store (i32.const 0x428) (local.get $size))
      (i32.store (i32.const 0x42c) (local.get $offset)) (i32.store (i32.const 0x430) (i32.const 1))
      (i32.store (i32.const 0x434) (local.get $address)) (i32.store (i32.const 0x438) (i32.const 0))
      (i32.store (i32.const 0x43c) (i32.const 1))
      (drop (call $call (local.get $map) ${opcode("region-map", "attach")} (i32.const 0x400)))
      (call $say (i32.load (i32.const 0x428))))
    (func $open (param $id i32) (result i32) ${ask("(call $parent)", "parent", "session_cap").replace("(i32.const 0))", "(local.get $id))")})
    (func $say (param $value i32) (local $i i32)
      (i32.store (i32.const 0x400) (i32.const 8)) (i32.store (i32.const 0x404) (i32.const 0))
      (i32.store (i32.const 0x428) (i32.const 4))
      (loop $next
        (i32.store8 offset=0x42c (local.get $i) (i32.add (i32.const 97)
          (i32.and (i32.shr_u (local.get $value) (i32.mul (local.get $i) (i32.const 4))) (i32.const 15))))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
      (drop (call $call (global.get $log_slot) (i32.const 0) (i32.const 0x400))))
    (func (export "rtcr_component_start") (local $turn i32) (local $sum i32)
      (global.set $pd (call $open (i32.const 1)))
      (global.set $log_slot (call $open (i32.const 3)))
      ${["address_space", "linker_area", "stack_area"]
        .map((name, i) => `(global.set ${["$space", "$linker", "$stack"][i]} ${ask("(global.get $pd)", "pd", name)})`)
        .join("\n")}
      (call $give (call $parent) ${opcode("parent", "heartbeat_sigh")} (i32.const 0))
      ${begins}
      (loop $next
        (if (i32.eq (local.get $turn) (i32.const ${TURNS / 2})) (then ${later} (nop)))
        ${words.map(mix).join("\n")}
        (if (i32.ge_u (local.get $turn) (i32.const ${TURNS / 2})) (then ${afterwards.map(mix).join("\n")} (nop)))
        (call $say (local.get $sum))
        (br_if $next (i32.lt_u (local.tee $turn (i32.add (local.get $turn) (i32.const 1))) (i32.const ${TURNS}))))
      (call $say (memory.size))
      (drop (call $ask (i32.const 0x400) (call $parent) ${opcode("parent", "exit")} (i32.const 0)))))`);
}

const OWN = [0x8000, 0x1_8000];
const ON_HEAP = [0x8000, HEAP, HEAP + 0x1000, HEAP + 0x2ffc];
const HEAP_THERE = `${took(alloc(0x3000))} ${attach(SPACE, DS, HEAP)} ${store(HEAP, "(i32.const 7)")}`;

const CASES: readonly Case[] = [
  { what: "its data", begins: detach(LINKER, 0), words: OWN },
  { what: "its data, late", begins: "", later: detach(LINKER, 0), words: OWN },
  { what: "all of its linker area", begins: detach(SPACE, 0), words: OWN },
  {
    what: "its data, and attaches other memory in the midst of it",
    begins: `${detach(LINKER, 0)} ${took(alloc(0x1000))} ${attach(LINKER, DS, 0x1_0000)}`,
    words: [...OWN, 0x1_0000, 0xfffc, 0x1_1000],
  },
  { what: "a heap", begins: `${HEAP_THERE} ${detach(SPACE, HEAP)}`, words: ON_HEAP },
  { what: "a heap, late", begins: HEAP_THERE, later: detach(SPACE, HEAP), words: ON_HEAP },
  {
    what: "a heap, and attaches it elsewhere",
    begins: HEAP_THERE,
    later: `${detach(SPACE, HEAP)} ${attach(SPACE, DS, HEAP + 0x8000)}`,
    words: ON_HEAP,
    afterwards: [HEAP + 0x8ffc],
  },
  {
    what: "a heap, and attaches it there again",
    begins: `${HEAP_THERE} ${detach(SPACE, HEAP)}`,
    later: attach(SPACE, DS, HEAP),
    words: ON_HEAP,
  },
  {
    what: "a heap, and attaches a part of it there again",
    begins: `${HEAP_THERE} ${detach(SPACE, HEAP)}`,
    later: attach(SPACE, DS, HEAP + 0x1000, 0x1000, 0x1000),
    words: ON_HEAP,
  },
  { what: "a heap by freeing it", begins: HEAP_THERE, later: free(DS), words: ON_HEAP },
  {
    what: "what is attached twice, which is refused",
    begins: `${HEAP_THERE} ${attach(SPACE, DS, HEAP + 0x8000)}`,
    later: detach(SPACE, HEAP),
    words: ON_HEAP,
  },
  {
    what: "a stack",
    begins: `${took(alloc(0x4000))} ${attach(STACK, DS, 0x10_0000)}`,
    later: detach(STACK, 0x10_0000),
    words: [0x8000, STACKS + 0x10_0000, STACKS + 0x10_3ffc],
  },
  { what: "all stacks", begins: HEAP_THERE, later: detach(SPACE, STACKS), words: ON_HEAP },
  {
    what: "what its memory has grown by",
    begins: `(drop (memory.grow (i32.const 1))) ${detach(LINKER, DATA_BYTES)}`,
    words: [0x8000, DATA_BYTES, DATA_BYTES + 0xfffc],
  },
  { what: "nothing, but writes to its copy of a ROM module", begins: ROM, words: [0x8000, HEAP + 8] },
  { what: "a ROM module that it has written to", begins: ROM, later: detach(SPACE, HEAP), words: [0x8000, HEAP + 8] },
  { what: "its text", begins: "", later: detach(LINKER, STACKS - 4096), words: OWN },
  {
    what: "all stacks, and attaches them there again, with windows,",
    begins: `${took(alloc(0x4000))} ${attach(STACK, DS, 0x10_0000)}`,
    later: `${detach(SPACE, STACKS)} ${attach(SPACE, ask(STACK, "region-map", "dataspace"), STACKS)}`,
    words: [0x8000],
    afterwards: [STACKS + 0x10_0000],
    windows: true,
  },
];

/** What it says when it is stopped at a point, restored elsewhere, stopped again after some points, and restored again. */
async function restoredTwice(options: RigOptions, points: readonly number[]): Promise<readonly string[]> {
  const lines: string[] = [];
  let restore: SystemCheckpoint | undefined;
  for (const point of [...points, Number.POSITIVE_INFINITY]) {
    const rig = new Rig({ ...options, ...(restore ? { restore } : {}) });
    const stopped = await rig.run(point);
    for (const outcome of rig.outcomes) if (outcome instanceof RtcrFault) throw outcome;
    if (stopped) restore = await throughImage(rig.rtcr.checkpoint("detached").system);
    lines.push(...rig.lines);
    rig.close();
    if (!stopped) break;
  }
  return lines;
}

function optionsOf(each: Case, options: Partial<RigOptions> = {}): RigOptions {
  const { windows = false } = each;
  return { children: [{ name: "p" }], binaries: { p: program(each) }, windows: () => windows, ...options };
}

for (const strategy of STRATEGIES) {
  for (const each of CASES) {
    test(`S14, S82, S94: a program detaches ${each.what} and goes on after a restore as ever (${strategy})`, async () => {
      const options = optionsOf(each, { strategy });
      const { lines, points, bootstrapped } = await undisturbed(options);
      assert.ok(new Set(lines).size >= TURNS, lines.join());
      for (let i = 1; i <= POINTS; i++) {
        const point = bootstrapped + Math.floor(((points - bootstrapped) * i) / (POINTS + 1));
        const further = (strategy === "bootstrap" ? bootstrapped : 0) + 3;
        assert.deepEqual(
          await restoredTwice(options, [point, further]),
          lines,
          `stopped at point ${point} of ${points}`,
        );
      }
    });
  }

  test(`S28, S94: so does one on another CPU, and on the first one after that (${strategy})`, async () => {
    for (const each of CASES.slice(3, 6)) {
      const children = [
        { name: "first", binary: "p" },
        { name: "second", binary: "p" },
      ];
      const options = optionsOf(each, { children, strategy });
      const lines = byComponent((await undisturbed(options)).lines);
      const { points, bootstrapped } = await undisturbed({ ...options, cpus: 2 });
      const point = Math.floor((points + bootstrapped) / 2);
      for (const cpus of [2, 1]) {
        const found = await continued({ ...options, cpus: 2 }, point, { cpus });
        assert.deepEqual(byComponent(found), lines, `${each.what}, on ${cpus} CPUs, stopped at ${point} of ${points}`);
      }
    }
  });

  test(`S20, S94: with windows a program that has detached its data waits at a fault, after a restore too (${strategy})`, async () => {
    const options = optionsOf(
      { what: "", begins: "", later: detach(LINKER, 0), words: OWN, windows: true },
      { strategy },
    );
    const pass = async (rig: Rig) => {
      for (let i = 0; i < 50; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        rig.tree.advance(1000);
      }
      return rig.rtcr.checkpoint("waits").system;
    };
    const first = new Rig(options);
    const system = await pass(first);
    assert.equal(first.lines.length, TURNS / 2);
    first.close();
    const second = new Rig({ ...options, restore: system });
    const again = await pass(second);
    assert.deepEqual([second.lines, second.outcomes.length], [[], 1]);
    const waits = ({ children }: SystemCheckpoint) =>
      children[0]!.cpu.threads.map(({ state }) => (state as { waiting: unknown }).waiting);
    assert.deepEqual(waits(again), waits(system));
    second.close();
  });
}

/** In front of the stacks, among them, behind them; with memory that reaches so far. */
const APART = [0x8000, DATA_BYTES + 0x1000, 0x0400_0ffc, STACKS + 0x20_0000, HEAP - 0x10_0000, HEAP, HEAP + 0x3000];

for (const strategy of STRATEGIES) {
  test(`S14, S82, S94: what a program writes where nothing was ever attached goes over with it (${strategy})`, async () => {
    const each = { what: "", begins: HEAP_THERE, words: APART };
    const options = optionsOf(each, { strategy, keepsUnattached: () => true });
    const { lines, points, bootstrapped } = await undisturbed(options);
    assert.ok(new Set(lines).size >= TURNS, lines.join());
    const point = Math.floor((points + bootstrapped) / 2);
    const further = (strategy === "bootstrap" ? bootstrapped : 0) + 3;
    assert.deepEqual(await restoredTwice(options, [point, further]), lines);
    const dropped = { ...options, keepsUnattached: () => false };
    assert.notDeepEqual(await restoredTwice(dropped, [point, further]), lines, "unless nobody asks for it");
  });
}

const unattachedIn = ({ children }: SystemCheckpoint) =>
  (children[0]!.pd.instance as { readonly unattached?: boolean }).unattached ?? false;

for (const strategy of STRATEGIES) {
  test(`S14, S82, S94, S108: of a program whose stores are marked that is saved unasked, and only if it does so (${strategy})`, async () => {
    const each = { what: "", begins: HEAP_THERE, words: APART };
    const marked = optionsOf(each, { strategy, marks: () => true });
    const { lines, points, bootstrapped } = await undisturbed(marked);
    const point = Math.floor((points + bootstrapped) / 2);
    assert.deepEqual(await restoredTwice(marked, [point, (strategy === "bootstrap" ? bootstrapped : 0) + 3]), lines);
    for (const goesOn of [true, false]) {
      const found = await continued(marked, point, { marks: () => goesOn });
      assert.deepEqual(found, lines, `restored ${goesOn ? "with" : "without"} marks`);
    }
    const tidy = optionsOf({ what: "", begins: HEAP_THERE, words: [0x8000] }, { strategy, marks: () => true });
    for (const [options, wrote] of [
      [marked, true],
      [tidy, false],
      [{ ...marked, marks: () => false }, false],
    ] as const) {
      const rig = new Rig(options);
      assert.ok(await rig.run(point));
      assert.equal(unattachedIn(rig.rtcr.checkpoint("now").system), wrote);
      rig.close();
    }
  });

  test(`S14, S108: and of one whose stores are marked from some moment on, whatever it has written before (${strategy})`, async () => {
    const options = optionsOf({ what: "", begins: HEAP_THERE, words: APART }, { strategy });
    const { lines, points, bootstrapped } = await undisturbed(options);
    let wanted = false;
    const rig = new Rig({ ...options, marks: () => wanted });
    assert.ok(await rig.run(Math.floor((points + bootstrapped) / 2)));
    assert.equal(unattachedIn(rig.rtcr.checkpoint("unmarked").system), false);
    wanted = true;
    const { system } = rig.rtcr.checkpoint("marked");
    assert.equal(unattachedIn(system), true);
    const before = rig.lines;
    await rig.run();
    assert.deepEqual(rig.lines, lines, "it has lost nothing");
    rig.close();
    const again = new Rig({ ...options, restore: system });
    await again.run();
    assert.deepEqual([...before, ...again.lines], lines);
    again.close();
  });
}

test("S107: more than 64 MiB that a program uses after it has detached them are refused by name, and it runs on", async () => {
  const bytes = 65 << 20;
  const fill = `(memory.fill (i32.const ${HEAP}) (i32.const 1) (i32.const ${bytes}))`;
  const begins = `${took(alloc(bytes))} ${attach(SPACE, DS, HEAP)} ${detach(SPACE, HEAP)} ${fill}`;
  const options = optionsOf({ what: "", begins, words: [HEAP, HEAP + bytes - 4] }, { quota: 'caps="500" ram="100M"' });
  const { lines, points } = await undisturbed(options);
  const rig = new Rig(options);
  assert.ok(await rig.run(points - 4));
  assert.throws(
    () => rig.rtcr.checkpoint("large"),
    (thrown) =>
      thrown instanceof RtcrFault &&
      thrown.code === "unsaveable" &&
      /^child "p": the program goes on using memory that it has detached, more than is saved/.test(thrown.message),
  );
  await rig.run();
  assert.deepEqual(rig.lines, lines);
  rig.close();
});

test("S107: more than 64 MiB in memories beside memory 0 are refused by name, and the program runs on", async () => {
  const p = assemble(`(module (memory (export "memory") 1) (memory $more ${(65 << 20) / 65536})
    (func (export "_start") (local $i i32)
      (loop $again
        (i32.store $more (i32.const 0) (local.get $i))
        (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000))))))`);
  const rig = new Rig({ children: [{ name: "p" }], binaries: { p }, quota: 'caps="500" ram="100M"' });
  assert.ok(await rig.run(3));
  assert.throws(
    () => rig.rtcr.checkpoint("large"),
    (thrown) =>
      thrown instanceof RtcrFault && thrown.code === "unsaveable" && /memories beside memory 0/.test(thrown.message),
  );
  await rig.run();
  assert.equal(rig.exited, 1);
  rig.close();
});
