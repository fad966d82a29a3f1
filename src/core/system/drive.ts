// Lets native components have their turns from the host's event loop.
import type { TaskQueue } from "../native/index.ts";

/**
 * Runs tasks whenever there are some, from the event loop.
 *
 * @param failed takes what a task throws: a bug
 * @param rested called when none are left
 * @returns stops that
 */
export function driveTasks(
  tasks: TaskQueue,
  failed: (thrown: unknown) => void,
  rested: () => void = () => {},
): () => void {
  let stopped = false;
  const run = () => {
    if (stopped) return;
    try {
      tasks.run();
    } catch (thrown) {
      failed(thrown);
    }
    if (tasks.empty) rested();
    else soon(run);
  };
  tasks.listen(() => soon(run));
  return () => {
    stopped = true;
    tasks.listen(() => {});
  };
}

const soon: (run: () => void) => void =
  typeof setImmediate === "function" ? (run) => void setImmediate(run) : (run) => void setTimeout(run, 0);
