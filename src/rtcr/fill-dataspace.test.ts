// A content is in its dataspace afterwards, whatever was there; what is zero on both sides is not written.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { bytesDataspace } from "../../test/contracts/bytes-dataspace.ts";
import { GranuleBytes, type RecordedBytes } from "../checkpoint/index.ts";
import type { Dataspace } from "../session/index.ts";
import { fillDataspace } from "./fill-dataspace.ts";

const PAGE = 4096;
const SIZE = 8 * PAGE;

interface Filled {
  readonly writes: readonly (readonly [from: number, to: number])[];
  readonly now: Uint8Array;
}

/** @param pieces how the dataspace shows its bytes: where each piece ends; absent: it does not */
function filled(before: Uint8Array, content: RecordedBytes, zeroed: boolean, pieces?: readonly number[]): Filled {
  const dataspace = bytesDataspace(SIZE);
  dataspace.fill(before);
  const real = dataspace.capability.object!;
  const writes: [number, number][] = [];
  const shown: Dataspace = {
    ...real,
    write: (at, bytes) => {
      writes.push([at, at + bytes.length]);
      return real.write(at, bytes);
    },
    ...(pieces && {
      pieces: (sink) => {
        for (const [i, end] of pieces.entries()) {
          const from = pieces[i - 1] ?? 0;
          sink.bytes(from, dataspace.bytes, from, end - from);
        }
      },
    }),
  };
  fillDataspace(shown, content, zeroed);
  return { writes, now: dataspace.bytes };
}

function bytes(...used: readonly number[]): Uint8Array {
  const all = new Uint8Array(SIZE);
  for (const at of used) all[at] = 7;
  return all;
}

/** The same bytes in granules of a page, which lie in two chunks in another order. */
function granules(content: Uint8Array, random: (below: number) => number): GranuleBytes {
  const order = Array.from({ length: 8 }, (_, i) => i).sort(() => random(3) - 1);
  const chunks = [0, 4].map((first) => {
    const chunk = new Uint8Array(4 * PAGE);
    for (let i = 0; i < 4; i++) {
      const at = order[first + i]! * PAGE;
      chunk.set(content.subarray(at, at + PAGE), i * PAGE);
    }
    return chunk;
  });
  const places = Int32Array.from({ length: 8 }, (_, i) => order.indexOf(i) + 1);
  const storage = { granuleBytes: PAGE, chunkGranules: 4, chunks };
  return new GranuleBytes(storage, { sizeBytes: SIZE, places, units: new Float64Array(1) });
}

test("S82: of a new dataspace only what holds something is written", () => {
  const content = bytes(0, 3 * PAGE + 100, 4 * PAGE + 10);
  const { writes, now } = filled(bytes(), content, true);
  deepEqual(writes, [
    [0, 64],
    [3 * PAGE + 64, 4 * PAGE + 64],
  ]);
  deepEqual(now, content);
  deepEqual(filled(bytes(), bytes(), true).writes, [], "nothing of one that is all zero");
});

test("S82, S91: what a bootstrap has written where zeros were recorded is cleared, and nothing else", () => {
  const before = bytes(64, 2 * PAGE + 5, 3 * PAGE, 4 * PAGE + 200, 8 * PAGE - 1);
  const content = bytes(0, 3 * PAGE + 100, 4 * PAGE + 10);
  for (const pieces of [[SIZE], [3 * PAGE, SIZE], [PAGE, 4 * PAGE, 5 * PAGE, SIZE]]) {
    const { writes, now } = filled(before, content, false, pieces);
    deepEqual(now, content);
    const cleared = writes.slice(2).map(([from, to]) => [Math.floor(from / PAGE), Math.ceil(to / PAGE)]);
    deepEqual(
      cleared.map(([page]) => page),
      [0, 2, 3, 4, 7],
      "pages",
    );
  }
  const clean = filled(bytes(0, 3 * PAGE + 100), content, false, [SIZE]);
  equal(clean.writes.length, 2, "where it is zero already nothing is");
});

test("S82, S91: a dataspace that does not show its bytes is written whole", () => {
  const before = new Uint8Array(SIZE).fill(3);
  for (const content of [bytes(), bytes(5 * PAGE), bytes(0, SIZE - 1)]) {
    const { writes, now } = filled(before, content, false);
    deepEqual(now, content);
    equal(
      writes.reduce((sum, [from, to]) => sum + to - from, 0),
      SIZE,
      "each byte once",
    );
  }
});

test("S91, S108: random bytes over random bytes", () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const some = () => bytes(...Array.from({ length: random(12) }, () => random(SIZE)));
  for (let round = 0; round < 200; round++) {
    const content = some();
    for (const recorded of [content, granules(content, random)]) {
      deepEqual(filled(some(), recorded, false, [PAGE * (1 + random(7)), SIZE]).now, content);
      deepEqual(filled(some(), recorded, false).now, content);
      deepEqual(filled(bytes(), recorded, true).now, content);
    }
  }
});
