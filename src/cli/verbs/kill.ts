// `rtcr kill`: ends a running program.

import { type Command, flag } from "../command.ts";
import { askControl } from "../control.ts";
import { CliFailure, EXIT } from "../failure.ts";
import { printJson } from "../print.ts";
import { findRun } from "../runs.ts";

export const kill: Command = {
  name: "kill",
  summary: "end a running program",
  usage: "[--json] NAME",
  help: `
Ends a running program at once, wherever it is; its rtcr run exits with 137. Its checkpoints stay. A process that does
not answer is killed.`,
  options: { json: { type: "boolean" } },
  operands: [1, 1],
  run: async ({ values, positionals, io, home }) => {
    const run = await findRun(home, positionals[0]!);
    try {
      await askControl(run, { type: "kill" });
    } catch (thrown) {
      if (!(thrown instanceof CliFailure) || thrown.exitCode !== EXIT.peerLost) throw thrown;
      // It may have ended between the answer and now; then there is nothing left to kill.
      const still = await findRun(home, run.name).catch(() => undefined);
      if (still?.pid === run.pid) process.kill(run.pid, "SIGKILL");
    }
    if (flag(values, "json")) printJson(io, { name: run.name, pid: run.pid });
    return EXIT.done;
  },
};
