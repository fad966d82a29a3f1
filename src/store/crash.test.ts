// A kill, a power failure or a full disk at every single operation: a checkpoint is complete or absent, older ones are
// untouched, and the store goes on.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import type { Checkpoint } from "../checkpoint/index.ts";
import { checkpointOf, randomOf } from "../checkpoint/samples.test.ts";
import { type DirectoryHost, openDirectory } from "./directory.ts";
import { nodeHost } from "./directory-node.ts";
import type { FileOperations } from "./files.ts";
import { loadCheckpoint } from "./images.ts";
import { type Aftermath, Killed, SimulatedFiles, type Trouble, TroubledFiles } from "./simulated-files.test.ts";
import { pagesOf, sample, save } from "./suite.test.ts";
import type { Store } from "./types.ts";

let processes = 0;
const alive = new Set<number>();

/** A process of the simulated machine; it is dead when `end` was called. */
function processOn(files: FileOperations): { host: DirectoryHost; end: () => void } {
  const pid = ++processes;
  alive.add(pid);
  let tokens = 0;
  const owner = { host: "simulated", pid, started: "1", alive: async (other: number) => alive.has(other) };
  const token = (): string => `p${pid}t${++tokens}`;
  return { host: { ...nodeHost, files, owner, token }, end: () => void alive.delete(pid) };
}

/** Runs `work` on a store in its own process. */
async function inProcess<T>(files: FileOperations, work: (store: Store) => Promise<T>, path = "store"): Promise<T> {
  const { host, end } = processOn(files);
  try {
    return await work(await openDirectory(host, path, { lockWaitMs: 50, segmentBytes: 2 * 65_536 }));
  } finally {
    end();
  }
}

const OLD = sample("old", 1);
const NEW = sample("new", 2, 4);
const LATER = sample("later", 3);
/** Shares units with OLD, so that gc has to rewrite the segment they lie in. */
const DOOMED = ((): Checkpoint => {
  const bytes = sample("doomed", 4, 4).group.instances[0]!.memories[0]!.content;
  bytes.set(OLD.group.instances[0]!.memories[0]!.content.subarray(0, 65_536), 65_536);
  return checkpointOf("doomed", bytes);
})();

