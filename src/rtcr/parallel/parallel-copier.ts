// Copies contents by a pool of workers, while records are written; what workers cannot see the supervisor copies itself.
//
//   plan (before the pause)   which memories there are, how many jobs there may be
//   copy (in the pause)       offers jobs of at most JOB_BYTES
//   join (in the pause)       everything is in the arena, or the checkpoint fails by name
import type { ByteSink } from "../../session/index.ts";
import { type CopierOptions, DirectCopier } from "../copier.ts";
import { RtcrFault } from "../faults.ts";
import type { Part } from "../records.ts";
import type { CopyPool } from "./copy-pool.ts";
import {
  type CopyTask,
  close,
  copyJob,
  createTask,
  doneBy,
  finish,
  holderWord,
  isThere,
  offer,
  offeredJobs,
  take,
  WORD,
  waitForJobs,
  withdraw,
} from "./copy-task.ts";

/** Less is copied at once by the supervisor: to offer it would cost as much. */
const LEAST_BYTES = 16 << 10;
/** Large dataspaces are shared among workers in pieces of this. */
const JOB_BYTES = 512 << 10;
/** Jobs beyond those planned: dataspaces may be in more pieces by then. */
const SPARE_JOBS = 64;

/** Looks at dataspaces before the pause. */
export class CopyPlan implements ByteSink {
  /** By their place among them. */
  readonly sources = new Map<SharedArrayBuffer, number>();
  jobs = SPARE_JOBS;

  bytes(_at: number, source: Uint8Array, _from: number, length: number): void {
    const { buffer } = source;
    if (length < LEAST_BYTES || !(buffer instanceof SharedArrayBuffer)) return;
    if (!this.sources.has(buffer)) this.sources.set(buffer, this.sources.size);
    this.jobs += Math.ceil(length / JOB_BYTES);
  }

  zeros(): void {}
}

/**
 * Who copies what of a checkpoint, by the parts that have a place: 0 is the supervisor, n the n-th worker; where there are
 * fewer, one counts on from the first again.
 */
export type CopyPlaces = ReadonlyMap<Part, number>;

interface ParallelOptions extends CopierOptions {
  readonly places?: CopyPlaces | undefined;
  readonly targets?: readonly Uint8Array[] | undefined;
}

export class ParallelCopier extends DirectCopier {
  readonly #pool: CopyPool;
  readonly #sources: CopyPlan["sources"];
  readonly #views: readonly Uint8Array[];
  /** By their place among them. */
  readonly #targets: ReadonlyMap<Uint8Array, number>;
  readonly #task: CopyTask;
  readonly #places: CopyPlaces;
  /** Who copies what comes now: a lane; undefined: the supervisor. */
  #lane: number | undefined = 0;
  #ended = false;
  /** Workers that held up the checkpoint and are being ended. */
  #dismissed: Promise<void> | undefined;

  /**
   * Wakes the workers.
   *
   * @param target shared memory, so that they see it
   * @param targets of `copyTo`
   */
  constructor(
    target: Uint8Array<SharedArrayBuffer>,
    plan: CopyPlan,
    pool: CopyPool,
    { places = new Map(), targets = [], ...options }: ParallelOptions = {},
  ) {
    super(target, options);
    this.#pool = pool;
    this.#places = places;
    this.#sources = plan.sources;
    const sources = [...plan.sources.keys()];
    this.#views = sources.map((source) => new Uint8Array(source));
    const all = [target, ...targets.filter(({ buffer }) => buffer instanceof SharedArrayBuffer)];
    this.#targets = new Map(all.map((each, place) => [each, place]));
    this.#task = createTask(all, sources, {
      ...{ jobs: plan.jobs, workers: pool.size },
      lanes: places.size === 0 ? 1 : 1 + pool.size,
    });
    pool.post(this.#task);
  }

  override beginPart(part: Part): void {
    const place = this.#places.get(part);
    const { size, lost } = this.#pool;
    if (place === undefined) this.#lane = 0;
    else if (place === 0) this.#lane = undefined;
    else {
      const worker = (place - 1) % size;
      this.#lane = lost.has(worker) ? 0 : 1 + worker;
    }
  }

  override bytes(at: number, source: Uint8Array, from: number, length: number): void {
    const done = this.#offer(0, this.begin + at, source, from, length);
    if (done < length) super.bytes(at + done, source, from + done, length - done);
  }

  override copyTo(target: Uint8Array, at: number, source: Uint8Array, from: number, length: number): void {
    const place = this.#targets.get(target);
    const done = place === undefined ? 0 : this.#offer(place, at, source, from, length);
    if (done < length) super.copyTo(target, at + done, source, from + done, length - done);
  }

  /** @param target its place @returns how many bytes will be copied by whoever takes them */
  #offer(target: number, at: number, source: Uint8Array, from: number, length: number): number {
    const lane = this.#lane;
    const number = length < LEAST_BYTES ? undefined : this.#sources.get(source.buffer as SharedArrayBuffer);
    let done = 0;
    while (number !== undefined && lane !== undefined && done < length) {
      const part = Math.min(JOB_BYTES, length - done);
      const first = source.byteOffset + from + done;
      if (!offer(this.#task, lane, [number, first, target, at + done, part])) break;
      done += part;
    }
    return done;
  }

  override join(): void {
    const task = this.#task;
    this.#ended = true;
    close(task);
    const offered = offeredJobs(task);
    // What is a worker's own is left to it, unless it is not there.
    if (this.#pool.helps) this.#help((lane) => lane === 0 || !isThere(task, lane - 1));
    this.#wait(offered);
    for (let worker = 0; worker < task.workers; worker++) this.#pool.add(worker, doneBy(task, worker));
    const failed = Atomics.load(task.words, WORD.failed);
    if (failed !== 0) throw fault(`job ${failed - 1} of ${offered} could not be copied by a worker`);
  }

  #help(lanes: (lane: number) => boolean): void {
    const task = this.#task;
    for (let lane = 0; lane < task.lanes; lane++) {
      for (let job = lanes(lane) ? take(task, lane) : -1; job >= 0; job = take(task, lane)) {
        copyJob(task, job, this.#views);
        finish(task);
      }
    }
  }

  override abandon(): Promise<void> | undefined {
    if (this.#ended) return this.#dismissed;
    this.#ended = true;
    try {
      this.#wait(withdraw(this.#task));
    } catch {
      return this.#dismissed; // that the checkpoint fails is known already
    }
    return undefined;
  }

  #wait(jobs: number): void {
    const { words } = this.#task;
    if (waitForJobs(this.#task, jobs, this.#pool.patienceMs)) return;
    this.#help(() => true); // a worker may have died with jobs of its own that it never took
    if (waitForJobs(this.#task, jobs, 0)) return;
    const holders = Array.from({ length: this.#pool.size }, (_, number) => number).filter(
      (number) => Atomics.load(words, holderWord(number)) !== 0,
    );
    const missing = jobs - Atomics.load(words, WORD.done);
    const who = holders.length === 0 ? "the copy workers have" : `copy worker ${holders.join(", ")} has`;
    withdraw(this.#task);
    // One that took a job and died before it said so holds none: then all are dismissed.
    const blamed = holders.length === 0 ? Array.from({ length: this.#pool.size }, (_, number) => number) : holders;
    this.#dismissed = this.#pool.dismiss(blamed, "it held up a checkpoint");
    throw fault(`${who} not finished ${missing} of ${jobs} jobs in ${this.#pool.patienceMs} ms`);
  }
}

function fault(why: string): RtcrFault {
  return new RtcrFault("copy-failed", `parallel checkpoint: ${why}`, { why });
}
