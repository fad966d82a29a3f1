import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import "../../test/own-config.ts";
import { runForeground } from "./foreground.ts";
import { openHome } from "./home.ts";
import { claimName, listRuns } from "./runs.ts";

test("S96: a run is announced before it keeps its module, so gc knows of it", async (t) => {
  const path = mkdtempSync(join(tmpdir(), "rtcr-run-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const home = openHome(path);
  let announced: ReturnType<typeof listRuns> | undefined;
  const watched: typeof home = {
    ...home,
    at: (folder, ...names) => {
      if (folder !== "modules") return home.at(folder, ...names);
      announced = listRuns(home);
      throw new Error("killed");
    },
  };
  const claim = claimName(home, "x", "");
  const module = { bytes: new Uint8Array(8), hash: "0".repeat(64) };
  const spec = {
    ...{ args: ["x"], environment: [], directories: [], memoryDirectories: [] },
    ...{ holdOutput: false, deterministic: false },
  };
  const record = { file: "/x.wasm", module: { hash: module.hash, sizeBytes: 8 }, listen: [], spec };
  const io = { out: () => {}, err: () => {}, environment: {} };
  const options = { io, home: watched, claim, record, module, moduleApart: true, everyMs: undefined };
  await assert.rejects(runForeground(options), /killed/);
  assert.deepEqual(
    (await announced!).map(({ name }) => name),
    ["x"],
  );
  claim.release();
});
