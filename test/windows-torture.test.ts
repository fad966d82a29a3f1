// Torture of windows: at every fault and every n-th safe point the whole group is captured, serialised, thrown away and
// restored in a fresh group with a fresh pool, rewritten in another way each time: windows that favour the memory, the
// pool or both, windows in some functions only, strip-mined loops, no windows at all. The results are the plain engine's.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { SavedGroup } from "../src/abi/index.ts";
import { type LoadedProgram, loadProgram } from "../src/core/program.ts";
import { captureGroup, Group, Pool, restoreGroup, type Thread, Windows } from "../src/engine/index.ts";
import type { RewriteOptions } from "../src/instrument/index.ts";
import { assemble } from "./assemble.ts";
import { type Random, seededRandom, seedOr } from "./random.ts";
import { straightModule } from "./support/straight-module.ts";
import { carried } from "./torture.ts";

const PAGE = 4096;
const PAGES = 16;
const SPACE = PAGES * PAGE;

const OPTIONS: readonly RewriteOptions[] = [
  { windows: { favour: "memory" }, mostTurns: 1 },
  { windows: { favour: "pool" } },
  { mostTurns: 2 },
  { windows: { favour: "both" }, mostTurns: 3 },
  {},
  { windows: { favour: "pool" }, mostTurns: 1, growth: true },
];

/** One life of the program: a group, and what lies behind its windows. */
class Life {
  readonly group = new Group();
  readonly windows: Windows | undefined;
  readonly #pages = new Map<number, number>();

  constructor(program: LoadedProgram, limit: number, content: Uint8Array, saved?: SavedGroup) {
    this.windows = program.info.windows ? new Windows(new Pool()) : undefined;
    const options = { saved: saved?.instances[0], windows: this.windows };
    const instance = this.group.add("m", program, {}, {}, options);
    if (saved) restoreGroup(this.group, saved);
    const memory = new Uint8Array(instance.memories[0]!.buffer);
    memory.set(content);
    if (!this.windows) return;
    memory.fill(0xee, limit, SPACE); // nobody may see this
    this.windows.limit = limit;
  }

  /** Attaches the page of an address. */
  attach(address: number, writable: boolean, content: Uint8Array): void {
    const { pool, table } = this.windows!;
    const page = Math.floor(address / PAGE);
    let at = this.#pages.get(page);
    if (at === undefined) {
      at = pool.allocate(PAGE)!.address;
      pool.bytes(at, PAGE).set(content.subarray(page * PAGE, (page + 1) * PAGE));
      this.#pages.set(page, at);
    }
    table.map(page * PAGE, at, PAGE, { writable });
  }

  /** Writes the program's bytes over `content`, which holds those that were never attached. */
  collect(content: Uint8Array): void {
    const memory = new Uint8Array(this.group.instances[0]!.memories[0]!.buffer);
    content.set(memory.subarray(0, this.windows?.limit ?? SPACE));
    for (const [page, at] of this.#pages) content.set(this.windows!.pool.bytes(at, PAGE), page * PAGE);
  }
}

/** Calls `f`; how it ended, how often it was frozen, and the bytes it has left. */
function tortured(programs: readonly LoadedProgram[], random: Random, given: Uint8Array, args: readonly unknown[]) {
  const content = given.slice();
  const limit = random.below(PAGES + 1) * PAGE;
  const every = 1 + random.below(12);
  let polls = 0;
  let freezes = 0;
  let life = new Life(programs[0]!, limit, content);
  const { index } = programs[0]!.info.exports.find((entry) => entry.name === "f")!;
  let thread: Thread = life.group.spawn({ instance: 0, function: index, name: "f" }, args);
  const recent: number[] = [];
  for (;;) {
    life.group.policy = () => ++polls % every === 0;
    life.group.request();
    life.group.run(thread);
    life.collect(content);
    const { ending, fault } = thread;
    if (ending) return { outcome: ending.kind === "returned" ? ending.results[0] : ending.kind, freezes, content };
    if (fault && (fault.type === "grow" || fault.address >= SPACE)) return { outcome: "trapped", freezes, content };
    const saved = carried(captureGroup(life.group));
    if (fault) recent.push(Math.floor(fault.address / PAGE));
    freezes++;
    life = new Life(programs[freezes % programs.length]!, limit, content, saved);
    // An access over two pages needs both; all others are missing again.
    for (const page of life.windows ? recent.slice(-2) : []) {
      if (page * PAGE >= limit) life.attach(page * PAGE, true, content);
    }
    thread = life.group.threads[0]!;
  }
}

const SEED = seedOr(1);

test("S20: promise 7: frozen at any access and any poll, restored under other options: the plain engine's results", () => {
  let freezes = 0;
  for (let seed = SEED; seed < SEED + 16; seed++) {
    const random = seededRandom(seed * 7919);
    const bytes = assemble(straightModule(random));
    const plain = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    const memory = new Uint8Array((plain["memory"] as WebAssembly.Memory).buffer);
    const options = [...OPTIONS, { windows: { functions: [0, 1] } }];
    const programs = options.map((option) => loadProgram(bytes, "m", option));
    for (let call = 0; call < 5; call++) {
      const content = Uint8Array.from({ length: SPACE }, () => random.below(256));
      memory.set(content);
      const args = [random.below(SPACE - 6000), random.below(SPACE - 6000), BigInt(random.below(2 ** 32)) << 20n];
      let expected: unknown;
      try {
        expected = (plain["f"] as (...args: unknown[]) => unknown)(...args);
      } catch (thrown) {
        assert(thrown instanceof WebAssembly.RuntimeError);
        expected = "trapped";
      }
      const found = tortured(programs, random, content, args);
      assert.deepEqual(found.outcome, expected, `seed ${seed}: f(${args})`);
      assert.equal(Buffer.compare(found.content, memory), 0, `seed ${seed}: bytes behind f(${args})`);
      freezes += found.freezes;
    }
  }
  assert(freezes > 150, `more than 150 freezes, found ${freezes}`);
});
