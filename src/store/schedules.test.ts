// Orders of file operations that a busy machine brings about by itself, brought about here: single operations held
// where it hurts, and all of them early or late by chance.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { randomOf } from "../checkpoint/samples.test.ts";
import { openDirectory } from "./directory.ts";
import { nodeHost } from "./directory-node.ts";
import { type FileOperations, readFile, writeFile } from "./files.ts";
import { loadCheckpoint } from "./images.ts";
import { SimulatedFiles } from "./simulated-files.test.ts";
import { encoded, manyAtOnce, nodeHash, sample, save } from "./suite.test.ts";
import type { Store } from "./types.ts";

type Slow = <T>(operation: string, work: () => Promise<T>) => Promise<T>;

/** File operations that `slow` does in its own time. */
function slowed(files: FileOperations, slow: Slow): FileOperations {
  return {
    makeDirectory: (path) => slow(`makeDirectory ${path}`, () => files.makeDirectory(path)),
    create: async (path) => {
      const file = await slow(`create ${path}`, () => files.create(path));
      return {
        write: (chunks) => slow(`write ${path}`, () => file.write(chunks)),
        sync: () => slow(`sync ${path}`, () => file.sync()),
        close: () => slow(`close ${path}`, () => file.close()),
      };
    },
    open: async (path) => {
      const file = await slow(`open ${path}`, () => files.open(path));
      return {
        sizeBytes: () => slow(`size ${path}`, () => file.sizeBytes()),
        read: (position, length) => slow(`read ${path}`, () => file.read(position, length)),
        close: () => slow(`close ${path}`, () => file.close()),
      };
    },
    list: (path) => slow(`list ${path}`, () => files.list(path)),
    rename: (from, to) => slow(`rename ${to}`, () => files.rename(from, to)),
    remove: (path) => slow(`remove ${path}`, () => files.remove(path)),
    syncDirectory: (path) => slow(`syncDirectory ${path}`, () => files.syncDirectory(path)),
    touch: (path) => slow(`touch ${path}`, () => files.touch(path)),
    modifiedMs: (path) => slow(`modifiedMs ${path}`, () => files.modifiedMs(path)),
  };
}

/** Holds back what one operation, the next of its name, has found. */
class Held {
  readonly reached = Promise.withResolvers<void>();
  readonly released = Promise.withResolvers<void>();
  #operation: string | undefined;

  hold(operation: string): void {
    this.#operation = operation;
  }

  readonly slow: Slow = async (operation, work) => {
    const result = await work();
    if (this.#operation === undefined || !operation.startsWith(this.#operation)) return result;
    this.#operation = undefined;
    this.reached.resolve();
    await this.released.promise;
    return result;
  };
}

function open(files: FileOperations): Promise<Store> {
  return openDirectory({ ...nodeHost, files }, "store", { lockWaitMs: 300 });
}

const ABSENT = "ab".repeat(32);

test("a listing that began before a segment came does not take it away", async () => {
  const held = new Held();
  const store = await open(slowed(new SimulatedFiles(), held.slow));
  const checkpoint = sample("run", 1);
  const { pages, manifest } = encoded(checkpoint);
  await store.write(async (writer) => {
    held.hold("list store/segments");
    const reading = assert.rejects(store.readPage(ABSENT), { code: "missing" });
    await held.reached.promise;
    await writer.putPages(pages);
    held.released.resolve();
    await reading;
    await writer.publish(await writer.putManifest(manifest), "run");
  });
  assert.deepEqual(await loadCheckpoint(store, "run"), checkpoint);
});

test("F4: pages of a segment that gc deletes while somebody opens it are written again", async () => {
  const files = new SimulatedFiles();
  const held = new Held();
  const store = await open(slowed(files, held.slow));
  const other = await open(files);
  const checkpoint = sample("run", 1);
  const { root } = await save(other, checkpoint);
  checkpoint.group.instances[0]!.memories[0]!.content[0] = 77; // an increment: all but a unit and its names is old
  const { pages, manifest } = encoded(checkpoint);
  held.hold("open store/segments");
  const reading = store.readPage(ABSENT).catch((thrown) => assert.equal(thrown.code, "missing"));
  await held.reached.promise;
  await other.remove(root.id);
  assert.equal((await other.gc()).keptPages, 0);
  const writing = store.write(async (writer) => {
    await reading;
    await writer.putPages(pages);
    await writer.publish(await writer.putManifest(manifest), "run");
  });
  for (let i = 0; i < 20; i++) await turn(); // the writer is as far as it comes
  held.released.resolve();
  await writing;
  assert.deepEqual(await loadCheckpoint(store, "run"), checkpoint);
});

test("F10: a page that gc has moved is found, also by who comes while others still look", async () => {
  const files = new SimulatedFiles();
  const held = new Held();
  const store = await open(slowed(files, held.slow));
  const other = await open(files);
  const kept = sample("kept", 1, 4);
  const doomed = sample("doomed", 1, 4);
  doomed.group.instances[0]!.memories[0]!.content.fill(9, 0, 65_536);
  const gone = await save(other, doomed); // and with it all that both have
  await save(other, kept);
  await store.write(async () => {}); // it knows the segment, and has not opened it
  held.hold("list store/segments");
  const reading = assert.rejects(store.readPage(ABSENT), { code: "missing" });
  await held.reached.promise;
  await other.remove(gone.root.id);
  assert.equal((await other.gc({ deadRatio: 0 })).rewrittenSegments, 1);
  const loading = loadCheckpoint(store, "kept");
  for (let i = 0; i < 20; i++) await turn();
  held.released.resolve();
  await reading;
  assert.deepEqual(await loading, kept);
});

test("a damaged segment that is written again under its name is read anew", async () => {
  const files = new SimulatedFiles();
  const store = await open(files);
  const bytes = new Uint8Array(100).fill(7);
  const page = { name: nodeHash(bytes), bytes };
  const put = () => store.write((writer) => writer.putPages([page]));
  await put();
  const [segment] = files.tree("store/segments");
  const damaged = await readFile(files, segment!);
  damaged[20]! ^= 1;
  await files.remove(segment!);
  await writeFile(files, "store/tmp/damaged", segment!, damaged);
  await assert.rejects(store.readPage(page.name), { code: "damaged" });
  await put();
  assert.deepEqual(files.tree("store/segments"), [segment]);
  assert.deepEqual(await store.readPage(page.name), bytes);
});

test("many writers and gc at once, in two processes, their operations early or late by chance", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const files = new SimulatedFiles();
    const random = randomOf(seed);
    const turns = async (): Promise<void> => {
      for (let left = random(4) === 0 ? random(12) : 0; left > 0; left--) await turn();
    };
    const slow: Slow = async (_, work) => {
      await turns();
      try {
        return await work();
      } finally {
        await turns();
      }
    };
    await manyAtOnce([await open(slowed(files, slow)), await open(slowed(files, slow))]);
  }
});
