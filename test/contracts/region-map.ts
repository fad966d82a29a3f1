// What every region map must do, core's and any interposer's; only contracts are used. What is attached is looked at
// through the map's managed dataspace (S15-S19, S23).
import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Capability,
  type Dataspace,
  INVALID,
  PAGE_BYTES,
  type PdSession,
  type RegionMap,
} from "../../src/session/index.ts";

const PAGE = PAGE_BYTES;

/** Maps for one test. */
export interface RegionMapFixture {
  /** Empty, at least 1 MiB, a power of two; its regions may be paid for by any account. */
  readonly map: Capability<RegionMap>;
  /** Allocates dataspaces: at least 16 MiB of RAM, 500 capabilities. */
  readonly pd: Capability<PdSession>;
  /** Further empty maps of any size. */
  create(size: number): Capability<RegionMap>;
  destroy(map: Capability<RegionMap>): void;
  /** Two pages that begin with the bytes 1, 2, 3, not writable. */
  readonly rom: Capability<Dataspace>;
}

function value<T>(
  attempt: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string },
): T {
  if (!attempt.ok) throw new Error(`refused: ${attempt.reason}`);
  return attempt.value;
}

const refused = (reason: string) => ({ ok: false, reason });

function byteAt(map: RegionMap, address: number): number {
  const byte = Uint8Array.of(0xee);
  equal(map.dataspace().object!.read(address, byte), 1);
  return byte[0]!;
}

function open(make: () => RegionMapFixture) {
  const fixture = make();
  const pd = fixture.pd.object!;
  /** A dataspace each of whose pages begins with its number, from `first`. */
  const alloc = (pages: number, first = 1): Capability<Dataspace> => {
    const dataspace = value(pd.alloc(pages * PAGE));
    for (let page = 0; page < pages; page++) dataspace.object!.write(page * PAGE, Uint8Array.of(first + page));
    return dataspace;
  };
  return { ...fixture, map: fixture.map.object!, self: fixture.map, pd, alloc };
}

export function regionMapSuite(name: string, make: () => RegionMapFixture): void {
  describe(`region map: ${name}`, () => {
    attaching(make);
    places(make);
    detaching(make);
    sharing(make);
    nesting(make);
  });
}

function attaching(make: () => RegionMapFixture): void {
  test("S15: attach shows size bytes from offset at the given address, rounded to pages", () => {
    const { map, alloc } = open(make);
    const dataspace = alloc(4, 10);
    equal(value(map.attach(dataspace, { address: 8 * PAGE, offset: PAGE, size: PAGE + 1 })), 8 * PAGE);
    deepEqual(
      [7, 8, 9, 10].map((page) => byteAt(map, page * PAGE)),
      [0, 11, 12, 0],
    );
  });

  test("S15: size 0, or none, is the rest of the dataspace behind the offset", () => {
    const { map, alloc } = open(make);
    const dataspace = alloc(3, 1);
    value(map.attach(dataspace, { address: 0, offset: 2 * PAGE, size: 0 }));
    value(map.attach(dataspace, { address: PAGE }));
    deepEqual(
      [0, 1, 2, 3, 4].map((page) => byteAt(map, page * PAGE)),
      [3, 1, 2, 3, 0],
    );
  });

  test("S15: dead and invalid dataspaces are refused as such", () => {
    const { map, pd, alloc } = open(make);
    const dead = alloc(1);
    pd.free(dead);
    deepEqual(map.attach(dead), refused("invalid-dataspace"));
    deepEqual(map.attach(INVALID), refused("invalid-dataspace"));
  });

  test("S15: offsets that are negative, not at a page, at or beyond the end, and sizes that reach beyond it conflict", () => {
    const { map, alloc } = open(make);
    const dataspace = alloc(2);
    for (const offset of [-PAGE, 1, PAGE - 1, 2 * PAGE, 3 * PAGE, Number.NaN]) {
      deepEqual(map.attach(dataspace, { offset }), refused("region-conflict"), `offset ${offset}`);
    }
    deepEqual(map.attach(dataspace, { size: 2 * PAGE + 1 }), refused("region-conflict"));
    deepEqual(map.attach(dataspace, { offset: PAGE, size: PAGE + 1 }), refused("region-conflict"));
    value(map.attach(dataspace, { offset: PAGE, size: PAGE }));
  });

  test("S15: addresses outside of the map, or not at a page, conflict", () => {
    const { map, alloc } = open(make);
    const dataspace = alloc(2);
    for (const address of [map.size(), map.size() - PAGE, -PAGE, 1, 2 ** 40]) {
      deepEqual(map.attach(dataspace, { address }), refused("region-conflict"), `address ${address}`);
    }
    equal(value(map.attach(dataspace, { address: map.size() - 2 * PAGE })), map.size() - 2 * PAGE);
  });

  test("S15: regions of dataspaces that are not writable, or attached so, take no writes", () => {
    const { map, alloc, rom } = open(make);
    const dataspace = alloc(1, 5);
    value(map.attach(rom, { address: 0 }));
    value(map.attach(dataspace, { address: 4 * PAGE, writeable: false }));
    value(map.attach(dataspace, { address: 5 * PAGE }));
    const managed = map.dataspace().object!;
    for (const page of [0, 4]) managed.write(page * PAGE, Uint8Array.of(99));
    deepEqual([byteAt(map, 0), byteAt(map, 4 * PAGE), byteAt(map, 5 * PAGE)], [1, 5, 5]);
    managed.write(5 * PAGE, Uint8Array.of(98));
    equal(byteAt(map, 4 * PAGE), 98);
  });

  test("S15: a refused attachment costs nothing and shows nothing", () => {
    const { map, pd, alloc } = open(make);
    const dataspace = alloc(2);
    value(map.attach(dataspace, { address: 0 }));
    const used = pd.usedRam();
    deepEqual(map.attach(dataspace, { address: PAGE }), refused("region-conflict"));
    deepEqual(map.attach(dataspace, { offset: 1 }), refused("region-conflict"));
    equal(pd.usedRam(), used);
  });
}

