// Redundant memory against copies: whatever instructions write, hosts write and snapshots are made of, in whatever order
// snapshots are flattened, dropped or waited for, each gives what memory 0 was when it was made. By one writer, and by several,
// each with a side of its own, in turns: at the same time they write in test/cpus/mirrors.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deserialize, serialize } from "node:v8";
import { loadProgram } from "../src/core/program.ts";
import { Group, type Instance, Mirror, type Snapshot } from "../src/engine/index.ts";
import { MIRROR_SLOTS } from "../src/session/index.ts";
import { assemble } from "./assemble.ts";
import { type Random, seededRandom, seedOr } from "./random.ts";
import { accessModule, BULK_FUNCTIONS, SEGMENT_BYTES } from "./support/access-module.ts";
import { auditMirror, mirrorForTests } from "./support/mirror-audit.ts";

const PAGES = 3;
const SPACE = PAGES * 65536;
const GRANULE = 4096;

const MODULE = accessModule(PAGES);
// Memory 0 grows, and loops and small pieces let threads be frozen in the midst of operations.
const TEXT = MODULE.text.replace(
  `(memory (export "memory") ${PAGES} ${PAGES} shared)`,
  `(import "env" "memory" (memory ${PAGES} ${2 * PAGES} shared))`,
);
const BYTES = assemble(TEXT);
const PROGRAM = loadProgram(BYTES, "m", { mirror: true, pieceBytes: 1500 });

/** A snapshot that was made, and what it must give. */
interface Made {
  readonly snapshot: Snapshot;
  readonly target: Uint8Array;
  readonly expected: Uint8Array;
}

class Side {
  readonly mirror: Mirror;
  readonly groups: readonly Group[];
  readonly made: Made[] = [];
  readonly #random: Random;
  /** How often `prepare` had to flatten, and threads were frozen. */
  waited = 0;
  frozen = 0;

  constructor(random: Random, writers: number) {
    this.#random = random;
    const slots = MIRROR_SLOTS.least + random.below(MIRROR_SLOTS.most - MIRROR_SLOTS.least + 1);
    this.mirror = new Mirror(slots, { elsewhere: random.below(2) === 0 });
    this.groups = Array.from({ length: writers }, () => new Group());
    this.#begin(0);
  }

  readonly memory0 = new WebAssembly.Memory({ initial: PAGES, maximum: 2 * PAGES, shared: true });

  get memory(): Uint8Array {
    return new Uint8Array(this.memory0.buffer);
  }

  /** One of the writers; it begins when it is first asked for. */
  get #group(): Group {
    const number = this.#random.below(this.groups.length);
    if (this.groups[number]!.instances.length === 0) this.#begin(number);
    return this.groups[number]!;
  }

  #begin(number: number): void {
    const mirror = number === 0 ? this.mirror : this.mirror.part(number);
    this.groups[number]!.add("m", PROGRAM, {}, { env: { memory: this.memory0 } }, { mirror });
  }

  /** Calls an export, freezing at some polls; snapshots are made of what lies there then. */
  call(name: string, args: readonly unknown[]): void {
    const { index } = PROGRAM.info.exports.find((entry) => entry.name === name)!;
    let group = this.#group;
    let thread = group.spawn({ instance: 0, function: index, name }, args);
    for (;;) {
      group.policy = () => this.#random.below(2) === 0;
      group.request();
      group.run(thread);
      if (thread.state === "ended") return;
      this.frozen++;
      const saved = deserialize(serialize(group.save(thread)));
      group.drop(thread);
      group = this.#group;
      thread = group.restore(saved);
      if (this.#random.below(3) === 0) this.make();
    }
  }

  /** Makes a snapshot of all of memory 0, in random pieces that lie in another order in the target. */
  make(): void {
    const random = this.#random;
    const { memory } = this;
    const target = new Uint8Array(memory.length);
    const cuts = Array.from({ length: random.below(4) }, () => random.below(memory.length));
    const borders = [...new Set([0, memory.length, ...cuts])].sort((a, b) => a - b);
    this.waited += this.mirror.prepare(borders.length - 1);
    const snapshot = this.mirror.freeze(target);
    const expected = new Uint8Array(memory.length);
    let at = 0;
    for (let piece = borders.length - 2; piece >= 0; piece--) {
      const [from, to] = [borders[piece]!, borders[piece + 1]!];
      assert.ok(snapshot.keep(from, to - from, at));
      expected.set(memory.subarray(from, to), at);
      at += to - from;
    }
    assert.equal(snapshot.keep(0, 1, 0), false, "no room");
    this.made.push({ snapshot, target, expected });
  }

  /** Lets one snapshot get on, or be dropped; checks those that are complete. */
  work(): void {
    const random = this.#random;
    const at = random.below(Math.max(1, this.made.length));
    const one = this.made[at];
    if (!one) return;
    if (random.below(6) === 0) {
      one.snapshot.drop();
      one.target.fill(0xee);
      this.made.splice(at, 1);
      return;
    }
    const most = random.below(2) === 0 ? Number.POSITIVE_INFINITY : 1 + random.below(40_000);
    if (this.mirror.step(one.snapshot, most)) this.#check(this.made.splice(at, 1)[0]!);
  }

  finish(): void {
    for (const one of this.made.splice(0).reverse()) {
      this.mirror.finish(one.snapshot);
      this.#check(one);
    }
  }

  #check({ target, expected }: Made): void {
    const at = target.findIndex((byte, index) => byte !== expected[index]);
    assert.ok(at < 0, `at ${at}: found ${target[at]}, expected ${expected[at]}`);
  }
}

