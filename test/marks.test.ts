// Marks: whatever a program writes to memory 0 is marked, by every instruction that writes, below windows and behind them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deserialize, serialize } from "node:v8";
import { loadProgram } from "../src/core/program.ts";
import {
  captureGroup,
  Group,
  Marks,
  Pool,
  type PoolRange,
  restoreGroup,
  type Thread,
  Windows,
} from "../src/engine/index.ts";
import type { RewriteOptions } from "../src/instrument/index.ts";
import { MARKS_BYTES } from "../src/session/index.ts";
import { assemble } from "./assemble.ts";
import { type Random, seededRandom, seedOr } from "./random.ts";
import { accessModule, BULK_FUNCTIONS, SEGMENT_BYTES } from "./support/access-module.ts";
import { MarksAudit } from "./support/marks-audit.ts";
import { straightModule } from "./support/straight-module.ts";

test("S108: marks are as large as those who are charged for them know", () => {
  assert.equal(new Marks().memory.buffer.byteLength, MARKS_BYTES);
});

const PAGE = 4096;
const PAGES = 16;
const SPACE = PAGES * PAGE;

const pagesOf = (first: number, count: number) => Array.from({ length: count }, (_, at) => first + at);

const MODULE = accessModule(1);
const BYTES = assemble(MODULE.text);

const WIDE = assemble(accessModule(1, true).text);

const FORMS: readonly (readonly [name: string, options: RewriteOptions])[] = [
  ["without windows", {}],
  ...(["memory", "pool", "both"] as const).map((favour) => [`windows: ${favour}`, { windows: { favour } }] as const),
];

/** A component with marks whose address space lies partly in its memory and partly, page by page, in a pool. */
class Side {
  readonly #wide: boolean;
  readonly marks = new Marks();
  readonly #group = new Group();
  readonly #windows: Windows | undefined;
  readonly #ranges: PoolRange[] = [];
  readonly #find: (name: string) => number;
  #before: Uint8Array;
  /** Pages that were marked, and of those the ones that had changed. */
  marked = 0;
  changed = 0;

  constructor(bytes: Uint8Array, options: RewriteOptions, random: Random) {
    const program = loadProgram(bytes, "m", { ...options, marks: true, mostTurns: 1 + random.below(5) });
    this.#wide = program.info.memories[0]!.index64;
    this.#find = (name) => program.info.exports.find((entry) => entry.name === name)!.index;
    if (options.windows) {
      this.#windows = new Windows(new Pool());
      this.#windows.limit = random.below(PAGES + 1) * PAGE;
    }
    let polls = 0;
    this.#group.policy = () => ++polls % 7 === 0;
    this.#group.add("m", program, {}, {}, { windows: this.#windows, marks: this.marks });
    for (let page = 0; this.#windows && page < PAGES; page++) {
      this.#ranges.push(this.#windows.pool.allocate(PAGE)!);
      if (random.below(3) > 0) this.#map(page);
    }
    this.#before = this.#content();
  }

