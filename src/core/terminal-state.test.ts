import assert from "node:assert/strict";
import { test } from "node:test";
import { InputBuffer } from "./terminal-state.ts";

test("bytes come out in the order they came, in whatever pieces", () => {
  const buffer = new InputBuffer();
  let [put, got, seed] = [0, 0, 1];
  const some = (limit: number) => (seed = (seed * 48_271) % 2_147_483_647) % limit;
  for (let round = 0; round < 20_000; round++) {
    const bytes = new Uint8Array(some(round % 100 === 0 ? 100_000 : 50));
    buffer.push(bytes.map(() => put++));
    const target = new Uint8Array(some(round % 70 === 0 ? 200_000 : 60));
    const peeked = target.slice(0, buffer.peek(target));
    assert.deepEqual(buffer.first(target.length), target.subarray(0, peeked.length));
    assert.equal(buffer.take(target), Math.min(target.length, put - got));
    for (const byte of target.subarray(0, peeked.length)) if (byte !== (got++ & 255)) assert.fail(`byte ${got - 1}`);
    assert.equal(buffer.length, put - got);
  }
  assert.deepEqual(
    buffer.copy(),
    new Uint8Array(put - got).map((_, at) => (got + at) & 255),
  );
});
