// What every store must do. A backend's test calls storeSuite with a way to make one; this file runs nothing by itself.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type Checkpoint, encodeCheckpoint, type Page, reachImage } from "../checkpoint/index.ts";
import { checkpointOf, randomBytes, randomCheckpoint, randomOf } from "../checkpoint/samples.test.ts";
import { loadCheckpoint, openImage, type SavedImage, saveCheckpoint } from "./images.ts";
import type { Store } from "./types.ts";

/** Makes an empty store; gc and writers wait for each other at most some 100 ms. `done` takes it away. */
export type MakeStore = () => Promise<{ readonly store: Store; readonly done: () => Promise<void> }>;

export const nodeHash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export function save(store: Store, checkpoint: Checkpoint): Promise<SavedImage> {
  return saveCheckpoint(store, checkpoint, { sha256: nodeHash });
}

/** A checkpoint with `units` random units that follow from the seed. */
export function sample(name: string, seed: number, units = 3): Checkpoint {
  const random = randomOf(seed);
  const bytes = new Uint8Array(units * 65_536);
  for (let i = 0; i < bytes.length; i += 97) bytes[i] = 1 + random(255);
  return checkpointOf(name, bytes);
}

export function storeSuite(label: string, make: MakeStore): void {
  const on = (title: string, body: (store: Store) => Promise<void>): void => {
    test(`${label}: ${title}`, async () => {
      const { store, done } = await make();
      try {
        await body(store);
      } finally {
        await store.close();
        await done();
      }
    });
  };

  on("F10: what was saved is loaded", async (store) => {
    for (let seed = 1; seed <= 5; seed++) {
      const checkpoint = randomCheckpoint(randomOf(seed));
      const { root } = await save(store, checkpoint);
      assert.deepEqual(await loadCheckpoint(store, root.id), checkpoint, `seed ${seed}`);
    }
    assert.deepEqual((await store.verify()).faults, []);
  });

  on("F2, F10: many pages are read at once into memory that is given, verified", async (store) => {
    const checkpoint = sample("run", 9, 100); // 6.5 MiB: other threads help where there are any
    const { root } = await save(store, checkpoint);
    const { reader } = await openImage(store, root.id);
    const target = new Uint8Array(new SharedArrayBuffer(100 * 65_536));
    await reader.memory(0, 0, target);
    assert.ok(Buffer.from(target).equals(checkpoint.group.instances[0]!.memories[0]!.content));
    const outline = await reader.outline();
    assert.equal(outline.instances[0]!.memories[0]!.content.length, 0);
    assert.deepEqual(outline.threads, checkpoint.group.threads);
    const name = nodeHash(target.subarray(0, 65_536));
    const short = new Uint8Array(new SharedArrayBuffer(10));
    await assert.rejects(store.readPages([{ name, target: short }]), { code: "damaged" });
    await assert.rejects(store.readPages([{ name: "ab".repeat(32), target: short }]), { code: "missing" });
  });

  on("F8: an increment stores what changed", async (store) => {
    const checkpoint = sample("run", 1, 20);
    const first = await save(store, checkpoint);
    assert.deepEqual([first.report.pages, first.report.newPages], [21, 21]);
    checkpoint.group.instances[0]!.memories[0]!.content[5 * 65_536 + 1] = 77;
    const second = await save(store, checkpoint);
    assert.deepEqual([second.report.pages, second.report.newPages], [21, 2]);
    const third = await save(store, checkpoint);
    assert.equal(third.report.newPages, 0);
    assert.equal(third.root.id, second.root.id);
  });

  on("F3: pages and manifests without a root are no checkpoint", async (store) => {
    const { image } = await save(store, sample("run", 1));
    await store.remove(image.id);
    assert.deepEqual((await store.list()).roots, []);
    await assert.rejects(store.resolve("latest"), {
      code: "not-found",
      message: "store: no checkpoint latest, expected latest, a run name or an id; the store holds no checkpoint",
    });
    assert.ok((await store.readManifest(image.id)).length > 0); // F4: still there until gc
  });

  on("references: latest, run names, ids, unique prefixes", async (store) => {
    const a1 = await save(store, sample("a", 1));
    const b = await save(store, sample("b", 2));
    const a2 = await save(store, sample("a", 3));
    const id = async (reference: string): Promise<string> => (await store.resolve(reference)).id;
    assert.equal(await id("latest"), a2.root.id);
    assert.equal(await id("a"), a2.root.id);
    assert.equal(await id("b"), b.root.id);
    assert.equal(await id(a1.root.id), a1.root.id);
    assert.equal(await id(a1.root.id.slice(0, 12)), a1.root.id);
    await store.remove(a2.root.id);
    assert.equal(await id("a"), a1.root.id);
    assert.equal(await id("latest"), b.root.id);
    for (const none of ["c", "f00", "../a", "", "__proto__"])
      await assert.rejects(store.resolve(none), { code: "not-found" });
    await assert.rejects(store.remove(a2.root.id), { code: "not-found" });
  });

  on("a prefix of two ids is ambiguous, and one id under two names is not", async (store) => {
    const ids: string[] = [];
    for (let seed = 0; ids.length < 2; seed++) {
      const { root } = await save(store, { ...checkpointOf("run", new Uint8Array(0)), program: seed });
      const twin = ids.length === 0 || ids[0]!.slice(0, 1) === root.id.slice(0, 1);
      if (twin) ids.push(root.id);
    }
    await store.write((writer) => writer.publish(ids[0]!, "other-name"));
    assert.equal((await store.resolve(ids[0]!.slice(0, 16))).id, ids[0]);
    assert.equal((await store.resolve("other-name")).id, ids[0]);
    await store.remove(ids[0]!); // takes both names
    await assert.rejects(store.resolve("other-name"), { code: "not-found" });
  });

  on("refuses run names and ids that are none", async (store) => {
    const { image } = await save(store, sample("run", 1));
    for (const name of ["", "latest", ".hidden", "-x", "a/b", "a".repeat(101), "ä", "a b", "a\0"]) {
      await assert.rejects(
        store.write((writer) => writer.publish(image.id, name)),
        { code: "name-refused" },
      );
    }
    await store.write((writer) => writer.publish(image.id, "a".repeat(100)));
    await assert.rejects(
      store.write((writer) => writer.publish("0".repeat(64), "run")),
      {
        code: "missing",
        message: "store: manifest 00000000 is missing, expected it in the store",
      },
    );
    await assert.rejects(store.readManifest("../store.json"), { code: "not-found" });
  });

  on("refuses a manifest before its pages", async (store) => {
    const other = await make();
    const { image } = await save(other.store, sample("run", 1));
    await other.done();
    await assert.rejects(
      store.write((writer) => writer.putManifest(image.manifest)),
      {
        code: "incomplete",
        message:
          /^store: the manifest reaches page [0-9a-f]{8}, which is not there; expected all pages to be put first$/,
      },
    );
    await assert.rejects(
      store.write((writer) => writer.putManifest(new Uint8Array(5))),
      { code: "foreign" },
    );
    assert.deepEqual(await store.list(), { roots: [], damaged: [] });
  });

  on("missing pages are named", async (store) => {
    await assert.rejects(store.readPage("ab".repeat(32)), {
      code: "missing",
      message: "store: page abababab is missing, expected it in the store",
    });
  });

  on("F4: gc deletes what no root reaches, and nothing else", async (store) => {
    const kept = sample("kept", 1, 8);
    const { root } = await save(store, kept);
    const mixed = sample("mixed", 1, 8);
    mixed.group.instances[0]!.memories[0]!.content.fill(9, 0, 65_536);
    const doomed = await save(store, mixed);
    await save(store, sample("gone", 2)).then((gone) => store.remove(gone.root.id));
    await store.remove(doomed.root.id);
    const report = await store.gc({ deadRatio: 0 });
    assert.equal(report.keptPages, 9);
    assert.equal(report.deletedPages, 2 + 4);
    assert.equal(report.deletedManifests, 2);
    await assert.rejects(store.readManifest(doomed.root.id), { code: "missing" });
    assert.deepEqual(await loadCheckpoint(store, root.id), kept);
    assert.deepEqual((await store.verify()).faults, []);
    const again = await store.gc({ deadRatio: 0 });
    assert.deepEqual([again.deletedPages, again.deletedManifests, again.freedBytes], [0, 0, 0]);
    assert.deepEqual(await loadCheckpoint(store, (await save(store, mixed)).root.id), mixed);
  });

  on("gc keeps away from a writer at work", async (store) => {
    const source = await make();
    const checkpoint = sample("run", 5);
    const { image } = await save(source.store, checkpoint);
    const names = ["one", "two"];
    await store.write(async (writer) => {
      const reached = await pagesOf(source.store, image.manifest);
      await writer.putPages(reached);
      await assert.rejects(store.gc(), { code: "locked" });
      await writer.publish(await writer.putManifest(image.manifest), names[0]!);
    });
    await source.done();
    await store.gc();
    assert.deepEqual(await loadCheckpoint(store, "one"), checkpoint);
  });

  on("F4: a gc deletes nothing of a writer that begins with it", async (store) => {
    const old = await save(store, sample("old", 1));
    const checkpoint = sample("new", 2);
    const { pages, manifest } = encoded(checkpoint);
    const collect = () => store.gc().catch((thrown) => assert.equal(thrown.code, "locked"));
    const write = async (): Promise<unknown> =>
      store.write(async (writer) => {
        await writer.putPages(pages);
        for (let i = 0; i < 20; i++) await turn();
        await writer.publish(await writer.putManifest(manifest), "new");
      });
    await Promise.all([collect(), collect(), untilUnlocked(write), collect()]);
    assert.deepEqual(await loadCheckpoint(store, "new"), checkpoint);
    await store.resolve(old.root.id);
  });

  on("many writers and gc at once: every checkpoint that was published is whole", (store) => manyAtOnce([store]));

  on("verify counts what a checkpoint reaches", async (store) => {
    const { root } = await save(store, sample("run", 1, 3));
    await save(store, sample("other", 2, 3));
    assert.deepEqual(await store.verify(root.id), { manifests: 1, pages: 4, bytes: 3 * 65_536 + 96, faults: [] });
    assert.equal((await store.verify()).pages, 8);
    const unknown = await store.verify("0".repeat(64));
    assert.deepEqual(
      unknown.faults.map(({ code }) => code),
      ["missing"],
    );
  });
}

