// What components and TypeScript see of dataspaces, whatever the sequence of attachments, against a model (S15-S19, S21).
//
// The model knows maps as lists of regions and dataspaces as arrays. Components are linear memories, some with the
// engine's windows; their accesses go through the engine's GuestBytes, as host functions' do.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { type Random, seededRandom } from "../../../test/random.ts";
import { GuestBytes, Marks, Pool, Windows } from "../../engine/index.ts";
import { type Capability, type Dataspace, PAGE_BYTES, type WrittenPages } from "../../session/index.ts";
import { PlainMemory } from "./component-memory.ts";
import { createCoreContext } from "./context.ts";
import { type ByteDataspace, createDataspace } from "./dataspace.ts";
import { CoreRegionMap } from "./region-map.ts";

const PAGE = PAGE_BYTES;
const MAP_PAGES = 24;
const FREE_STORE = { take: () => true, give: () => {} };

interface ModelRegion {
  readonly start: number;
  readonly end: number;
  readonly target: ModelMap | ModelDataspace;
  readonly offset: number;
  readonly writeable: boolean;
}

interface ModelMap {
  readonly map: CoreRegionMap;
  readonly level: number;
  regions: ModelRegion[];
}

interface ModelDataspace {
  readonly real: ByteDataspace;
  readonly bytes: Uint8Array;
  readonly takers: ModelTaker[];
}

interface ModelTaker {
  readonly pages: WrittenPages;
  /** Written since it has taken. */
  written: Set<number>;
}

interface Component {
  readonly root: ModelMap;
  readonly guest: GuestBytes;
  readonly windows: Windows | undefined;
}

const isMap = (target: ModelMap | ModelDataspace): target is ModelMap => "regions" in target;

/** The same bytes as words, others before and behind them. */
function wordsOf(bytes: Uint8Array): [Int32Array, number, number] {
  const words = new Int32Array(bytes.length / 4 + 2).fill(-1);
  new Uint8Array(words.buffer).set(bytes, 4);
  return [words, 1, 1 + bytes.length / 4];
}

/** Where an address of a map leads. */
function lookUp(
  map: ModelMap,
  address: number,
): { at: number; dataspace: ModelDataspace; writable: boolean } | undefined {
  const region = map.regions.find(({ start, end }) => start <= address && address < end);
  if (!region) return undefined;
  const at = region.offset + address - region.start;
  if (!isMap(region.target)) {
    const writable = region.writeable && region.target.real.writable();
    return { at, dataspace: region.target, writable };
  }
  const inner = lookUp(region.target, at);
  return inner && { ...inner, writable: inner.writable && region.writeable };
}

class World {
  readonly random: Random;
  readonly core = createCoreContext();
  readonly maps: ModelMap[] = [];
  readonly components: Component[] = [];
  dataspaces: ModelDataspace[] = [];
  refused = 0;
  attached = 0;

  readonly #marked: Kind["marked"];
  taken = 0;

  constructor(seed: number, { limits, poolPages = 4096, memoryPages = 16, marked }: Kind) {
    this.random = seededRandom(seed);
    this.#marked = marked;
    const pool = new Pool(poolPages * PAGE);
    for (const limit of limits) {
      const root = this.#map(0);
      const memory = new WebAssembly.Memory({ initial: 1, maximum: memoryPages });
      const windows = limit === undefined ? undefined : new Windows(pool);
      if (windows) windows.limit = limit!;
      const marks =
        marked === "all" || (marked === "some" && this.components.length % 2 === 0) ? new Marks() : undefined;
      equal(root.map.bind(new PlainMemory(memory, windows, false, marks ? { marks } : undefined)), undefined);
      this.components.push({ root, windows, guest: new GuestBytes(memory, windows, marks) });
    }
    for (const level of [1, 1, 2, 2, 3, 3]) this.#map(level);
  }

