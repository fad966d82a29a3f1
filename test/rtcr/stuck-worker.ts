import { type CopyTask, takenWord, WORD } from "../../src/rtcr/parallel/copy-task.ts";

/** As a copy worker does that stops in the middle of a job. */
export function takeFirstJob(task: CopyTask): void {
  const { words } = task;
  Atomics.store(words, takenWord(task, 0), 1);
  Atomics.store(words, WORD.holders, 1);
}
