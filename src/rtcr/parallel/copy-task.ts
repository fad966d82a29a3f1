// What copy workers do for one checkpoint, in memory that they share with the supervisor (spec 1.7, parallel).
//
//   supervisor   offer a job, and another, while it writes records ... close; take jobs itself; wait until all are done
//   worker       take the next job, copy, note it; sleep when there is none; go home when the list is closed
//
// Jobs stand in lanes: one for whoever comes first, and, where parts of a checkpoint have places (S76), one for each worker.
//
// I1  A job is taken by one, and its bytes lie where no other job writes. So whoever copies when: the bytes are the same.
// I2  Nothing of a task is used again: a worker that comes late finds a closed list.

/** Lists of jobs; all of it can be posted. */
export interface CopyTask {
  readonly words: Int32Array<SharedArrayBuffer>;
  /** JOB numbers a job; jobs of a lane lie side by side. */
  readonly jobs: Float64Array<SharedArrayBuffer>;
  readonly workers: number;
  /** 1, or one more than there are workers: lane 0 is anybody's, lane n that of worker n - 1. */
  readonly lanes: number;
  /** Jobs that a lane has room for. */
  readonly room: number;
  /** Where the bytes go: shared memory. */
  readonly targets: readonly Uint8Array[];
  readonly sources: readonly SharedArrayBuffer[];
}

/**
 * Indices into `words`. `holders` is the first of three words a worker, those of a kind side by side: the job that it has
 * taken, from 1, or 0; whether it is there; the jobs that it has done. Behind them are two words a lane: offered and taken.
 */
export const WORD = { done: 0, closed: 1, event: 2, failed: 3, holders: 4 };
const OF_WORKER = 3;
const OF_LANE = 2;

/** Which job a worker has taken, from 1; 0: none. */
export const holderWord = (worker: number) => WORD.holders + worker;
const thereWord = ({ workers }: CopyTask, worker: number) => WORD.holders + workers + worker;
const doneByWord = ({ workers }: CopyTask, worker: number) => WORD.holders + 2 * workers + worker;
const offeredWord = ({ workers }: CopyTask, lane: number) => WORD.holders + OF_WORKER * workers + OF_LANE * lane;
/** How many jobs of a lane have been taken. */
export const takenWord = (task: CopyTask, lane: number) => offeredWord(task, lane) + 1;
/** Numbers of a job: the source's place, the first byte in it; the target's place, the first byte there; the length. */
export const JOB = { source: 0, from: 1, target: 2, at: 3, length: 4, numbers: 5 };
/** `taken` when nobody shall take a job any more. */
const NO_MORE = 0x7fff_ffff;
/** Milliseconds after which a worker no longer waits for a supervisor that says nothing. */
const PATIENCE_MS = 60_000;

export function createTask(
  targets: readonly Uint8Array[],
  sources: readonly SharedArrayBuffer[],
  { jobs, workers, lanes = 1 }: { readonly jobs: number; readonly workers: number; readonly lanes?: number },
): CopyTask {
  const shared = (bytes: number) => new SharedArrayBuffer(bytes);
  return {
    words: new Int32Array(shared(4 * (WORD.holders + OF_WORKER * workers + OF_LANE * lanes))),
    jobs: new Float64Array(shared(8 * JOB.numbers * jobs * lanes)),
    ...{ workers, lanes, room: jobs, targets, sources },
  };
}

/** Puts a job behind the others of a lane. @returns false if there is no room for it */
export function offer(
  task: CopyTask,
  lane: number,
  [source, from, target, at, length]: readonly [
    source: number,
    from: number,
    target: number,
    at: number,
    length: number,
  ],
): boolean {
  const { words, jobs, room } = task;
  const word = offeredWord(task, lane);
  const offered = words[word]!; // nobody else writes it
  if (offered === room) return false;
  const job = (lane * room + offered) * JOB.numbers;
  jobs[job + JOB.source] = source;
  jobs[job + JOB.from] = from;
  jobs[job + JOB.target] = target;
  jobs[job + JOB.at] = at;
  jobs[job + JOB.length] = length;
  Atomics.store(words, word, offered + 1);
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
  let all = 0;
  for (let lane = 0; lane < task.lanes; lane++) {
    const taken = Atomics.exchange(task.words, takenWord(task, lane), NO_MORE);
    all += Math.min(taken, task.words[offeredWord(task, lane)]!);
  }
  close(task);
  return all;
}

/** Jobs of all lanes. */
export function offeredJobs(task: CopyTask): number {
  let all = 0;
  for (let lane = 0; lane < task.lanes; lane++) all += task.words[offeredWord(task, lane)]!;
  return all;
}

/** The next job of a lane; -1 if there is none now. */
export function take(task: CopyTask, lane: number): number {
  const { words, room } = task;
  for (;;) {
    const next = Atomics.load(words, takenWord(task, lane));
    if (next >= Atomics.load(words, offeredWord(task, lane))) return -1;
    if (Atomics.compareExchange(words, takenWord(task, lane), next, next + 1) === next) return lane * room + next;
  }
}

/** Whether a worker has begun with the task, and has not gone home. */
export function isThere(task: CopyTask, worker: number): boolean {
  return Atomics.load(task.words, thereWord(task, worker)) === 1;
}

/** Jobs that a worker has done. */
export function doneBy(task: CopyTask, worker: number): number {
  return Atomics.load(task.words, doneByWord(task, worker));
}

/** Copies a job that was taken. @param views of the sources, whole @throws RangeError if a source ends before the job */
export function copyJob({ jobs, targets }: CopyTask, job: number, views: readonly Uint8Array[]): void {
  const first = job * JOB.numbers;
  const [from, length] = [jobs[first + JOB.from]!, jobs[first + JOB.length]!];
  const bytes = views[jobs[first + JOB.source]!]!.subarray(from, from + length);
  if (bytes.length !== length)
    throw new RangeError(`a job of ${length} bytes, a source with ${bytes.length} from there on`);
  targets[jobs[first + JOB.target]!]!.set(bytes, jobs[first + JOB.at]!);
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
  Atomics.store(words, thereWord(task, number), 1);
  for (;;) {
    const event = Atomics.load(words, WORD.event);
    const closed = Atomics.load(words, WORD.closed) === 1;
    const own = task.lanes > 1 ? take(task, 1 + number) : -1;
    const job = own >= 0 ? own : take(task, 0);
    if (job >= 0) doJob(task, job, number, views);
    else if (closed || Atomics.wait(words, WORD.event, event, PATIENCE_MS) === "timed-out") break;
  }
  Atomics.store(words, thereWord(task, number), 0);
}

function doJob(task: CopyTask, job: number, number: number, views: readonly Uint8Array[]): void {
  const { words } = task;
  Atomics.store(words, holderWord(number), job + 1);
  try {
    copyJob(task, job, views);
  } catch {
    Atomics.store(words, WORD.failed, job + 1); // the supervisor says which
  }
  Atomics.store(words, holderWord(number), 0);
  Atomics.add(words, doneByWord(task, number), 1);
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
