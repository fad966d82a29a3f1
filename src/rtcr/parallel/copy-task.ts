// What copy workers do for one checkpoint, in memory that they share with the supervisor (spec 1.7, parallel).
//
//   supervisor   offer a job, and another, while it writes records ... close; take jobs itself; wait until all are done
//   worker       take the next job, copy, note it; sleep when there is none; go home when the list is closed
//
// I1  A job is taken by one, and its bytes lie where no other job writes. So whoever copies when: the bytes are the same.
// I2  Nothing of a task is used again: a worker that comes late finds a closed list.

/** A list of jobs; all of it can be posted. */
export interface CopyTask {
  readonly words: Int32Array<SharedArrayBuffer>;
  /** JOB numbers a job. */
  readonly jobs: Float64Array<SharedArrayBuffer>;
  /** Where the bytes go. */
  readonly arena: Uint8Array<SharedArrayBuffer>;
  readonly sources: readonly SharedArrayBuffer[];
}

/** Indices into `words`; `holders` is the first of one word a worker: the job that it has taken, from 1, or 0. */
export const WORD = {
  offered: 0,
  taken: 1,
  done: 2,
  closed: 3,
  event: 4,
  failed: 5,
  arrived: 6,
  byWorkers: 7,
  holders: 8,
};
/** Numbers of a job, in this order: the source's place, the first byte in it, the first in the arena, the length. */
export const JOB = { source: 0, from: 1, at: 2, length: 3, numbers: 4 };
/** `taken` when nobody shall take a job any more. */
const NO_MORE = 0x7fff_ffff;
/** Milliseconds after which a worker no longer waits for a supervisor that says nothing. */
const PATIENCE_MS = 60_000;

export function createTask(
  arena: Uint8Array<SharedArrayBuffer>,
  sources: readonly SharedArrayBuffer[],
  { jobs, workers }: { readonly jobs: number; readonly workers: number },
): CopyTask {
  const shared = (bytes: number) => new SharedArrayBuffer(bytes);
  return {
    words: new Int32Array(shared(4 * (WORD.holders + workers))),
    jobs: new Float64Array(shared(8 * JOB.numbers * jobs)),
    ...{ arena, sources },
  };
}

/** Puts a job behind the others. @returns false if there is no room for it */
export function offer({ words, jobs }: CopyTask, source: number, from: number, at: number, length: number): boolean {
  const offered = words[WORD.offered]!; // nobody else writes it
  const job = offered * JOB.numbers;
  if (job === jobs.length) return false;
  jobs[job + JOB.source] = source;
  jobs[job + JOB.from] = from;
  jobs[job + JOB.at] = at;
  jobs[job + JOB.length] = length;
  Atomics.store(words, WORD.offered, offered + 1);
  announce(words);
  return true;
}

/** No job will be offered any more. */
export function close({ words }: CopyTask): void {
  Atomics.store(words, WORD.closed, 1);
  announce(words);
}

/** Jobs that nobody has taken yet are not done at all. @returns how many were taken */
export function withdraw(task: CopyTask): number {
  const taken = Atomics.exchange(task.words, WORD.taken, NO_MORE);
  close(task);
  return Math.min(taken, task.words[WORD.offered]!);
}

/** The next job; -1 if there is none now. */
export function take({ words }: CopyTask): number {
  for (;;) {
    const next = Atomics.load(words, WORD.taken);
    if (next >= Atomics.load(words, WORD.offered)) return -1;
    if (Atomics.compareExchange(words, WORD.taken, next, next + 1) === next) return next;
  }
}

/** Copies a job that was taken. @param views of the sources, whole @throws RangeError if a source ends before the job */
export function copyJob({ jobs, arena }: CopyTask, job: number, views: readonly Uint8Array[]): void {
  const first = job * JOB.numbers;
  const [from, length] = [jobs[first + JOB.from]!, jobs[first + JOB.length]!];
  const bytes = views[jobs[first + JOB.source]!]!.subarray(from, from + length);
  if (bytes.length !== length)
    throw new RangeError(`a job of ${length} bytes, a source with ${bytes.length} from there on`);
  arena.set(bytes, jobs[first + JOB.at]!);
}

/** Waits until `count` jobs are done. @returns false after so many milliseconds */
export function waitForJobs({ words }: CopyTask, count: number, patienceMs: number): boolean {
  const end = performance.now() + patienceMs;
  for (;;) {
    const done = Atomics.load(words, WORD.done);
    if (done >= count) return true;
    const left = end - performance.now();
    if (left <= 0) return false;
    Atomics.wait(words, WORD.done, done, left);
  }
}

/** All that a worker does for a task; returns when the list is closed and empty. @param number its own, from 0 */
export function workAt(task: CopyTask, number: number): void {
  const { words } = task;
  const views = task.sources.map((source) => new Uint8Array(source));
  Atomics.add(words, WORD.arrived, 1);
  Atomics.notify(words, WORD.arrived);
  for (;;) {
    const event = Atomics.load(words, WORD.event);
    const closed = Atomics.load(words, WORD.closed) === 1;
    const job = take(task);
    if (job >= 0) doJob(task, job, number, views);
    else if (closed || Atomics.wait(words, WORD.event, event, PATIENCE_MS) === "timed-out") return;
  }
}

function doJob(task: CopyTask, job: number, number: number, views: readonly Uint8Array[]): void {
  const { words } = task;
  Atomics.store(words, WORD.holders + number, job + 1);
  try {
    copyJob(task, job, views);
  } catch {
    Atomics.store(words, WORD.failed, job + 1); // the supervisor says which
  }
  Atomics.store(words, WORD.holders + number, 0);
  Atomics.add(words, WORD.byWorkers, 1);
  finish(task);
}

/** A job is done, by whomever. */
export function finish({ words }: CopyTask): void {
  Atomics.add(words, WORD.done, 1);
  Atomics.notify(words, WORD.done);
}

function announce(words: Int32Array<SharedArrayBuffer>): void {
  Atomics.add(words, WORD.event, 1);
  Atomics.notify(words, WORD.event);
}