/** An address near the borders that matter. */
function somewhere(random: Random, bytes: number): number {
  const border = random.below(SPACE / GRANULE + 1) * GRANULE;
  return random.below(4) === 0 ? random.below(SPACE) : (border - random.below(bytes + 2)) | 0;
}

function word(random: Random): bigint {
  return BigInt.asIntN(64, (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32)));
}

function step(side: Side, random: Random): void {
  const kind = random.below(20);
  if (kind === 0) return side.make();
  if (kind === 1) return side.work();
  if (kind === 2) {
    const length = random.below(3) === 0 ? random.below(20_000) : random.below(40);
    const address = Math.max(0, Math.min(somewhere(random, length), SPACE - length));
    if (random.below(2) === 0) side.mirror.wrote(address, length);
    side.memory.subarray(address, address + length).fill(random.below(256));
    return side.mirror.wrote(address, length);
  }
  if (kind === 3 && random.below(20) === 0) {
    if (side.memory.length < 2 * SPACE) side.memory0.grow(1);
    return;
  }
  if (kind < 8) {
    const name = random.pick(BULK_FUNCTIONS);
    const length = random.below(12) === 0 ? random.below(SPACE) : random.below(9000);
    const second = name === "memory.copy" ? somewhere(random, length) : random.below(SEGMENT_BYTES);
    return side.call(name, [somewhere(random, length), second, length]);
  }
  const { name, bytes, offset } = random.pick(MODULE.functions);
  let address = (somewhere(random, bytes) - offset) | 0;
  if (name.includes("atomic") && random.below(8) > 0) address = (((address + offset) & -bytes) - offset) | 0;
  side.call(name, [address, word(random), word(random)]);
}

// Calls of $wide take most of the stack, and count themselves at 8. Each of $deep writes the first byte of another granule, so that
// the stack may end between the write and what follows it. How much is left for these differs by what $f takes.
const WIDE = Array.from({ length: 60 }, (_, index) => index + 1);
const DEEP = assemble(`(module (memory (export "memory") 32 32)
  (func $deep (param $n i32) (result i32)
    (i32.store8 (i32.and (i32.shl (local.get $n) (i32.const 12)) (i32.const 0x1fffff)) (i32.const 1))
    (i32.add (i32.const 1) (call $deep (i32.add (local.get $n) (i32.const 1)))))
  (func $wide (param $calls i32) ${"(param i64)".repeat(WIDE.length)} (result i64)
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
    (if (result i64) (local.get $calls)
      (then (call $wide (i32.sub (local.get $calls) (i32.const 1)) ${WIDE.map((local) => `(local.get ${local})`).join(" ")}))
      (else (i64.extend_i32_u (call $deep (i32.const 1)))))
    ${WIDE.map((local) => `(i64.add (local.get ${local}))`).join(" ")})
  (func $f (export "f") (param $calls i32) (param $aside i32) (result i64)
    (if (result i64) (local.get $aside)
      (then (i64.add (i64.const 1) (call $f (local.get $calls) (i32.sub (local.get $aside) (i32.const 1)))))
      (else (call $wide (local.get $calls) ${"(i64.const 1)".repeat(WIDE.length)})))))`);

test("S109: a stack that ends in a write leaves nothing out", () => {
  const program = loadProgram(DEEP, "deep", { mirror: true });
  const { index } = program.info.exports.find(({ name }) => name === "f")!;
  const exhausted = (calls: number, aside: number): Instance => {
    const group = new Group();
    const instance = group.add("deep", program, {}, {}, { mirror: mirrorForTests() });
    const thread = group.spawn({ instance: 0, function: index, name: "f" }, [calls, aside]);
    group.run(thread);
    assert.equal(thread.ending?.kind, "exhausted");
    return instance;
  };
  const most = new DataView(exhausted(-1, 0).memories[0]!.buffer).getInt32(8, true);
  for (let aside = 0; aside < 4; aside++) auditMirror(exhausted(most - 20, aside));
});

const SEED = seedOr(1);
for (const writers of [1, 3]) {
  const by = writers === 1 ? "whatever writes it" : `whatever ${writers} threads write`;
  test(`S109: snapshots are what memory was, ${by}, in whatever order they are flattened`, () => {
    let [waited, frozen] = [0, 0];
    for (let seed = SEED; seed < SEED + 8; seed++) {
      const random = seededRandom(seed);
      const side = new Side(random, writers);
      try {
        for (let count = 0; count < 400; count++) step(side, random);
        side.make();
        side.finish();
      } catch (thrown) {
        throw new Error(`seed ${seed}`, { cause: thrown });
      }
      waited += side.waited;
      frozen += side.frozen;
    }
    assert.ok(waited > 0 && frozen > 0, `slots were exhausted ${waited} times, threads frozen ${frozen} times`);
  });
}
