// Records as bytes: what is written is read back the same, and what has no room is counted, never written.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesDataspace } from "../../test/contracts/bytes-dataspace.ts";
import { type Random, seededRandom } from "../../test/random.ts";
import type { SessionState } from "../session/index.ts";
import { DirectCopier } from "./copier.ts";
import { RecordReader } from "./record-reader.ts";
import { RecordWriter } from "./record-writer.ts";

const ROOM = 1 << 20;

/** What `write` writes, in a room of so many bytes, and the room itself. */
function written(write: (records: RecordWriter) => void, room = ROOM): { needed: number; bytes: Uint8Array } {
  const bytes = new Uint8Array(room).fill(0xa5);
  const records = new RecordWriter(bytes, new DirectCopier(bytes));
  write(records);
  return { needed: records.neededBytes, bytes };
}

function reader(write: (records: RecordWriter) => void): RecordReader {
  const { needed, bytes } = written(write);
  return new RecordReader(bytes.subarray(0, needed));
}

function plainData(random: Random, depth = 0): SessionState {
  const kinds = depth < 4 ? 12 : 10;
  switch (random.below(kinds)) {
    case 0:
      return null;
    case 1:
      return random.below(2) === 0;
    case 2:
      return [0, -0, 1.5, -7, 2 ** 53, NaN, Infinity, -Infinity, 5e-324][random.below(9)]!;
    case 3:
      return ["", "a", "ü€😀", "\ud800", "__proto__", "x".repeat(300)][random.below(6)]!;
    case 4:
      return [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n][random.below(5)]!;
    case 5:
      return [2n ** 64n, -(2n ** 63n) - 1n, 10n ** 40n][random.below(3)]!;
    case 6:
    case 7:
      return new Uint8Array(random.below(20)).fill(random.below(256));
    case 8:
    case 9:
      return random.below(1 << 30);
    case 10:
      return Array.from({ length: random.below(6) }, () => plainData(random, depth + 1));
    default:
      return Object.fromEntries(
        ["a", "__proto__", "0", "constructor", "ä"]
          .slice(random.below(5))
          .map((key) => [key, plainData(random, depth + 1)]),
      );
  }
}

test("S72, S78: plain data of every kind comes back the same, and nothing is left over", () => {
  const random = seededRandom(7);
  for (let i = 0; i < 3000; i++) {
    const value = plainData(random);
    const records = reader((to) => to.plain(value));
    assert.deepEqual(records.plain(), value);
    assert.ok(records.done);
  }
});

test("S78: a field that is undefined is none", () => {
  assert.deepEqual(reader((to) => to.plain({ a: 1, b: undefined })).plain(), { a: 1 });
});

test("S78: contents begin at multiples of 8, and are read as views of the room", () => {
  const { capability, bytes } = bytesDataspace(4096);
  for (let i = 0; i < bytes.length; i++) bytes[i] = i * 7;
  const records = reader((to) => {
    to.flag(true);
    to.content(capability.object);
    to.text("odd");
    to.content(undefined);
    to.bytes(Uint8Array.of(1, 2, 3));
  });
  assert.equal(records.flag(), true);
  const content = records.shown();
  assert.equal(content.byteOffset % 8, 0);
  assert.deepEqual(content, bytes);
  assert.equal(records.text(), "odd");
  assert.deepEqual(records.content(), new Uint8Array());
  const last = records.bytes();
  assert.deepEqual(last, Uint8Array.of(1, 2, 3));
  assert.equal(last.buffer, content.buffer);
  assert.ok(records.done);
});

test("S78: whatever the room, as many bytes are needed, and nothing is written beyond it", () => {
  const dataspace = bytesDataspace(4096).capability.object;
  const write = (to: RecordWriter) => {
    const list = to.beginList();
    to.object({ badge: 1, allocated: 2, bootstrapped: true });
    to.plain({ name: "ep", values: [1n, 2.5, new Uint8Array(30)] });
    to.endList(list, 1);
    to.content(dataspace);
    to.text("end");
  };
  const whole = written(write);
  for (let room = 0; room < whole.needed; room++) {
    const { needed, bytes } = written(write, ROOM); // the same room, of which a part may be used
    assert.equal(needed, whole.needed);
    const part = bytes.fill(0xa5).subarray(0, room);
    const records = new RecordWriter(part, new DirectCopier(part));
    write(records);
    assert.equal(records.neededBytes, whole.needed);
    assert.ok(bytes.subarray(room, room + 8192).every((byte) => byte === 0xa5));
  }
});

test("S78: records that end too early, or are none, are no information", () => {
  const { needed, bytes } = written((to) => to.plain({ list: ["text", 1n, [null]] }));
  for (let end = 0; end < needed; end++) {
    assert.throws(() => new RecordReader(bytes.subarray(0, end)).plain(), /plain data wants/);
  }
  assert.throws(() => new RecordReader(Uint8Array.of(99)).plain(), /has the tag 99 at 0/);
});
