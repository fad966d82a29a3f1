// Image files: there and back, in chunks of any size, and what is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Checkpoint, sha256 } from "../checkpoint/index.ts";
import { exportImage, importImage, loadCheckpoint, openMemoryStore, type Store, saveCheckpoint } from "./index.ts";

/** 300 units, most of them zero: a tree of two levels. */
const memory = new Uint8Array(300 * 65536);
for (const unit of [0, 1, 7, 255, 256, 299]) memory.fill(unit + 1, unit * 65536 + 5, unit * 65536 + 60_000);

const checkpoint: Checkpoint = {
  created: "2026-11-23T12:34:56.789Z",
  name: "sample",
  program: { module: "m", seed: 12n },
  group: {
    abi: 1,
    instances: [
      {
        module: "0".repeat(64),
        name: "program",
        memories: [{ index: 0, pages: 300, content: memory }],
        globals: [],
        tables: [],
        droppedData: [],
        droppedElements: [],
      },
    ],
    threads: [],
  },
  sessions: { wasi: { big: new Uint8Array(100_000).fill(7) } },
  modules: {},
};

async function exported(): Promise<{ readonly store: Store; readonly id: string; readonly file: Uint8Array }> {
  const store = openMemoryStore();
  const { root } = await saveCheckpoint(store, checkpoint, { sha256 });
  const file = await new Blob(await Array.fromAsync(exportImage(store, "latest"))).bytes();
  return { store, id: root.id, file };
}

function* pieces(file: Uint8Array, sizeBytes: number): Generator<Uint8Array> {
  for (let at = 0; at < file.length; at += sizeBytes) yield file.subarray(at, at + sizeBytes);
}

test("an exported image is the same checkpoint in another store", async () => {
  const { id, file } = await exported();
  for (const size of [7_777, 1 << 20, file.length]) {
    const store = openMemoryStore();
    const root = await importImage(store, pieces(file, size));
    assert.deepEqual([root.id, root.name], [id, "sample"]);
    assert.deepEqual((await store.verify()).faults, []);
    assert.deepEqual(await loadCheckpoint(store, "sample"), { ...checkpoint });
  }
});

test("what is no whole image file is refused, and nothing is published", async () => {
  const { file } = await exported();
  const manifestBytes = new DataView(file.buffer).getUint32(12, true);
  const changed = (at: number, ...bytes: number[]) => {
    const copy = file.slice();
    copy.set(bytes, at);
    return copy;
  };
  const cases: readonly (readonly [file: Uint8Array, fault: RegExp])[] = [
    [new Uint8Array(0), /^truncated image file: it ends after 0 bytes, expected its header$/],
    [file.subarray(0, 9), /^truncated .*after 9 bytes, expected its header$/],
    [file.subarray(0, 40), /^truncated .*after 40 bytes, expected its manifest$/],
    [file.subarray(0, file.length - 4), /^truncated .*expected a page or its end$/],
    [file.subarray(0, file.length - 5), /^truncated .*expected a page$/],
    [new TextEncoder().encode("PK\x03\x04 something else"), /^foreign .*expected it to begin with RTCRIMAG$/],
    [changed(8, 2), /^newer image file: version 2, this build reads 1/],
    [changed(8, 0), /^older image file: version 0, this build reads 1/],
    [changed(12, 0, 0, 0, 2), /^damaged image file: found a manifest of 33554432 bytes, expected at most 16777216$/],
    [changed(16 + manifestBytes, 0, 0, 2), /^damaged .*a page of 131072 bytes, expected at most 65536$/],
    [changed(16 + manifestBytes + 4, 1, 2, 3), /^damaged image file: no page in it has the hash [0-9a-f]{8}/],
    [new Uint8Array([...file, 0]), /^damaged image file: found more bytes behind its end, expected none$/],
  ];
  for (const [bytes, expected] of cases) {
    const store = openMemoryStore();
    const fault = await importImage(store, [bytes]).then(
      () => "published",
      (thrown) => `${thrown.code} ${thrown.message}`,
    );
    assert.match(fault, expected);
    assert.deepEqual((await store.list()).roots, []);
  }
});

test("a checkpoint that is not there cannot be exported", async () => {
  await assert.rejects(Array.fromAsync(exportImage(openMemoryStore(), "latest")), { code: "not-found" });
});