/** Every checkpoint that is listed is whole; these are there; the store takes another one, and gc leaves no rubbish. */
async function requireSound(files: SimulatedFiles, expected: readonly Checkpoint[], label: string): Promise<void> {
  await inProcess(files, async (store) => {
    const { roots, damaged } = await store.list();
    assert.deepEqual(damaged, [], label);
    const known = [OLD, NEW, LATER, DOOMED];
    for (const root of roots) {
      const original = known.find(({ name }) => name === root.name);
      assert.deepEqual(await loadCheckpoint(store, root.id), original, label);
    }
    for (const { name } of expected)
      assert.ok(
        roots.some((root) => root.name === name),
        `${label}: ${name} is there`,
      );
    await save(store, LATER);
    assert.deepEqual(await loadCheckpoint(store, "latest"), LATER, label);
    await store.gc({ deadRatio: 0 });
    assert.deepEqual((await store.verify()).faults, [], label);
    for (const { name } of expected) await store.resolve(name);
  });
  const rubbish = files.tree("store").filter((path) => /\/(tmp|locks)\//.test(path));
  assert.deepEqual(rubbish, [], label);
}

interface Scenario {
  readonly title: string;
  readonly prepare: (store: Store) => Promise<unknown>;
  readonly work: (store: Store) => Promise<unknown>;
  /** There whatever happens, and when `work` has ended. */
  readonly before: readonly Checkpoint[];
  readonly after: readonly Checkpoint[];
}

const SCENARIOS: readonly Scenario[] = [
  {
    title: "making a store and saving into it",
    prepare: async () => {},
    work: (store) => save(store, NEW),
    before: [],
    after: [NEW],
  },
  {
    title: "saving beside an older checkpoint",
    prepare: (store) => save(store, OLD),
    work: (store) => save(store, NEW),
    before: [OLD],
    after: [OLD, NEW],
  },
  {
    title: "removing and collecting garbage",
    prepare: async (store) => {
      await save(store, DOOMED);
      await save(store, OLD);
    },
    work: async (store) => {
      await store.remove((await store.resolve("doomed")).id);
      await store.gc({ deadRatio: 0 });
    },
    before: [OLD],
    after: [OLD],
  },
];

/** The disk before the scenario's work; the first scenario has an empty one. */
async function prepared({ prepare, before }: Scenario): Promise<SimulatedFiles> {
  const files = new SimulatedFiles();
  if (before.length > 0) await inProcess(files, prepare);
  else await files.makeDirectory("store").then(() => files.syncDirectory("store"));
  return files;
}

/** Runs the scenario's work with a trouble; returns the disk, how many operations there were, and what was thrown. */
async function run(scenario: Scenario, disk: SimulatedFiles, trouble?: Trouble) {
  const files = disk.after("kept");
  const troubled = new TroubledFiles(files, trouble);
  const thrown = await inProcess(troubled, scenario.work).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { files, count: troubled.count, thrown };
}

for (const scenario of SCENARIOS) {
  test(`F3: a kill or power failure at any operation while ${scenario.title}`, async () => {
    const disk = await prepared(scenario);
    const { count } = await run(scenario, disk);
    assert.ok(count > 10, `${count} operations`);
    for (let at = 1; at <= count; at++) {
      for (const what of ["kill-before", "kill-after"] as const) {
        const { files, thrown } = await run(scenario, disk, { at, what });
        assert.ok(thrown instanceof Killed, `operation ${at}`);
        const aftermaths: Aftermath[] = ["kept", "lost", "names-only", randomOf(at), randomOf(at + 1000)];
        for (const [i, aftermath] of aftermaths.entries()) {
          await requireSound(files.after(aftermath), scenario.before, `${what} at ${at} of ${count}, aftermath ${i}`);
        }
      }
    }
  });

  test(`what ${scenario.title} has done survives a power failure`, async () => {
    const { files, thrown } = await run(scenario, await prepared(scenario));
    assert.equal(thrown, undefined);
    for (const aftermath of ["kept", "lost", "names-only", randomOf(1)] as const) {
      await requireSound(files.after(aftermath), scenario.after, "done");
    }
  });

  for (const what of ["ENOSPC", "EIO"] as const) {
    test(`${what} at any operation while ${scenario.title}: a named fault, and the next try succeeds`, async () => {
      const disk = await prepared(scenario);
      const { count } = await run(scenario, disk);
      for (let at = 1; at <= count; at++) {
        for (const lasting of [false, true]) {
          const { files, thrown } = await run(scenario, disk, { at, what, lasting });
          const code = what === "ENOSPC" ? "no-space" : "io";
          if (thrown !== undefined)
            assert.equal((thrown as { code?: string }).code, code, `operation ${at}: ${thrown}`);
          const { thrown: again } = await run(scenario, files);
          const removed = (again as { code?: string } | undefined)?.code === "not-found"; // it was, the first time
          assert.ok(again === undefined || removed, `operation ${at}: ${again}`);
          await requireSound(files, scenario.before, `${what} at ${at}`);
        }
      }
    });
  }
}

test("no space: the message says what to do, and temporary files are gone", async () => {
  const scenario = SCENARIOS[1]!;
  const { files, thrown } = await run(scenario, await prepared(scenario), { at: 5, what: "ENOSPC", lasting: true });
  assert.equal(
    (thrown as Error).message,
    "store: no space left while writing to store; nothing was published, free some space (rtcr rm, rtcr gc) and try again",
  );
  assert.deepEqual(files.tree("store/tmp"), []);
  assert.deepEqual(files.tree("store/locks"), []);
});

test("F3: what another writer renamed and did not make safe is made safe before it is relied on", async () => {
  const disk = await prepared(SCENARIOS[1]!);
  const { count } = await run(SCENARIOS[1]!, disk);
  for (let at = 1; at <= count; at++) {
    const { files } = await run(SCENARIOS[1]!, disk, { at, what: "kill-after" });
    await inProcess(files, (store) => save(store, NEW)); // only the process had died: it finds those files
    await requireSound(files.after("lost"), [OLD, NEW], `after a writer killed at ${at}`);
  }
});

test("a real directory: killed at any operation", async () => {
  const path = mkdtempSync(`${tmpdir()}/rtcr-crash-`);
  try {
    const work = (store: Store): Promise<unknown> => save(store, NEW);
    const counting = new TroubledFiles(nodeHost.files);
    await inProcess(nodeHost.files, (store) => save(store, OLD), `${path}/0`);
    await inProcess(counting, work, `${path}/0`);
    for (let at = 1; at <= counting.count; at++) {
      await inProcess(nodeHost.files, (store) => save(store, OLD), `${path}/${at}`);
      const killed = new TroubledFiles(nodeHost.files, { at, what: "kill-after" });
      await assert.rejects(inProcess(killed, work, `${path}/${at}`), Killed);
      await inProcess(
        nodeHost.files,
        async (store) => {
          assert.deepEqual(await loadCheckpoint(store, "old"), OLD);
          await save(store, NEW);
          assert.deepEqual(await loadCheckpoint(store, "latest"), NEW);
          await store.gc();
          assert.deepEqual((await store.verify()).faults, []);
          await store.close();
        },
        `${path}/${at}`,
      );
    }
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
});

test("a holder that was taken for dead does not publish", async () => {
  const files = new SimulatedFiles();
  const source = await inProcess(files, async (store) => {
    const { image } = await save(store, OLD);
    return { manifest: image.manifest, pages: await pagesOf(store, image.manifest) };
  });
  const { host, end } = processOn(files);
  const sleeper = await openDirectory(host, "store");
  const published = sleeper.write(async (writer) => {
    await writer.putPages(source.pages);
    const id = await writer.putManifest(source.manifest);
    end(); // a process elsewhere believes so
    await inProcess(files, (store) => store.gc());
    await writer.publish(id, "late");
  });
  await assert.rejects(published, {
    code: "lock-lost",
    message:
      /^store: lock writer\.p\d+t\d+ has gone, expected it until its holder ends; nothing was published, try again$/,
  });
});

test("locks of other hosts go stale after 10 minutes", async () => {
  const files = new SimulatedFiles();
  await inProcess(files, (store) => save(store, OLD));
  let nowMs = 1_000_000;
  const { host } = processOn(files);
  const elsewhere = { ...host, owner: { ...host.owner, host: "elsewhere" }, now: () => nowMs };
  const { host: hereHost } = processOn(files);
  const here = await openDirectory({ ...hereHost, now: () => nowMs }, "store", { lockWaitMs: 30 });
  const far = await openDirectory(elsewhere, "store");
  await far.write(async () => {
    await assert.rejects(here.gc(), {
      code: "locked",
      message:
        /^store: process \d+ holds it \(writer, locks\/writer\.p\d+t\d+\), expected it to end in time; try again later$/,
    });
    nowMs += 599_000;
    await assert.rejects(here.gc(), { code: "locked" });
    nowMs += 2_000;
    await here.gc();
  });
});
