// Codecs give back what they were given, and never more than was announced.
import assert from "node:assert/strict";
import { test } from "node:test";
import { randomBytes, randomOf } from "../checkpoint/samples.test.ts";
import { type Codec, webDeflate } from "./codec.ts";
import { nodeCodecs } from "./codec-node.ts";

const CODECS: readonly [name: string, codec: Codec][] = [
  ["zstd", nodeCodecs.zstd!],
  ["deflate of Node", nodeCodecs.deflate!],
  ["deflate of the web", webDeflate],
];

for (const [name, codec] of CODECS) {
  test(`${name}: round trip, damage and bombs`, async () => {
    for (const sizeBytes of [1, 31, 8192, 65_535, 65_536]) {
      const bytes = randomBytes(randomOf(sizeBytes), sizeBytes);
      const stored = await codec.encode(bytes);
      assert.deepEqual(new Uint8Array(await codec.decode(stored, sizeBytes)), bytes);
    }
    const bomb = await codec.encode(new Uint8Array(10 << 20));
    await assert.rejects(codec.decode(bomb, 65_536));
    await assert.rejects(codec.decode(bomb.subarray(0, bomb.length >> 1), 65_536));
    await assert.rejects(codec.decode(new Uint8Array(100).fill(0xff), 65_536));
  });
}