function places(make: () => RegionMapFixture): void {
  test("S16: overlap is refused, touching is not", () => {
    const { map, alloc } = open(make);
    value(map.attach(alloc(4, 1), { address: 4 * PAGE }));
    for (const page of [3, 4, 5, 7]) {
      deepEqual(map.attach(alloc(2, 9), { address: page * PAGE }), refused("region-conflict"), `page ${page}`);
    }
    value(map.attach(alloc(2), { address: 2 * PAGE }));
    value(map.attach(alloc(2), { address: 8 * PAGE }));
  });

  test("S16: places are chosen with the natural alignment of the size, and never overlap", () => {
    const { map, alloc } = open(make);
    const taken: { start: number; end: number }[] = [];
    for (const pages of [1, 2, 3, 4, 8, 16, 5, 1, 16, 2]) {
      const start = value(map.attach(alloc(pages)));
      const align = 2 ** Math.floor(Math.log2(pages)) * PAGE;
      equal(start % align, 0, `${pages} pages at ${start}`);
      const end = start + pages * PAGE;
      ok(taken.every((other) => other.end <= start || other.start >= end));
      taken.push({ start, end });
    }
  });

  test("S16: when no place is aligned so well, a smaller alignment is taken; when none is left, there is a conflict", () => {
    const { create, alloc } = open(make);
    const map = create(8 * PAGE).object!;
    value(map.attach(alloc(1), { address: 0 }));
    value(map.attach(alloc(1), { address: 7 * PAGE }));
    equal(value(map.attach(alloc(4))) % PAGE, 0);
    const [one, two] = [map.attach(alloc(1)), map.attach(alloc(1))];
    ok(one.ok && two.ok);
    deepEqual(map.attach(alloc(1)), refused("region-conflict"));
    deepEqual(map.attach(alloc(16)), refused("region-conflict"));
  });
}

function detaching(make: () => RegionMapFixture): void {
  test("S17: detach inside a region removes it whole", () => {
    const { map, alloc } = open(make);
    for (const inside of [0, 1, PAGE, 3 * PAGE - 1]) {
      const at = value(map.attach(alloc(3), { address: 4 * PAGE }));
      map.detach(at + inside);
      deepEqual(
        [4, 5, 6].map((page) => byteAt(map, page * PAGE)),
        [0, 0, 0],
      );
    }
    value(map.attach(alloc(16), { address: 0 }));
  });

  test("S17: detach where nothing is attached is harmless", () => {
    const { map, alloc } = open(make);
    const at = value(map.attach(alloc(2, 3), { address: 4 * PAGE }));
    for (const address of [0, at - 1, at + 2 * PAGE, map.size(), 2 ** 40]) map.detach(address);
    deepEqual([byteAt(map, at), byteAt(map, at + PAGE)], [3, 4]);
  });

  test("S17: a dataspace keeps its bytes when it is detached, and shows them where it is attached next", () => {
    const { map, alloc } = open(make);
    const dataspace = alloc(1, 42);
    map.detach(value(map.attach(dataspace)));
    const seen = Uint8Array.of(0);
    dataspace.object!.read(0, seen);
    equal(seen[0], 42);
    equal(byteAt(map, value(map.attach(dataspace, { address: 12 * PAGE }))), 42);
  });
}

