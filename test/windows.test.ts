// Windows against the plain engine: the same calls in a plain memory and behind page tables of random layouts give the
// same results, traps and bytes; with pages that are missing or read-only until they are asked for; with every thread
// frozen at its fault and taken up from its saved form.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deserialize, serialize } from "node:v8";
import { type LoadedProgram, loadProgram } from "../src/core/program.ts";
import { Group, Pool, type PoolRange, type Thread, Windows } from "../src/engine/index.ts";
import type { RewriteOptions, WindowOptions } from "../src/instrument/index.ts";
import { assemble } from "./assemble.ts";
import { type Random, seededRandom, seedOr } from "./random.ts";
import { accessModule, BULK_FUNCTIONS, SEGMENT_BYTES } from "./support/access-module.ts";
import { straightModule } from "./support/straight-module.ts";

const PAGE = 4096;
/** Pages of the plain memory, and addresses that exist behind windows. */
const PAGES = 16;
const SPACE = PAGES * PAGE;

const MODULE = accessModule(1);
const BYTES = assemble(MODULE.text);
const PLAIN = new WebAssembly.Module(BYTES);

/** A component whose address space lies partly in its memory and partly, in no order, in a pool. */
class Side {
  readonly windows: Windows;
  readonly group = new Group();
  readonly program: LoadedProgram;
  readonly #random: Random;
  readonly #ranges: PoolRange[] = [];
  readonly #lazily: boolean;
  faults = 0;

  constructor(
    program: LoadedProgram,
    pool: Pool,
    random: Random,
    content: Uint8Array,
    how: "mapped" | "retry" | "park",
  ) {
    this.program = program;
    this.#random = random;
    this.#lazily = how !== "mapped";
    this.windows = new Windows(pool);
    this.group.add("m", program, {}, {}, { windows: this.windows });
    this.windows.limit = random.below(PAGES + 1) * PAGE;
    for (let page = 0; page < PAGES; page++) {
      const range = pool.allocate(PAGE)!;
      this.#ranges.push(range);
    }
    shuffle(this.#ranges, random);
    this.load(content);
    for (let page = this.windows.limit / PAGE; page < PAGES; page++) {
      if (!this.#lazily || random.below(3) === 0) this.#map(page, random.below(2) === 0 || !this.#lazily);
    }
    this.windows.onFault = ({ address, type }) => {
      this.faults++;
      if (address >= SPACE) return "park";
      if (how === "retry") this.#map(Math.floor(address / PAGE), type === "write");
      return how === "retry" ? "retry" : "park";
    };
  }

  #map(page: number, writable: boolean): void {
    this.windows.table.map(page * PAGE, this.#ranges[page]!.address, PAGE, { writable });
  }

  /** Calls an export; where the thread parks at a page that exists it is attached, and another one unmapped. */
  call(name: string, args: readonly unknown[]): unknown {
    const { index } = this.program.info.exports.find((entry) => entry.name === name)!;
    let thread = this.group.spawn({ instance: 0, function: index, name }, args);
    for (;;) {
      this.group.run(thread);
      if (thread.state === "ended") return outcomeOf(thread);
      const { fault } = thread;
      assert(fault && fault.type !== "grow", `${name} ${args} stands at a fault`);
      const again = this.#renewed(thread);
      if (fault.address >= SPACE) {
        this.group.threads.splice(this.group.threads.indexOf(again), 1);
        return "trap";
      }
      const page = Math.floor(fault.address / PAGE);
      const other = this.windows.limit / PAGE + this.#random.below(PAGES - this.windows.limit / PAGE);
      // Not one that the same access needs: it must get on.
      if (Math.abs(other - page) > 1 && this.#random.below(3) === 0 && !name.includes("copy"))
        this.windows.table.unmap(other * PAGE, PAGE);
      this.#map(page, fault.type === "write");
      thread = again;
    }
  }

  /** The thread as its saved form gives it back. */
  #renewed(thread: Thread): Thread {
    const saved = deserialize(serialize(this.group.save(thread)));
    this.group.threads.splice(this.group.threads.indexOf(thread), 1);
    return this.group.restore(saved);
  }

  /** Gives all bytes the values of `content`. */
  load(content: Uint8Array): void {
    new Uint8Array(this.group.instances[0]!.memories[0]!.buffer).set(content);
    this.#ranges.forEach(({ address }, page) => {
      this.windows.pool.bytes(address, PAGE).set(content.subarray(page * PAGE, (page + 1) * PAGE));
    });
  }

