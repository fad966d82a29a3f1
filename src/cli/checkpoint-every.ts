// Checkpoints of a running program, or of a system, again and again.
import { messageOf } from "../util/index.ts";
import { UnreleasedOutput } from "./checkpoints.ts";
import type { Io } from "./command.ts";

/**
 * Makes checkpoints with `everyMs` between them; one that fails is reported, and the program goes on. What fails again in the same
 * way is not reported again.
 *
 * @returns ends that
 */
export function checkpointEvery(everyMs: number, make: () => Promise<unknown>, io: Io): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout;
  let reported = "";
  const failed = (thrown: unknown) => {
    if (stopped || (thrown as { code?: unknown }).code === "ended") return;
    const message = `${thrown instanceof UnreleasedOutput ? "" : "no checkpoint was made: "}${messageOf(thrown)}`;
    if (message !== reported) io.err(`warning: ${message}\n`);
    reported = message;
  };
  const made = () => {
    reported = "";
  };
  const next = () => {
    timer = setTimeout(async () => {
      await make().then(made, failed);
      if (!stopped) next();
    }, everyMs);
  };
  next();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
