// Images of every format version stay readable. A kept store is never changed; a new version adds one (make.ts).
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Checkpoint, FORMAT_VERSION, fromCheckpoint, toCheckpoint } from "../../src/checkpoint/index.ts";
import { loadCheckpoint, nodeSha256, openDirectoryStore, saveCheckpoint } from "../../src/store/index-node.ts";
import { checkpoint1 } from "./checkpoint-1.ts";
import { nested1 } from "./nested-1.ts";
import { streams1 } from "./streams-1.ts";
import { supervisors1 } from "./supervisors-1.ts";
import { system1 } from "./system-1.ts";
import { unpackStore } from "./unpack.ts";

const KINDS = ["format", "system", "nested", "streams", "supervisors"] as const;
const KEPT: readonly [kind: (typeof KINDS)[number], version: number, checkpoint: Checkpoint, id: string][] = [
  ["format", 1, checkpoint1, "cb95af57e44ab64e7f24f34b6db37403b4ebec413291ce621905d7090b866fb6"],
  ["system", 1, toCheckpoint(system1), "154b4f4e99e6af55b44492a735fda237ec0ff1565cd886b8ffde983c6499adca"],
  ["nested", 1, toCheckpoint(nested1), "c83d7f8d7b66d088822f64b61452047fcf7ad04699911054eec67b58305fbb75"],
  ["streams", 1, toCheckpoint(streams1), "854d5b4b60bfb98d393472d8c361b6552f121b401b77a290931070c458df9e02"],
  ["supervisors", 1, toCheckpoint(supervisors1), "8e4814ab94148f95e023200ac02df60287eb6c61e4cb8ca0240164b87f62bd85"],
];

for (const kind of KINDS) {
  test(`S115: every format version has a kept image (${kind})`, () => {
    assert.deepEqual(
      KEPT.filter(([each]) => each === kind).map(([, version]) => version),
      Array.from({ length: FORMAT_VERSION }, (_, i) => i + 1),
    );
  });
}

test("S113, S115: a kept image of a system reads back as its records, field by field", () => {
  for (const system of [system1, nested1, streams1, supervisors1])
    assert.deepEqual(fromCheckpoint(toCheckpoint(system)), system);
});

for (const [kind, version, checkpoint, id] of KEPT) {
  test(`S115: an image of ${kind} ${version} is readable, and nothing of it is garbage`, async () => {
    const path = mkdtempSync(join(tmpdir(), "rtcr-compat-"));
    try {
      unpackStore(kind, version, path);
      const store = await openDirectoryStore(path);
      assert.equal((await store.resolve("compat")).id, id);
      const loaded = await loadCheckpoint(store, "latest");
      assert.deepEqual(loaded, checkpoint);
      if (kind !== "format") assert.deepEqual(fromCheckpoint(loaded), fromCheckpoint(checkpoint));
      assert.deepEqual((await store.verify()).faults, []);
      assert.equal((await store.gc({ deadRatio: 0 })).freedBytes, 0);
      if (version === FORMAT_VERSION) {
        const { root, report } = await saveCheckpoint(store, checkpoint, { sha256: nodeSha256 });
        assert.equal(root.id, id, "this build writes the same bytes");
        assert.equal(report.newPages, 0);
      }
      await store.close();
    } finally {
      rmSync(path, { recursive: true, force: true });
    }
  });
}
