import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import "../../test/own-config.ts";
import type { ProgramState, Supervisor } from "../machine/index-node.ts";
import { nodeHost, openDirectory } from "../store/index-node.ts";
import { Checkpointer } from "./checkpoints.ts";
import { toFailure } from "./failure.ts";
import { openHome } from "./home.ts";
import { madeHere } from "./marks.ts";
import type { ProgramRecord } from "./record.ts";

const STATE: ProgramState = { group: { abi: 1, instances: [], threads: [] }, wasi: null };

const RECORD: ProgramRecord = {
  file: "/x.wasm",
  module: { hash: "0".repeat(64), sizeBytes: 8 },
  listen: [],
  spec: {
    ...{ args: ["x"], environment: [], directories: [], memoryDirectories: [] },
    ...{ holdOutput: true, deterministic: false },
  },
};

/** A supervisor that notes what it was asked. */
function recorder(): { readonly supervisor: Supervisor; readonly asked: string[] } {
  const asked: string[] = [];
  const answers = { state: STATE, pausedMs: 1 };
  const note = (name: string) => async () => {
    asked.push(name);
    return answers;
  };
  const names = ["capture", "captureFrozen", "resume", "release", "prepared", "kill", "recycle"];
  const supervisor = Object.fromEntries(names.map((name) => [name, note(name)]));
  return { supervisor: supervisor as unknown as Supervisor, asked };
}

test("without space a program that was to stop goes on, and its held output stays held", async (t) => {
  const path = mkdtempSync(join(tmpdir(), "rtcr-full-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const home = openHome(path);
  const { files } = nodeHost;
  let full = false;
  const host = {
    ...nodeHost,
    files: {
      ...files,
      create: async (file: string) => {
        if (full && file.includes("/tmp/")) throw Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC" });
        return files.create(file);
      },
    },
  };
  const store = await openDirectory(host, join(path, "store"));
  const { supervisor, asked } = recorder();
  const checkpointer = new Checkpointer({
    ...{ home, store, supervisor, record: RECORD, name: "x", modules: {}, parent: undefined },
  });
  full = true;
  const failure = toFailure(await checkpointer.make(true).catch((thrown) => thrown));
  assert.equal(failure.exitCode, 1);
  assert.match(
    failure.message,
    /^store: no space left while .*; nothing was published, free some space \(rtcr rm, rtcr gc\) and try again$/,
  );
  assert.equal(failure.hint, "rtcr rm ID, then rtcr gc");
  assert.deepEqual(asked, ["captureFrozen", "resume", "recycle"]);
  assert.equal((await store.list()).roots.length, 0);

  full = false;
  const { id } = await checkpointer.make(true);
  assert.deepEqual(asked.slice(3), ["captureFrozen", "release", "prepared", "kill", "recycle"]);
  assert.deepEqual(readdirSync(join(path, "released")), [id]);
  await store.close();
});

test("S96: a checkpoint is marked as made here before it is one, so no kill leaves it unmarked", async (t) => {
  const path = mkdtempSync(join(tmpdir(), "rtcr-mark-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const home = openHome(path);
  const { files } = nodeHost;
  const ids: string[] = [];
  const rename = async (from: string, to: string) => {
    const [, id] = /\/roots\/\d+\.([0-9a-f]+)\./.exec(to) ?? [];
    if (id === undefined) return files.rename(from, to);
    assert.ok(madeHere(home, id), "marked when it is published");
    ids.push(id);
    throw new Error("killed");
  };
  const store = await openDirectory({ ...nodeHost, files: { ...files, rename } }, join(path, "store"));
  const spec = { ...RECORD.spec, directories: [{ hostPath: path, guestPath: "/", writable: true }] };
  const { supervisor } = recorder();
  const checkpointer = new Checkpointer({
    ...{ home, store, supervisor, record: { ...RECORD, spec }, name: "x", modules: {}, parent: undefined },
  });
  await assert.rejects(checkpointer.make(false), /killed/);
  assert.equal(ids.length, 1);
  assert.deepEqual((await store.list()).roots, []);
  await store.close();
});