  content(): Uint8Array {
    const all = new Uint8Array(SPACE);
    const { limit, pool } = this.windows;
    all.set(new Uint8Array(this.group.instances[0]!.memories[0]!.buffer, 0, limit));
    for (let page = limit / PAGE; page < PAGES; page++) {
      all.set(pool.bytes(this.#ranges[page]!.address, PAGE), page * PAGE);
    }
    return all;
  }
}

function shuffle<T>(items: T[], random: Random): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
}

/** The first place where two lists of bytes differ. */
function difference(found: Uint8Array, expected: Uint8Array): string | undefined {
  const at = found.findIndex((byte, index) => byte !== expected[index]);
  return at < 0 ? undefined : `at ${at}: found ${found[at]}, expected ${expected[at]}`;
}

function outcomeOf({ ending }: Thread): unknown {
  if (ending?.kind === "returned") return ending.results[0];
  assert.equal(ending?.kind, "trapped", String(ending && "error" in ending ? ending.error : ending));
  return "trap";
}

function plainCall(exports: WebAssembly.Exports, name: string, args: readonly unknown[]): unknown {
  try {
    return (exports[name] as (...args: readonly unknown[]) => unknown)(...args);
  } catch (thrown) {
    assert(thrown instanceof WebAssembly.RuntimeError);
    return "trap";
  }
}

/** An address near the borders that matter. */
function somewhere(random: Random, bytes: number): number {
  const page = random.below(PAGES + 1) * PAGE;
  switch (random.below(8)) {
    case 0:
      return random.below(SPACE);
    case 1:
      return -1 - random.below(20);
    case 2:
      return random.below(SPACE + 8192);
    case 3:
      return (page - bytes) | 0;
    default:
      return (page - random.below(18)) | 0;
  }
}

function word(random: Random): bigint {
  return BigInt.asIntN(64, (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32)));
}

/** Calls a random function in random places, plain and behind windows, until one call has ended in every way. */
function compareStraight(how: "mapped" | "retry" | "park", options: RewriteOptions, seed: number): void {
  const random = seededRandom(seed);
  const bytes = assemble(straightModule(random));
  const content = Uint8Array.from({ length: SPACE }, () => random.below(256));
  const plain = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  const memory = new Uint8Array((plain["memory"] as WebAssembly.Memory).buffer);
  memory.set(content);
  const side = new Side(loadProgram(bytes, "m", options), new Pool(), random, content, how);
  for (let call = 0; call < 8; call++) {
    const args = [random.below(SPACE - 6000), random.below(SPACE - 6000), word(random)];
    const expected = plainCall(plain, "f", args);
    const where = `seed ${seed}, ${JSON.stringify(options)}, limit ${side.windows.limit}: f(${args})`;
    assert.deepEqual(side.call("f", args), expected, where);
    assert.equal(difference(side.content(), memory), undefined, where);
  }
}

function compare(how: "mapped" | "retry" | "park", windows: WindowOptions, seed: number, steps: number): void {
  const random = seededRandom(seed);
  const options: RewriteOptions = { windows, mostTurns: 1 };
  const program = loadProgram(BYTES, "m", options);
  const pool = new Pool();
  const content = Uint8Array.from({ length: SPACE }, () => random.below(256));
  const plain = new WebAssembly.Instance(PLAIN).exports;
  const memory = new Uint8Array((plain["memory"] as WebAssembly.Memory).buffer);
  memory.set(content);
  const side = new Side(program, pool, random, content, how);
  const traps = { plain: 0 };
  const step = (name: string, args: readonly unknown[]) => {
    const expected = plainCall(plain, name, args);
    if (expected === "trap") traps.plain++;
    const where = `seed ${seed}, limit ${side.windows.limit}: ${name} ${args}`;
    assert.deepEqual(side.call(name, args), expected, where);
  };
  for (let count = 0; count < steps; count++) {
    if (random.below(4) === 0) {
      const name = random.pick(BULK_FUNCTIONS);
      const trapped = traps.plain;
      const length = random.below(12) === 0 ? random.below(SPACE) : random.below(9000);
      const second = name === "memory.copy" ? somewhere(random, length) : random.below(SEGMENT_BYTES);
      // Nothing is beyond the end of an address space of 4 GiB: no bytes there are no trap.
      if (random.below(30) === 0) step(name, [random.below(SPACE), random.below(100), 0]);
      else step(name, [somewhere(random, length), second, length + 1]);
      // Where the address space ends the plain engine traps at once; behind windows what can be done is done first.
      if (traps.plain > trapped) side.load(memory);
      if (random.below(4) === 0) assert.equal(difference(side.content(), memory), undefined, `seed ${seed}: ${name}`);
      continue;
    }
    const { name, bytes, offset } = random.pick(MODULE.functions);
    let address = (somewhere(random, bytes) - offset) | 0;
    if (name.includes("atomic") && random.below(8) > 0) address = (((address + offset) & -bytes) - offset) | 0;
    step(name, [address, word(random), word(random)]);
  }
  assert.equal(difference(side.content(), memory), undefined, `seed ${seed}: bytes at the end`);
  assert(traps.plain > 0, "some accesses trap");
  if (how !== "mapped" && side.windows.limit < SPACE) assert(side.faults > 0, "some accesses fault");
}

const SEED = seedOr(1);
for (const favour of ["memory", "pool", "both"] as const) {
  for (const how of ["mapped", "retry", "park"] as const) {
    test(`S18, S20, S21: functions of many accesses give what they give in a plain memory: ${how}, favour ${favour}`, () => {
      for (let seed = SEED; seed < SEED + 40; seed++) {
        compareStraight(how, { windows: { favour }, ...(seed % 2 ? { mostTurns: 1 + (seed % 4) } : {}) }, seed);
      }
    });

    test(`S18, S20, S21: every access gives what it gives in a plain memory: ${how}, favour ${favour}`, () => {
      for (let seed = SEED; seed < SEED + 12; seed++) compare(how, { favour }, seed, 600);
    });
  }
}
