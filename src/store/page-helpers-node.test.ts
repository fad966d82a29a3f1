// Helper threads: what they read and hash is what the main thread would have, and nobody has to wait for them to end.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { UNIT_BYTES } from "../checkpoint/index.ts";
import { randomBytes, randomOf } from "../checkpoint/samples.test.ts";
import { nodePageHelpers } from "./page-helpers-node.ts";
import { nodeSha256 } from "./sha256-node.ts";

/** Enough for helpers to be asked, with a last unit that is not whole. */
const SIZE_BYTES = (6 << 20) + 777;

function sharedRandom(): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(SIZE_BYTES));
  bytes.set(randomBytes(randomOf(1), 4096).subarray(0, 4096));
  for (let at = 4096; at < SIZE_BYTES; at += 4096) bytes.set([at & 255, at >> 8, at >> 16], at);
  return bytes;
}

function unitsOf(bytes: Uint8Array): Uint8Array[] {
  const count = Math.ceil(bytes.length / UNIT_BYTES);
  return Array.from({ length: count }, (_, unit) => bytes.subarray(unit * UNIT_BYTES, (unit + 1) * UNIT_BYTES));
}

test("pages are read into shared memory, and those that have another hash or do not exist are said", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rtcr-helpers-"));
  const content = sharedRandom();
  writeFileSync(join(folder, "file"), content);
  const descriptor = openSync(join(folder, "file"), "r");
  try {
    const units = unitsOf(content);
    // Odd units first, so that not everything is one run.
    const order = [...units.keys()].sort((a, b) => (b % 2) - (a % 2) || a - b);
    const pages = order.map((unit) => ({
      name: nodeSha256(units[unit]!),
      position: unit * UNIT_BYTES,
      offset: unit * UNIT_BYTES,
      sizeBytes: units[unit]!.length,
    }));
    const wrong = { ...pages[3]!, name: "0".repeat(64) };
    const beyond = { ...pages[5]!, position: SIZE_BYTES - 10 };
    const asked = pages.with(3, wrong).with(5, beyond);
    for (const target of [new Uint8Array(new SharedArrayBuffer(SIZE_BYTES)), new Uint8Array(SIZE_BYTES)]) {
      assert.deepEqual(await nodePageHelpers.read(descriptor, target, asked), [wrong, beyond]);
      assert.deepEqual(await nodePageHelpers.read(descriptor, target, [pages[3]!, pages[5]!]), []);
      assert.ok(Buffer.from(target).equals(content));
    }
  } finally {
    closeSync(descriptor);
    rmSync(folder, { recursive: true, force: true });
  }
});

test("units hashed ahead have the names that they would have been given, zeros none", async () => {
  const content = sharedRandom();
  const units = unitsOf(content);
  units[7]!.fill(0);
  let ahead = nodePageHelpers.hash(content, UNIT_BYTES)!; // starts the helpers
  const last = units.length - 1;
  const alone = availableParallelism() === 1; // there are no helpers
  // Asking for a unit says that those before it are no longer of use: the last one alone can be waited for.
  while (!alone && ahead.nameOf(0) === undefined && ahead.nameOf(last) === undefined) {
    ahead.stop();
    ahead = nodePageHelpers.hash(content, UNIT_BYTES)!;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(ahead.nameOf(last), alone ? undefined : nodeSha256(units[last]!));
  ahead.stop();
  const again = nodePageHelpers.hash(content, UNIT_BYTES)!;
  for (const [unit, bytes] of units.entries()) {
    const name = again.nameOf(unit);
    if (name !== undefined) assert.equal(name, unit === 7 ? null : nodeSha256(bytes), `unit ${unit}`);
  }
  again.stop();
  assert.equal(nodePageHelpers.hash(new Uint8Array(SIZE_BYTES), UNIT_BYTES), undefined, "memory that is not shared");
});

test("touching leaves memory zero, and helpers keep no process alive", async () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(SIZE_BYTES));
  await nodePageHelpers.touch(bytes);
  assert.ok(bytes.every((byte) => byte === 0));
  const file = new URL("./page-helpers-node.ts", import.meta.url).href;
  const script = `const { nodePageHelpers } = await import(${JSON.stringify(file)}); nodePageHelpers.start();
    await nodePageHelpers.touch(new Uint8Array(new SharedArrayBuffer(8 << 20))); console.log("touched");`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  assert.equal(stdout, "touched\n");
});
