// What does it cost to store a checkpoint in a directory, against writing the same bytes to one file with fsync?
// Interleaved in one run; times in ms, minimum and median over the rounds.
//
//   node bench/store.ts [--json FILE] [--rounds N] [--codec none|zstd|deflate]
import { randomFillSync } from "node:crypto";
import { promises as fs, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Checkpoint } from "../src/checkpoint/index.ts";
import { loadCheckpoint, nodeSha256, openDirectoryStore, saveCheckpoint } from "../src/store/index-node.ts";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    rounds: { type: "string", default: "9" },
    codec: { type: "string", default: "none" },
  },
});
const codec = values.codec as "none" | "zstd" | "deflate";
const SIZES_MIB = [1, 16, 64];
const folder = mkdtempSync(join(process.cwd(), ".bench-store-"));

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function plainFile(path: string, bytes: Uint8Array): Promise<void> {
  const file = await fs.open(path, "wx");
  for (let at = 0; at < bytes.length; at += 1 << 20) await file.write(bytes, at, Math.min(1 << 20, bytes.length - at));
  await file.sync();
  await file.close();
}

function checkpointOf(content: Uint8Array): Checkpoint {
  const memories = [{ index: 0, pages: content.length / 65_536, content }];
  const empty = { globals: [], tables: [], droppedData: [], droppedElements: [] };
  const instances = [{ module: "00".repeat(32), name: "main", memories, ...empty }];
  return {
    created: new Date().toISOString(),
    name: "bench",
    program: {},
    sessions: {},
    group: { abi: 1, instances, threads: [] },
  };
}

/** One round on bytes that no store has seen; the files are taken away outside the measured time. */
async function round(content: Uint8Array, target: Uint8Array): Promise<Record<string, number>> {
  for (let at = 0; at < content.length; at += 65_536) randomFillSync(content.subarray(at, at + 65_536));
  const path = join(folder, "plain");
  const plain = await timed(() => plainFile(path, content));
  await fs.unlink(path);
  const store = await openDirectoryStore(join(folder, "store"), { codec });
  const save = (): Promise<unknown> => saveCheckpoint(store, checkpointOf(content), { sha256: nodeSha256 });
  const full = await timed(save);
  content[content.length >> 1]! ^= 1;
  const increment = await timed(save);
  const allocate = (): Uint8Array => target.fill(0);
  const load = await timed(() => loadCheckpoint(store, "latest", { sha256: nodeSha256, allocate }));
  await store.close();
  rmSync(join(folder, "store"), { recursive: true });
  return { plain, full, increment, load };
}

const rows: object[] = [];
try {
  for (const sizeMiB of SIZES_MIB) {
    const content = new Uint8Array(new SharedArrayBuffer(sizeMiB << 20));
    const target = new Uint8Array(sizeMiB << 20).fill(1);
    const rounds: Record<string, number>[] = [];
    for (let i = 0; i < Number(values.rounds); i++) rounds.push(await round(content, target));
    const row: Record<string, number> = { sizeMiB };
    for (const key of ["plain", "full", "increment", "load"]) {
      const times = rounds.map((times) => times[key]!).sort((a, b) => a - b);
      row[`${key}MinMs`] = Number(times[0]!.toFixed(1));
      row[`${key}MedianMs`] = Number(times[times.length >> 1]!.toFixed(1));
    }
    row["fullToPlainMin"] = Number((row["fullMinMs"]! / row["plainMinMs"]!).toFixed(2));
    row["fullToPlainMedian"] = Number((row["fullMedianMs"]! / row["plainMedianMs"]!).toFixed(2));
    rows.push(row);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.table(rows);
const result = {
  bench: "store",
  codec,
  rounds: Number(values.rounds),
  node: process.version,
  v8: process.versions.v8,
  rows,
};
if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
