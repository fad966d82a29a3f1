// Checkpoint information through an image and back, field by field, and what a damaged record is called.
import assert from "node:assert/strict";
import test from "node:test";
import type { PlainData } from "../abi/index.ts";
import type { Checkpoint } from "../checkpoint/index.ts";
import { decodeManifest, fromCheckpoint, sha256, toCheckpoint } from "../checkpoint/index.ts";
import { NESTED, SYSTEM } from "../checkpoint/system-sample.test.ts";
import { loadCheckpoint, openMemoryStore, saveCheckpoint } from "./index.ts";

for (const system of [SYSTEM, NESTED]) {
  test(`S113: every field comes back through an image, names and order included (${system.name})`, async () => {
    const store = openMemoryStore({ sha256 });
    const saved = await saveCheckpoint(store, toCheckpoint(system), { sha256 });
    const loaded = await loadCheckpoint(store, saved.root.id, { sha256 });
    assert.deepEqual(fromCheckpoint(loaded), system);
  });
}

test("S107, S113: a damaged record is refused, naming the field", () => {
  const cases: readonly [path: string, value: unknown, message: RegExp][] = [
    ["children", 7, /^image: sessions\.children is 7, expected a list$/],
    ["children.0.pd.ramQuota", -1, /sessions\.children\[0\]\.pd\.ramQuota is -1, expected a whole number/],
    ["children.0.pd.dataspaces.1.content", "x", /dataspaces\[1\]\.content is "x", expected bytes/],
    ["children.0.pd.dataspaces.1.cached", "hot", /expected one of uncached, write-combined, cached/],
    ["children.1.cpu.threads.0.started", 1, /threads\[0\]\.started is 1, expected true or false/],
    ["children.1.cpu.threads.0.surplus", 1, /threads\[0\]\.surplus is 1, expected no such field in this version/],
    ["children.1.program", "abc", /children\[1\]\.program is "abc", expected 64 hexadecimal digits/],
    ["children.0.timers.0.periodic", undefined, /timers\[0\]\.periodic is absent/],
    ["children.0.pd.addressSpace", new Uint8Array(1), /addressSpace is "bytes", expected an object/],
    ["children.0.components.1.program", "abc", /components\[1\]\.program is "abc", expected 64 hexadecimal digits/],
    ["children.0.components.0.pd", undefined, /components\[0\]\.pd is absent/],
    ["children.0.components.0.servedBadges", [-1], /servedBadges\[0\] is -1, expected a whole number/],
    ["children.0.cpus.0.quotaUs", "x", /cpus\[0\]\.quotaUs is "x", expected a whole number/],
    ["children.0.components.0.components", [], /components is .*, expected no such field in this version/],
  ];
  for (const [path, value, message] of cases) {
    const checkpoint = structuredClone(toCheckpoint(NESTED)) as Checkpoint;
    const keys = path.split(".");
    let target = checkpoint.sessions as unknown as Record<string, unknown>;
    for (const key of keys.slice(0, -1)) target = target[key] as Record<string, unknown>;
    target[keys.at(-1)!] = value;
    assert.throws(() => fromCheckpoint(checkpoint), { code: "damaged", message }, path);
  }
  const foreign = { ...toCheckpoint(SYSTEM), program: { kind: "wasi-command" } as PlainData };
  assert.throws(() => fromCheckpoint(foreign), { message: /expected a checkpoint of kind rtcr-system/ });
});

test("S115: an image of a newer format is refused, whatever else is in it", async () => {
  const store = openMemoryStore({ sha256 });
  const saved = await saveCheckpoint(store, toCheckpoint(SYSTEM), { sha256 });
  const text = new TextDecoder().decode(saved.image.manifest);
  const newer = new TextEncoder().encode(
    text.replace('"format": 1', '"format": 2').replace('"name"', '"later": 0, "name"'),
  );
  assert.throws(() => decodeManifest(newer), {
    code: "newer",
    message: "image: format 2, this build reads 1 to 1; restore it with a newer build",
  });
});
