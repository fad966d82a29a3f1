// Threads that help the main thread with many pages. They are started when they are first of use, stay, and keep no
// process alive; what is under way before they are there is done without them.
//
// I1  Nothing depends on a helper: pages that one has left open (it was ended, the file could not be read) are left to
//     whoever asked.

import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { HashedAhead, PageHelpers, PageToRead } from "./page-helpers.ts";
import { NAME_BYTES, type PageJob, STATE, servePiece } from "./page-jobs-node.ts";

/** More threads than this do not read or hash faster: the memory's speed is reached. */
const MOST_HELPERS = 3;
/** From so many bytes on a helper is worth starting (its start takes 20 to 50 ms). */
const WORTH_BYTES = 4 << 20;

class Helper {
  readonly #worker: Worker;
  #ready = false;
  #finish: (() => void) | undefined;

  constructor(ended: (helper: Helper) => void) {
    this.#worker = new Worker(helperFile());
    this.#worker.on("message", (message) => {
      if (message === "ready") this.#ready = true;
      else this.#done();
    });
    const gone = (): void => {
      ended(this);
      this.#done();
    };
    this.#worker.on("error", gone);
    this.#worker.on("exit", gone);
    this.#worker.unref(); // last: listeners would keep the process
  }

  get idle(): boolean {
    return this.#ready && !this.#finish;
  }

  /** Resolves when no piece is left that it could take, and it has done its own. */
  serve(job: PageJob): Promise<void> {
    this.#worker.ref(); // somebody waits for it
    const finished = new Promise<void>((resolve) => (this.#finish = resolve));
    this.#worker.postMessage(job);
    return finished;
  }

  #done(): void {
    this.#finish?.();
    this.#finish = undefined;
    this.#worker.unref();
  }
}

class NodePageHelpers implements PageHelpers {
  readonly #helpers = new Set<Helper>();

  start(): void {
    const wanted = Math.min(MOST_HELPERS, availableParallelism() - 1);
    while (this.#helpers.size < wanted) this.#helpers.add(new Helper((helper) => this.#helpers.delete(helper)));
  }

  expect(sizeBytes: number): void {
    if (sizeBytes >= WORTH_BYTES) this.start();
  }

  async read(descriptor: number, bytes: Uint8Array, pages: readonly PageToRead[]): Promise<readonly PageToRead[]> {
    const places = new Float64Array(new SharedArrayBuffer(pages.length * 24));
    const names = sharedBytes(pages.length * NAME_BYTES);
    const states = sharedBytes(pages.length);
    let total = 0;
    for (const [i, { name, position, offset, sizeBytes }] of pages.entries()) {
      places.set([position, offset, sizeBytes], i * 3);
      names.set(Uint8Array.fromHex(name), i * NAME_BYTES);
      total += sizeBytes;
    }
    await this.#together({ kind: "read", next: counter(), bytes, descriptor, places, names, states }, total);
    return pages.filter((_, i) => states[i] !== STATE.done);
  }

  hash(bytes: Uint8Array, unitBytes: number): HashedAhead | undefined {
    if (!sharedMemory(bytes) || bytes.length < WORTH_BYTES) return undefined;
    this.start();
    const units = Math.ceil(bytes.length / unitBytes);
    const [names, states, front] = [sharedBytes(units * NAME_BYTES), sharedBytes(units), counter()];
    const job = { kind: "hash", next: counter(), bytes, unitBytes, names, states, front } as const;
    for (const helper of this.#idle()) void helper.serve(job);
    return {
      nameOf: (unit) => {
        Atomics.store(front, 0, unit + 1);
        const state = Atomics.load(states, unit);
        if (state === STATE.zeros) return null;
        return state === STATE.done ? names.subarray(unit * NAME_BYTES, (unit + 1) * NAME_BYTES).toHex() : undefined;
      },
      stop: () => void Atomics.store(front, 0, units),
    };
  }

  async touch(bytes: Uint8Array): Promise<void> {
    await this.#together({ kind: "touch", next: counter(), bytes }, bytes.length);
  }

  /** Does a job in this thread, which stays responsive, and in all helpers that are idle. */
  async #together(job: PageJob, sizeBytes: number): Promise<void> {
    const help = sizeBytes >= WORTH_BYTES && sharedMemory(job.bytes);
    if (help) this.start();
    const others = help ? this.#idle().map((helper) => helper.serve(job)) : [];
    try {
      while (servePiece(job)) await new Promise((resolve) => setImmediate(resolve));
    } finally {
      await Promise.all(others);
    }
  }

  #idle(): Helper[] {
    return [...this.#helpers].filter((helper) => helper.idle);
  }
}

/** The process's own. */
export const nodePageHelpers: PageHelpers = new NodePageHelpers();

/** Zeroed bytes for a content: shared memory where helpers are worth it, which other threads are also given as it is. */
export function contentBytes(sizeBytes: number): Uint8Array {
  return sizeBytes < WORTH_BYTES ? new Uint8Array(sizeBytes) : sharedBytes(sizeBytes);
}

function sharedMemory(bytes: Uint8Array): boolean {
  return bytes.buffer instanceof SharedArrayBuffer;
}

function sharedBytes(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length));
}

function counter(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** The worker's file: beside this one, as TypeScript in the sources and as JavaScript in a build. */
function helperFile(): URL {
  const source = new URL("./page-helper-node.ts", import.meta.url);
  return existsSync(fileURLToPath(source)) ? source : new URL("./page-helper-node.js", import.meta.url);
}
