import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { putOnce } from "./durable.ts";

test("of two writers of a file that had none the first one's stays, and what is damaged is replaced", (t) => {
  const path = mkdtempSync(join(tmpdir(), "rtcr-durable-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const file = join(path, "name");
  const sound = (name: string) => readFileSync(name, "utf8").startsWith("sound");
  putOnce(file, "sound: first", sound);
  putOnce(file, "sound: second", sound);
  assert.equal(readFileSync(file, "utf8"), "sound: first");
  assert.deepEqual(readdirSync(path), ["name"]);
  writeFileSync(file, "damaged");
  putOnce(file, "sound: third", sound);
  assert.equal(readFileSync(file, "utf8"), "sound: third");
});
