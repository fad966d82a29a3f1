// Workers that copy contents of dataspaces while the supervisor writes the records of a checkpoint. They are started once,
// before any pause, and sleep between checkpoints.
import { messageOf } from "../../util/index.ts";
import { log } from "../logging.ts";
import type { CopyTask } from "./copy-task.ts";

/** One worker, as its host gives it: it does `workAt` with every task that it is posted. */
export interface CopyWorker {
  /** Wakes it for a checkpoint; it may come when everything is done. */
  post(task: CopyTask): void;
  /** Ends it. Resolves when it writes nothing any more. */
  terminate(): Promise<void>;
}

/** Starts a worker. @param lost called when it has ended by itself, with why */
export type StartCopyWorker = (number: number, lost: (why: string) => void) => CopyWorker;

export interface CopyPoolOptions {
  readonly start: StartCopyWorker;
  readonly workers: number;
  /** Milliseconds that a checkpoint waits for a job that a worker has taken. Default: 10,000. */
  readonly patienceMs?: number;
  /** Whether the supervisor copies too when it has written the records. Default: yes. */
  readonly helps?: boolean;
}

const PATIENCE_MS = 10_000;

export class CopyPool {
  readonly patienceMs: number;
  readonly helps: boolean;
  readonly #copied: number[] = [];
  /** By number; those that are lost leave. */
  readonly #workers = new Map<number, CopyWorker>();
  /** Why those that are lost are, by number. */
  readonly #lost = new Map<number, string>();
  readonly #size: number;
  #closed = false;

  /** Throws nothing: a worker that cannot be started is said to be lost. */
  constructor({ start, workers, patienceMs = PATIENCE_MS, helps = true }: CopyPoolOptions) {
    this.patienceMs = patienceMs;
    this.helps = helps;
    this.#size = workers;
    for (let number = 0; number < workers; number++) {
      try {
        this.#workers.set(
          number,
          start(number, (why) => this.#lose(number, why)),
        );
      } catch (thrown) {
        this.#lose(number, messageOf(thrown));
      }
    }
  }

  /** Numbers of workers are below it. */
  get size(): number {
    return this.#size;
  }

  /** Why those that are lost are, by number. */
  get lost(): ReadonlyMap<number, string> {
    return this.#lost;
  }

  /** Workers that are there. */
  get living(): number {
    return this.#workers.size;
  }

  /** Jobs that workers have done, of all checkpoints. */
  get copied(): number {
    return this.#copied.reduce((all, each) => all + each, 0);
  }

  /** Jobs that one worker has done. */
  copiedBy(number: number): number {
    return this.#copied[number] ?? 0;
  }

  /** @internal A worker has done so many more jobs. */
  add(number: number, jobs: number): void {
    this.#copied[number] = this.copiedBy(number) + jobs;
  }

  /** Wakes all workers for a checkpoint. Throws nothing: a worker that cannot be told is lost. */
  post(task: CopyTask): void {
    for (const [number, worker] of this.#workers) {
      try {
        worker.post(task);
      } catch (thrown) {
        void this.dismiss([number], messageOf(thrown));
      }
    }
  }

  /** Ends workers that hold up a checkpoint. Resolves when none of them writes any more. */
  async dismiss(numbers: readonly number[], why: string): Promise<void> {
    const dismissed = numbers.flatMap((number) => this.#workers.get(number) ?? []);
    for (const number of numbers) this.#lose(number, why);
    await Promise.all(dismissed.map((worker) => worker.terminate()));
  }

  close(): void {
    this.#closed = true;
    const all = [...this.#workers.values()];
    this.#workers.clear();
    for (const worker of all) void worker.terminate();
  }

  #lose(number: number, why: string): void {
    this.#workers.delete(number);
    if (this.#closed || this.#lost.has(number)) return;
    this.#lost.set(number, why);
    log.warning?.(`copy worker ${number} is lost: ${why}; ${this.living} of ${this.#size} are left`);
  }
}