  #map(page: number): void {
    this.#windows!.table.map(page * PAGE, this.#ranges[page]!.address, PAGE, { writable: true });
  }

  #content(): Uint8Array {
    const all = new Uint8Array(SPACE);
    const limit = this.#windows?.limit ?? SPACE;
    all.set(new Uint8Array(this.#group.instances[0]!.memories[0]!.buffer, 0, limit));
    for (let page = limit / PAGE; page < PAGES; page++) {
      all.set(this.#windows!.pool.bytes(this.#ranges[page]!.address, PAGE), page * PAGE);
    }
    return all;
  }

  /** Calls an export, and looks for unmarked changes wherever it stands still. */
  call(name: string, args: readonly unknown[]): void {
    const given = this.#wide ? args.map((value, i) => wideOperand(name, value, i)) : args;
    let thread: Thread = this.#group.spawn({ instance: 0, function: this.#find(name), name }, given);
    for (;;) {
      this.#group.request();
      this.#group.run(thread);
      this.#look(`${name} ${args}`);
      if (thread.state === "ended") return;
      const page = thread.fault && thread.fault.type !== "grow" ? Math.floor(thread.fault.address / PAGE) : 0;
      const saved = this.#group.save(thread);
      this.#group.threads.splice(this.#group.threads.indexOf(thread), 1);
      if (page >= PAGES) return;
      if (thread.fault) this.#map(page);
      thread = this.#group.restore(saved);
    }
  }

  #look(where: string): void {
    const now = this.#content();
    const marked = new Set<number>();
    this.marks.take(0, SPACE, (page, count) => {
      for (const each of pagesOf(page, count)) marked.add(each);
    });
    this.marked += marked.size;
    for (let page = 0; page < PAGES; page++) {
      const [start, end] = [page * PAGE, (page + 1) * PAGE];
      if (Buffer.compare(now.subarray(start, end), this.#before.subarray(start, end)) === 0) continue;
      assert(marked.has(page), `${where}: page ${page} has changed, and is not marked`);
      this.changed++;
    }
    this.#before = now;
  }
}

/** Of 64 bits where a program with such addresses takes that. */
function wideOperand(name: string, value: unknown, place: number): unknown {
  const wide = place === 0 || (name === "memory.copy" && place < 3) || (name === "memory.fill" && place === 2);
  return wide && typeof value === "number" ? BigInt(value) : value;
}

/** An address near the borders that matter. */
function somewhere(random: Random, bytes: number): number {
  const border = random.below(PAGES * 4 + 1) * 1024;
  if (random.below(10) === 0) return random.below(2 ** 32) | 0;
  return random.below(4) === 0 ? random.below(SPACE) : (border - random.below(bytes + 3)) | 0;
}

function word(random: Random): bigint {
  return BigInt.asIntN(64, (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32)));
}

for (const [name, options, bytes] of [
  ...FORMS.map((form) => [...form, BYTES] as const),
  ["64-bit", {}, WIDE] as const,
]) {
  test(`S108: every instruction that writes marks what it writes: ${name}`, () => {
    const random = seededRandom(seedOr(108));
    const side = new Side(bytes, options, random);
    for (let step = 0; step < 6000; step++) {
      if (random.below(4) > 0) {
        const { name: access, bytes, offset } = random.pick(MODULE.functions);
        side.call(access, [(somewhere(random, bytes) - offset) | 0, word(random), word(random)]);
        continue;
      }
      const bulk = random.pick(BULK_FUNCTIONS);
      const length = random.below(3) === 0 ? random.below(9000) : random.below(40);
      const second = bulk === "memory.copy" ? somewhere(random, length) : random.below(SEGMENT_BYTES);
      side.call(bulk, [somewhere(random, length), second, length]);
    }
    assert(side.changed > 1000, `more than 1000 pages changed, found ${side.changed}`);
    // A mark in front of a store that traps changes nothing.
    assert(side.marked < side.changed * 2.5, `${side.marked} pages marked, ${side.changed} changed`);
  });
}

for (const [name, options] of FORMS) {
  test(`S108: one mark speaks for stores behind the same pointer: ${name}`, () => {
    for (let seed = seedOr(1); seed < seedOr(1) + 100; seed++) {
      const random = seededRandom(seed);
      const side = new Side(assemble(straightModule(random)), options, random);
      for (let call = 0; call < 8; call++) side.call("f", [random.below(SPACE), random.below(SPACE), word(random)]);
    }
  });
}

test("S108: instances that write data when they are made count as writers of all of the memory that they share", () => {
  const bytes = assemble(`(module (import "m" "m" (memory 1 4 shared)) (data (i32.const 9000) "again")
    (func (export "f") (loop $l)))`);
  const program = loadProgram(bytes, "m", { marks: true });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
  const marks = new Marks();
  const group = new Group();
  const add = () => group.add("m", program, {}, { m: { m: memory } }, { marks });
  const audit = new MarksAudit(memory, [add()]);
  new Uint8Array(memory.buffer)[9000] = 0;
  marks.wrote(9000, 1);
  audit.look("the program has changed its data");
  add();
  audit.look("another instance has been made");
  assert.equal(audit.changed, 2);
});

test("S108: what spills over the end of a range is still marked for what lies behind it", () => {
  const marks = new Marks();
  const taken = (address: number, pages: number) => {
    const found: number[] = [];
    marks.take(address, pages * PAGE, (page, count) => found.push(...pagesOf(page, count)));
    return found;
  };
  new Uint8Array(marks.memory.buffer)[7] = 1; // the last unit of page 1
  assert.deepEqual(taken(PAGE, 1), [0]);
  assert.deepEqual(taken(2 * PAGE, 3), [0], "the store may have ended in page 2");
  assert.deepEqual(taken(0, 8), []);
  new Uint8Array(marks.memory.buffer)[7] = 1;
  assert.deepEqual(taken(2 * PAGE, 1), [0], "the mark in front is not its own to clear");
  assert.deepEqual(taken(0, 8), [1, 2]);
  marks.wrote(3 * PAGE + 4095, 2);
  assert.deepEqual(taken(0, 8), [3, 4]);
  marks.wrote(2 ** 32 - 1, 1);
  assert.deepEqual(taken(2 ** 32 - PAGE, 1), [0], "the last page");
});

const FIELDS =
  assemble(`(module (memory (export "memory") 4) (func (export "f") (param $p i32) (result i32) (local $n i32)
  (loop $l (i32.store (local.get $p) (i32.const 1)) (i32.store offset=4 (local.get $p) (i32.const 2))
    (drop (i32.load offset=4000 (local.get $p))) (i32.store offset=8 (local.get $p) (i32.add (local.get $n) (i32.const 3)))
    (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3000))))
  (i32.load offset=8 (local.get $p))))`);
const ENTRY = { instance: 0, function: 0, name: "f" };

/** A group whose bytes all lie in memory 0. */
function groupOf(options: RewriteOptions): Group {
  const group = new Group();
  const windows = options.windows ? new Windows(new Pool()) : undefined;
  if (windows) windows.limit = 4 * 65536;
  group.add("m", loadProgram(FIELDS, "m", options), {}, {}, { windows });
  return group;
}

test("S108: a thread that stands between stores that share a mark goes on with a mark of its own", () => {
  const p = 8000;
  const windows = new Windows(new Pool());
  const behind = new Group();
  behind.add("m", loadProgram(FIELDS, "m", { windows: true }), {}, {}, { windows });
  const page = (address: number) =>
    windows.table.map(address, windows.pool.allocate(PAGE)!.address, PAGE, { writable: true });
  page(PAGE);
  const thread = behind.spawn(ENTRY, [p]);
  behind.run(thread);
  assert.deepEqual(thread.fault, { type: "read", address: p + 4000, instance: 0 });
  const group = groupOf({ marks: true });
  const [instance] = group.instances;
  const again = group.restore(deserialize(serialize(behind.save(thread))));
  const audit = new MarksAudit(instance!.memories[0]!, [instance!]);
  group.policy = () => true;
  group.request();
  for (let points = 0; !again.ending; points++) {
    group.run(again);
    audit.look(`point ${points}`);
  }
  assert.deepEqual(again.ending, { kind: "returned", results: [3002] });
  assert(audit.changed > 0);
});

test("S108: frozen with marks, thawed without, and back; behind windows too", () => {
  const forms = [
    { marks: true },
    {},
    { marks: true, windows: true },
    { windows: true, mostTurns: 1 },
    { marks: true, mostTurns: 3 },
  ];
  let group = groupOf(forms[0]!);
  let thread = group.spawn(ENTRY, [100]);
  for (let point = 1; ; point++) {
    group.request();
    group.run(thread);
    if (thread.ending) break;
    const saved = deserialize(serialize(captureGroup(group)));
    group = groupOf(forms[point % forms.length]!);
    restoreGroup(group, saved);
    thread = group.threads[0]!;
    assert(point < 10_000, "it gets on");
  }
  assert.deepEqual(thread.ending, { kind: "returned", results: [3002] });
});
