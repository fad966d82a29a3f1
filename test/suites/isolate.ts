// Runs jobs in a process of their own and kills it when one misses its deadline: what a suite tests may loop for ever,
// take all memory or bring the engine down. The process is kept for the next job while it behaves.
//
// Not a worker thread: ending one inside a guest's loop brought the whole process down (V8's check `!is_null()`) when
// the thread had loaded wabt or Binaryen.

import { type ChildProcess, fork } from "node:child_process";

/** What a job's process sends back. */
export type Answer<Result> = { readonly result: Result } | { readonly error: string };

/** The process ended before it answered. */
class Ended extends Error {}

export class Isolation<Job extends object, Result> {
  readonly #module: string;
  #child: ChildProcess | undefined;

  /** @param module answers every message with an Answer, see `answerJobs` */
  constructor(module: URL) {
    this.#module = module.pathname;
  }

  /**
   * Runs a job. When a process that has done others before ends in it, the cause may lie in those (memory): the job is
   * then tried once more, in a new one.
   *
   * @throws Error when the job fails, its process ends or the deadline passes
   */
  async run(job: Job, deadlineMs: number): Promise<Result> {
    const used = this.#child !== undefined;
    try {
      return await this.#once(job, deadlineMs);
    } catch (thrown) {
      this.close();
      if (!used || !(thrown instanceof Ended)) throw thrown;
    }
    try {
      return await this.#once(job, deadlineMs);
    } catch (thrown) {
      this.close();
      throw thrown;
    }
  }

  /** Ends the process. */
  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  async #once(job: Job, deadlineMs: number): Promise<Result> {
    const answer = await firstAnswer<Result>((this.#child ??= this.#fork()), job, deadlineMs);
    if ("result" in answer) return answer.result;
    throw new Error(answer.error);
  }

  /** A process that is given no job any more once it has ended by itself. */
  #fork(): ChildProcess {
    const child = fork(this.#module, { serialization: "advanced" });
    child.on("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    return child;
  }
}

function firstAnswer<Result>(child: ChildProcess, job: object, deadlineMs: number): Promise<Answer<Result>> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => done(() => reject(new Error(`no end within ${deadlineMs / 1000} s`))), deadlineMs);
    const onMessage = (answer: unknown) => done(() => resolve(answer as Answer<Result>));
    // Not "exit", in front of which an answer that was sent may not have come.
    const onClose = (code: number | null, signal: string | null) =>
      done(() => reject(new Ended(`the process ended with ${signal ?? code} and without a result`)));
    const onError = ({ message }: Error) => done(() => reject(new Ended(`the process takes no job: ${message}`)));
    const done = (settle: () => void) => {
      clearTimeout(late);
      child.off("message", onMessage);
      child.off("close", onClose);
      child.off("error", onError);
      settle();
    };
    child.on("message", onMessage);
    child.on("close", onClose);
    child.on("error", onError);
    child.send(job);
  });
}

/** The other side: does every job that comes. */
export function answerJobs<Job, Result>(work: (job: Job) => Result | Promise<Result>): void {
  process.on("message", async (job: Job) => {
    let answer: Answer<Result>;
    try {
      answer = { result: await work(job) };
    } catch (thrown) {
      answer = { error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) };
    }
    process.send!(answer);
  });
  process.on("disconnect", () => process.exit(0));
}