  #map(level: number): ModelMap {
    const label = `map ${this.maps.length}`;
    const map = new CoreRegionMap(this.core, FREE_STORE, { size: MAP_PAGES * PAGE, label });
    const model = { map, level, regions: [] };
    this.maps.push(model);
    return model;
  }

  step(): void {
    const { random } = this;
    const kind = random.below(10);
    if (kind === 0 || this.dataspaces.length === 0) this.#create();
    else if (kind <= 4) this.#attach();
    else if (kind <= 6) this.#detach();
    else if (kind === 7) this.#hostWrite();
    else if (kind === 8 && random.below(3) === 0) this.#free();
    else this.#guestWrite();
    if (this.#marked && this.dataspaces.length > 0) this.#take(this.dataspaces[random.below(this.dataspaces.length)]!);
  }

  #create(): void {
    const pages = 1 + this.random.below(4);
    const bytes = new Uint8Array(pages * PAGE);
    const rom = this.random.below(5) === 0;
    if (rom) for (let i = 0; i < bytes.length; i += 97) bytes[i] = this.random.below(256);
    const options = {
      origin: rom ? "rom" : "ram",
      size: bytes.length,
      content: rom ? bytes : new Uint8Array(),
    } as const;
    this.dataspaces.push({ real: createDataspace(this.core, options)!, bytes, takers: [] });
  }

  #attach(): void {
    const { random } = this;
    const outer = this.maps[random.below(this.maps.length)]!;
    const inner = this.maps.filter(({ level }) => level > outer.level);
    const nested = inner.length > 0 && random.below(3) === 0;
    const target = nested ? inner[random.below(inner.length)]! : this.dataspaces[random.below(this.dataspaces.length)]!;
    const capability = isMap(target) ? target.map.dataspace() : (target.real.capability as Capability<Dataspace>);
    const size = capability.object!.size();
    const whole = random.below(2) === 0;
    const offset = whole ? 0 : PAGE * random.below(size / PAGE);
    const length = whole ? size : PAGE * (1 + random.below((size - offset) / PAGE));
    const writeable = random.below(4) > 0;
    const fixed = random.below(2) === 0 ? PAGE * random.below(MAP_PAGES) : undefined;
    const place = fixed === undefined ? {} : { address: fixed };
    const result = outer.map.attach(capability, { offset, size: length, writeable, ...place });
    if (!result.ok) {
      this.refused++;
      return;
    }
    this.attached++;
    const start = result.value;
    equal(fixed ?? start, start);
    ok(outer.regions.every((region) => region.end <= start || region.start >= start + length));
    outer.regions.push({ start, end: start + length, target, offset, writeable });
  }

  #detach(): void {
    const { map, regions } = this.maps[this.random.below(this.maps.length)]!;
    const gone = regions[this.random.below(regions.length || 1)];
    if (!gone) return;
    map.detach(gone.start + this.random.below(gone.end - gone.start));
    regions.splice(regions.indexOf(gone), 1);
  }

  #free(): void {
    const gone = this.dataspaces[this.random.below(this.dataspaces.length)]!;
    gone.real.dispose();
    this.dataspaces = this.dataspaces.filter((one) => one !== gone);
    for (const map of this.maps) map.regions = map.regions.filter(({ target }) => target !== gone);
  }

  #hostWrite(): void {
    const dataspace = this.dataspaces[this.random.below(this.dataspaces.length)]!;
    const { real, bytes } = dataspace;
    const [owner, words] = [this.random.below(2) === 0, this.random.below(2) === 0];
    const unit = words && !owner ? 4 : 1;
    const offset = unit * this.random.below(bytes.length / unit);
    const length = unit * this.random.below((3 * PAGE) / unit);
    const source = Uint8Array.from({ length }, () => this.random.below(256));
    const clients = unit === 4 ? real.writeWords(offset, ...wordsOf(source)) : undefined;
    const written = clients ?? (owner ? real.fill(offset, source) : real.write(offset, source));
    equal(written, owner || real.writable() ? Math.min(source.length, bytes.length - offset) : 0);
    bytes.set(source.subarray(0, written), offset);
    if (written > 0) this.#note(dataspace, offset, written);
  }

  #note({ takers }: ModelDataspace, offset: number, length: number): void {
    for (const { written } of takers) {
      for (let page = Math.floor(offset / PAGE); page * PAGE < offset + length; page++) written.add(page);
    }
  }

  /** One of its takers takes; another one may begin, or go, or have its pages back. */
  #take({ real, bytes, takers }: ModelDataspace): void {
    const { random } = this;
    if (takers.length < 3 && random.below(4) === 0) {
      const all = Array.from({ length: bytes.length / PAGE }, (_, page) => page);
      takers.push({ pages: real.written(), written: new Set(all) });
    }
    const taker = takers[random.below(takers.length || 1)];
    if (!taker || random.below(2) === 0) return;
    const found: number[] = [];
    taker.pages.take((page, count) => found.push(...Array.from({ length: count }, (_, at) => page + at)));
    const expected = [...taker.written].sort((a, b) => a - b);
    if (this.#marked === "all") deepEqual(found, expected);
    else
      deepEqual(
        found.filter((page) => taker.written.has(page)),
        expected,
      );
    this.taken += found.length;
    taker.written = new Set(random.below(4) === 0 ? found : []);
    if (taker.written.size > 0) taker.pages.undo();
    if (random.below(10) > 0) return;
    taker.pages.close();
    takers.splice(takers.indexOf(taker), 1);
  }

  #guestWrite(): void {
    const { root, guest, windows } = this.components[this.random.below(this.components.length)]!;
    const address = this.random.below(MAP_PAGES * PAGE);
    const found = lookUp(root, address);
    const value = this.random.below(256);
    if (!windows && !found?.writable) return; // no fault detection: a program does not do that
    const fault = guest.write(address, Uint8Array.of(value));
    if (found?.writable) {
      equal(fault, undefined, `a write at ${address} reaches the dataspace`);
      found.dataspace.bytes[found.at] = value;
      this.#note(found.dataspace, found.at, 1);
    } else if (address >= windows!.limit) equal(fault?.kind, "fault");
  }

  check(): void {
    for (const { real, bytes } of this.dataspaces) {
      const read = new Uint8Array(bytes.length);
      equal(real.read(0, read), bytes.length);
      deepEqual(read, bytes);
    }
    for (const { root, guest, windows } of this.components) this.#checkComponent(root, guest, windows);
    for (const model of this.maps) this.#checkManaged(model);
  }

  #checkComponent(root: ModelMap, guest: GuestBytes, windows: Windows | undefined): void {
    for (let page = 0; page < MAP_PAGES; page++) {
      const address = page * PAGE + this.random.below(PAGE);
      const found = lookUp(root, address);
      const met = root.map.resolve(address, "read");
      equal(met.ok, found !== undefined);
      const read = guest.read(address, 1);
      if (found) {
        deepEqual(read, found.dataspace.bytes.slice(found.at, found.at + 1), `page ${page}`);
        equal(root.map.resolve(address, "write").ok, found.writable);
        ok(met.ok && met.dataspace === found.dataspace.real && met.offset === found.at);
      } else if (windows && address >= windows.limit) deepEqual((read as { kind: string }).kind, "fault");
    }
  }

  #checkManaged({ map }: ModelMap): void {
    const model = this.maps.find((one) => one.map === map)!;
    const bytes = new Uint8Array(MAP_PAGES * PAGE);
    equal(map.dataspace().object!.read(0, bytes), bytes.length);
    for (let page = 0; page < MAP_PAGES; page++) {
      const address = page * PAGE + this.random.below(PAGE);
      const found = lookUp(model, address);
      equal(bytes[address], found ? found.dataspace.bytes[found.at] : 0);
    }
  }

  end(): void {
    for (const { real } of this.dataspaces) real.dispose();
    for (const { map } of this.maps) map.dispose();
    equal(this.core.physical.count, 0);
  }
}

