// Bytes in granules read as bytes in one array do: piece by piece, in ranges, in images, in comparisons.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { ByteSink } from "../util/index.ts";
import { type Page, writeContent } from "./content.ts";
import { GranuleBytes, type RecordedBytes, received, sendable, UnitNameCache, whole, wholeBytes } from "./granules.ts";
import { UNIT_BYTES } from "./limits.ts";
import { randomBytes, randomOf } from "./samples.test.ts";

const nodeHash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

type Random = ReturnType<typeof randomOf>;

/** Granules anywhere in three chunks, some of them zero, and the same bytes in one array. */
function sample(random: Random, granuleBytes: number, sizeBytes: number) {
  const chunkGranules = 1 + random(5);
  const chunks = [0, 1, 2].map(() => randomBytes(random, chunkGranules * granuleBytes));
  const places = new Int32Array(Math.ceil(sizeBytes / granuleBytes));
  for (let i = 0; i < places.length; i++) {
    const follows = i > 0 && random(2) === 0 && places[i - 1]! > 0 && places[i - 1]! < 3 * chunkGranules;
    places[i] = follows ? places[i - 1]! + 1 : random(3 * chunkGranules + 1);
  }
  const flat = new Uint8Array(sizeBytes);
  for (const [i, place] of places.entries()) {
    if (place === 0) continue;
    const from = ((place - 1) % chunkGranules) * granuleBytes;
    const granule = chunks[Math.floor((place - 1) / chunkGranules)]!.subarray(from, from + granuleBytes);
    flat.set(granule.subarray(0, sizeBytes - i * granuleBytes), i * granuleBytes);
  }
  const units = Float64Array.from({ length: Math.ceil(sizeBytes / UNIT_BYTES) }, (_, unit) => 100 + unit);
  const storage = { granuleBytes, chunkGranules, chunks };
  const bytes = new GranuleBytes(storage, { sizeBytes, places, units });
  return { bytes, flat, storage, table: { sizeBytes, places, units } };
}

const SIZES = [
  [4096, 3 * 4096],
  [4096, 200_704],
  [12_288, 40_960],
  [262_144, 700_416],
] as const;

test("S108: granules read as one array: pieces without gaps, ranges, copies", () => {
  const random = randomOf(108);
  for (const [granuleBytes, sizeBytes] of SIZES) {
    for (let time = 0; time < 20; time++) {
      const { bytes, flat } = sample(random, granuleBytes, sizeBytes);
      assert.equal(bytes.length, flat.length);
      assert.ok(Buffer.from(bytes.slice()).equals(flat));
      const begin = random(sizeBytes);
      const end = begin + random(sizeBytes - begin + 1);
      assert.ok(Buffer.from(bytes.subarray(begin, end)).equals(flat.subarray(begin, end)), `${begin} to ${end}`);
      assert.equal(bytes.subarray(sizeBytes, sizeBytes + 5).length, 0);
      assert.equal(bytes.subarray(end, begin).length, 0);
      const shown = new Uint8Array(end - begin).fill(7);
      let next = 0;
      const took = (at: number, length: number) => {
        assert.equal(at, next);
        next += length;
      };
      const sink: ByteSink = {
        bytes: (at, source, from, length) => {
          took(at, length);
          shown.set(source.subarray(from, from + length), at);
        },
        zeros: (at, length) => {
          took(at, length);
          shown.fill(0, at, at + length);
        },
      };
      bytes.pieces(sink, begin, end);
      assert.equal(next, end - begin);
      assert.ok(Buffer.from(shown).equals(flat.subarray(begin, end)));
    }
  }
});

test("S108: equal places are seen without a look at bytes, others are said to differ", () => {
  const { bytes, storage, table } = sample(randomOf(1), 8192, 81_920);
  const places = table.places.slice();
  places[3] = places[3] === 1 ? 2 : 1;
  const other = new GranuleBytes(storage, { ...table, places });
  assert.equal(other.shares(bytes, 0, 3 * 8192), true);
  assert.equal(other.shares(bytes, 4 * 8192 - 1, 4 * 8192), false);
  assert.equal(other.shares(bytes, 4 * 8192, 81_920), true);
  assert.equal(other.shares(bytes, 0, 81_921), false, "further than both reach");
  assert.equal(sample(randomOf(1), 8192, 81_920).bytes.shares(bytes, 0, 10), false, "another storage");
});

test("S108: whole bytes and what another thread gets are the same bytes; what holds none is no copy", () => {
  const { bytes, flat } = sample(randomOf(2), 4096, 200_704);
  const small = { list: [1, { text: "x" }], raw: new Uint8Array(3) };
  const value = { small, inner: [{ content: bytes }, null, undefined] };
  const one = whole(value);
  assert.deepEqual(one, { small, inner: [{ content: flat }, null, undefined] });
  assert.equal(one.small, small);
  assert.equal(whole(small), small);
  const arrived = received(structuredClone(sendable(value)));
  const [first] = arrived.inner as [{ content: GranuleBytes }];
  assert.ok(first.content instanceof GranuleBytes);
  assert.deepEqual(wholeBytes(first.content), flat);
  assert.equal(first.content.unitNumber(1), 101);
});

/** The pages of a content by name, its root, and how many units and nodes were hashed. */
function written(bytes: RecordedBytes, names?: UnitNameCache) {
  const found: (string | null)[] = [];
  const pages = new Map<string, Page>();
  let hashed = 0;
  const hash = (page: Uint8Array) => {
    hashed++;
    return nodeHash(page);
  };
  const steps = writeContent(bytes, hash, (unit) => names?.nameOf(bytes, unit), found);
  for (;;) {
    const step = steps.next();
    if (step.done) {
      names?.learn(bytes, found);
      return { root: step.value, hashed, pages: new Map([...pages].map(([name, page]) => [name, page.bytes])) };
    }
    pages.set(step.value.name, step.value);
  }
}

test("S108, S79: the image of granules is that of their bytes; units that were hashed before are not hashed again", () => {
  for (const [granuleBytes, sizeBytes] of SIZES) {
    const { bytes, flat, storage, table } = sample(randomOf(granuleBytes), granuleBytes, sizeBytes);
    const plain = written(flat);
    const names = new UnitNameCache();
    for (let time = 0; time < 2; time++) {
      const again = written(bytes, names);
      assert.deepEqual(again.root, plain.root);
      assert.deepEqual(
        [...again.pages].map(([name, page]) => [name, Buffer.from(page).toString("hex")]),
        [...plain.pages].map(([name, page]) => [name, Buffer.from(page).toString("hex")]),
      );
      const nodes = table.units.length > 1 ? 1 : 0;
      assert.equal(again.hashed, time === 0 ? plain.hashed : Math.min(nodes, plain.hashed));
    }
    const places = table.places.slice();
    places[0] = places[0] === 2 ? 3 : 2;
    const units = table.units.map((number, unit) => (unit * UNIT_BYTES < granuleBytes ? 999 + unit : number));
    const next = new GranuleBytes(storage, { ...table, places, units });
    assert.deepEqual(written(next, names).root, written(wholeBytes(next)).root, "an increment");
  }
});