function sharing(make: () => RegionMapFixture): void {
  test("S18: attached several times, partly, and in several maps, a dataspace shares its bytes", () => {
    const { map, create, alloc } = open(make);
    const other = create(1 << 20).object!;
    const dataspace = alloc(4);
    value(map.attach(dataspace, { address: 0 }));
    value(map.attach(dataspace, { address: 8 * PAGE, offset: 2 * PAGE, size: PAGE }));
    value(other.attach(dataspace, { address: PAGE }));
    map.dataspace().object!.write(8 * PAGE + 5, Uint8Array.of(77));
    deepEqual([byteAt(map, 2 * PAGE + 5), byteAt(other, 3 * PAGE + 5)], [77, 77]);
    map.detach(0);
    other.dataspace().object!.write(3 * PAGE + 5, Uint8Array.of(78));
    equal(byteAt(map, 8 * PAGE + 5), 78);
  });

  test("S4, S9: a dataspace that is freed vanishes from all maps, and their places are free", () => {
    const { map, create, pd, alloc } = open(make);
    const other = create(1 << 20).object!;
    const dataspace = alloc(2);
    value(map.attach(dataspace, { address: 0 }));
    value(map.attach(dataspace, { address: 2 * PAGE }));
    value(other.attach(dataspace, { address: 0 }));
    pd.free(dataspace);
    deepEqual([byteAt(map, 0), byteAt(map, 2 * PAGE), byteAt(other, 0)], [0, 0, 0]);
    value(map.attach(alloc(4), { address: 0 }));
    value(other.attach(alloc(2), { address: 0 }));
  });
}

function nesting(make: () => RegionMapFixture): void {
  test("S19: a map's dataspace has its size and stays the same", () => {
    const { create } = open(make);
    const map = create(3 * PAGE - 5).object!;
    equal(map.size(), 3 * PAGE);
    equal(map.dataspace(), map.dataspace());
    equal(map.dataspace().object!.size(), 3 * PAGE);
    equal(map.dataspace().object!.origin, "managed");
    equal(map.dataspace().object!.writable(), true);
  });

  test("S19: maps nest: four deep, through windows of the inner ones, the bytes are the same", () => {
    const { map, create, alloc } = open(make);
    const levels = [map, create(64 * PAGE).object!, create(64 * PAGE).object!, create(64 * PAGE).object!];
    for (let i = 0; i < 3; i++) {
      value(levels[i]!.attach(levels[i + 1]!.dataspace(), { address: 16 * PAGE, offset: 8 * PAGE, size: 32 * PAGE }));
    }
    // Each level lies 8 pages later in the one around it.
    value(levels[3]!.attach(alloc(2, 50), { address: 10 * PAGE }));
    deepEqual(
      levels.map((level, index) => byteAt(level, (34 - 8 * index) * PAGE)),
      [50, 50, 50, 50],
    );
    levels[0]!.dataspace().object!.write(35 * PAGE, Uint8Array.of(90));
    equal(byteAt(levels[3]!, 11 * PAGE), 90);
    equal(byteAt(map, 33 * PAGE), 0);
    levels[1]!.detach(16 * PAGE);
    equal(byteAt(map, 34 * PAGE), 0);
  });

  test("S19: a map is never attached in itself, however many maps lie between", () => {
    const { map, create } = open(make);
    deepEqual(map.attach(map.dataspace()), refused("region-conflict"));
    const inner = create(64 * PAGE).object!;
    const innermost = create(64 * PAGE).object!;
    value(map.attach(inner.dataspace()));
    value(inner.attach(innermost.dataspace(), { size: 16 * PAGE }));
    deepEqual(innermost.attach(map.dataspace(), { size: PAGE }), refused("region-conflict"));
    deepEqual(innermost.attach(inner.dataspace(), { size: PAGE }), refused("region-conflict"));
  });

  test("S19: a map that is destroyed vanishes from the maps that hold it, and lets go of its dataspaces", () => {
    const { map, create, destroy, alloc } = open(make);
    const inner = create(16 * PAGE);
    const dataspace = alloc(1, 33);
    value(inner.object!.attach(dataspace, { address: 0 }));
    const managed = inner.object!.dataspace();
    value(map.attach(managed, { address: 0 }));
    equal(byteAt(map, 0), 33);
    destroy(inner);
    equal(inner.valid || managed.valid, false);
    equal(byteAt(map, 0), 0);
    equal(dataspace.valid, true);
    value(map.attach(dataspace, { address: 0 }));
    equal(byteAt(map, 0), 33);
  });

  test("S20: as long as nobody waits, the state is ready", () => {
    const { map } = open(make);
    map.faultHandler(INVALID);
    deepEqual(map.state(), { type: "ready", address: 0 });
  });
}