interface Kind {
  /** By component: where its windows begin; undefined: it has none. */
  readonly limits: readonly (number | undefined)[];
  readonly poolPages?: number;
  /** Most Wasm pages of each linear memory. */
  readonly memoryPages?: number;
  /** Which components mark what they write; with "some" every second one. Default: none, and nobody takes it */
  readonly marked?: "all" | "some";
}

const KINDS: Readonly<Record<string, Kind>> = {
  "two components with windows everywhere": { limits: [0, 0] },
  "components with windows behind their first pages": { limits: [8 * PAGE, 16 * PAGE] },
  "components with and without windows": { limits: [undefined, 0, 8 * PAGE] },
  "components without windows": { limits: [undefined, undefined] },
  "components that mark, with and without windows": { limits: [undefined, 0, 8 * PAGE], marked: "all" },
  "components without windows that mark": { limits: [undefined, undefined], marked: "all" },
  "components with and without marks": { limits: [0, 8 * PAGE, undefined, undefined], marked: "some" },
  "a pool and memories that are soon full": { limits: [16 * PAGE, undefined, 0], poolPages: 16, memoryPages: 1 },
};

for (const [name, kind] of Object.entries(KINDS)) {
  test(`S18, S19${kind.marked ? ", S108" : ""}: every byte is where it must be, over random sequences: ${name}`, () => {
    let attached = 0;
    let refused = 0;
    let taken = 0;
    const seeds = kind.marked ? 16 : 40;
    for (let seed = 1; seed <= seeds; seed++) {
      const world = new World(seed, kind);
      for (let step = 0; step < 150; step++) {
        world.step();
        if (step % 5 === 0) world.check();
      }
      world.check();
      attached += world.attached;
      refused += world.refused;
      taken += world.taken;
      world.end();
    }
    if (kind.marked) ok(taken > 500, `${taken} written pages were taken`);
    ok(attached > 12 * seeds && refused > 2 * seeds, `${attached} attachments were made, ${refused} refused`);
  });
}