/** Twelve writers and a gc, each on one of the stores in turn, which are one store for several processes. */
export async function manyAtOnce(stores: readonly Store[]): Promise<void> {
  const saved: [string, Checkpoint][] = [];
  const random = randomOf(11);
  const storeOf = (i: number): Store => stores[i % stores.length]!;
  const one = async (i: number): Promise<void> => {
    const bytes = randomBytes(randomOf(i % 4), 5 * 65_536); // many pages in common
    bytes[random(bytes.length)] = 1;
    const checkpoint = checkpointOf(`run-${i}`, bytes);
    const { root } = await untilUnlocked(() => save(storeOf(i), checkpoint));
    if (i % 3 === 0) await untilUnlocked(() => storeOf(i).remove(root.id));
    else saved.push([root.id, checkpoint]);
  };
  const collect = async (): Promise<void> => {
    for (let k = 0; k < 4; k++) {
      await storeOf(k)
        .gc({ deadRatio: 0 })
        .catch((thrown) => assert.equal(thrown.code, "locked"));
    }
  };
  await Promise.all([...Array.from({ length: 12 }, (_, i) => one(i)), collect()]);
  const store = storeOf(0);
  await store.gc({ deadRatio: 0 });
  for (const [id, checkpoint] of saved) assert.deepEqual(await loadCheckpoint(storeOf(1), id), checkpoint);
  assert.deepEqual((await store.verify()).faults, []);
  assert.equal((await store.list()).roots.length, saved.length);
}

/** Does it when others, on a busy machine for longer than it waits, have the store no more. */
async function untilUnlocked<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      if ((thrown as { readonly code?: string }).code !== "locked") throw thrown;
    }
  }
}

/** What a writer puts for a checkpoint. */
export function encoded(checkpoint: Checkpoint): { readonly pages: readonly Page[]; readonly manifest: Uint8Array } {
  const encoding = encodeCheckpoint(checkpoint, { sha256: nodeHash });
  const pages: Page[] = [];
  for (;;) {
    const step = encoding.next();
    if (step.done) return { pages, manifest: step.value.manifest };
    pages.push(step.value);
  }
}

/** All pages that a manifest of another store reaches. */
export async function pagesOf(store: Store, manifest: Uint8Array): Promise<{ name: string; bytes: Uint8Array }[]> {
  const reached = { pages: new Set<string>(), nodes: new Set<string>() };
  await reachImage(manifest, (name) => store.readPage(name), reached);
  return Promise.all([...reached.pages].map(async (name) => ({ name, bytes: await store.readPage(name) })));
}
