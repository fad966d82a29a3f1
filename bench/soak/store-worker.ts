// The store of the long run, in a thread of its own as in `rtcr run SYSTEM.xml`: components never wait for a disk.
import { readdirSync, statSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { fromCheckpoint, type SystemCheckpoint, toCheckpoint } from "../../src/checkpoint/index.ts";
import {
  loadCheckpoint,
  nodeSha256,
  openDirectoryStore,
  type Store,
  saveCheckpoint,
} from "../../src/store/index-node.ts";

/** Checkpoints that the store keeps. */
const KEPT = 5;

export interface StoreReading extends HeapReading {
  readonly storeBytes: number;
}

export interface HeapReading {
  readonly heapBytes: number;
  /** ArrayBuffers and WebAssembly memories. */
  readonly outsideBytes: number;
}

/** What the worker does, by name; the answer is what the function resolves to. */
const WORK = {
  /** @returns the id */
  save: async (store: Store, system: SystemCheckpoint): Promise<string> =>
    (await saveCheckpoint(store, toCheckpoint(system), { sha256: nodeSha256 })).root.id,
  load: async (store: Store, id: string): Promise<SystemCheckpoint> =>
    fromCheckpoint(await loadCheckpoint(store, id, { sha256: nodeSha256 })),
  /** Removes all checkpoints but the last ones, and their pages. */
  collect: async (store: Store, _: undefined): Promise<void> => {
    const { roots } = await store.list();
    for (const { id } of roots.slice(0, -KEPT)) await store.remove(id);
    await store.gc();
  },
  /** CPU milliseconds of the thread until now. */
  time: async (): Promise<number> => threadMs(),
  read: async (_: Store, folder: string): Promise<StoreReading> => ({
    ...heapReading(),
    storeBytes: folderBytes(folder),
  }),
};

/** CPU time of the JavaScript thread that asks, in milliseconds. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

type Work = typeof WORK;
type Argument<Name extends keyof Work> = Parameters<Work[Name]>[1];
type Result<Name extends keyof Work> = Awaited<ReturnType<Work[Name]>>;

export class StoreThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #next = 0;

  constructor(folder: string) {
    this.#worker = new Worker(new URL(import.meta.url), { workerData: folder });
    this.#worker.on("message", ({ number, result, error }) => {
      const waiting = this.#waiting.get(number)!;
      this.#waiting.delete(number);
      if (error) waiting.reject(error);
      else waiting.resolve(result);
    });
    this.#worker.on("error", (error) => {
      for (const waiting of this.#waiting.values()) waiting.reject(error);
    });
  }

  /**
   * Begins when what was asked for before is done. The argument is copied before this returns, but not what is shared
   * memory: that must not change until it resolves.
   */
  do<Name extends keyof Work>(name: Name, argument: Argument<Name>): Promise<Result<Name>> {
    const number = this.#next++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(number, waiting);
    this.#worker.postMessage({ number, name, argument });
    return waiting.promise as Promise<Result<Name>>;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** After the engine's own collection: what is unreachable is no growth. */
export function heapReading(): HeapReading {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, external } = process.memoryUsage();
  return { heapBytes: heapUsed, outsideBytes: external };
}

function folderBytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(`${parentPath}/${name}`).size, 0);
}

async function serve(folder: string): Promise<void> {
  const store = await openDirectoryStore(folder);
  const one = async ({ number, name, argument }: { number: number; name: keyof Work; argument: unknown }) => {
    try {
      const work = WORK[name] as (store: Store, argument: unknown) => Promise<unknown>;
      parentPort!.postMessage({ number, result: await work(store, argument) });
    } catch (error) {
      parentPort!.postMessage({ number, error });
    }
  };
  let last = Promise.resolve();
  parentPort!.on("message", (message) => (last = last.then(() => one(message)))); // one after the other
}

if (!isMainThread && typeof workerData === "string") await serve(workerData);
