// `rtcr checkpoint`: makes a checkpoint of a running program.

import type { CheckpointReport } from "../checkpoints.ts";
import { type Command, flag, texts } from "../command.ts";
import { askControl } from "../control.ts";
import { EXIT } from "../failure.ts";
import { printJson, toSize } from "../print.ts";
import { findRun } from "../runs.ts";

export const checkpoint: Command = {
  name: "checkpoint",
  summary: "make a checkpoint of a running program",
  usage: "[--stop] [--child CHILD]... [--json] NAME",
  help: `
Stops the program at its next safe point, copies its state, lets it go on, and stores the copy. Prints the id when the
checkpoint is complete and safe on disk.

Of a system (rtcr run SYSTEM.xml) it takes the children of its supervisor, the component whose program is rtcr, all as
they are at one moment; the rest of the system is not part of the checkpoint.

  --stop   end the program when its checkpoint is complete, with exit code 0; when it cannot be made the program goes on,
           and so it does when the checkpoint was made and the output that it holds is refused: exit code 1 here
  --child  of a system: this child only; may be repeated. With several supervisors it says whose they are`,
  options: { stop: { type: "boolean" }, child: { type: "string", multiple: true }, json: { type: "boolean" } },
  operands: [1, 1],
  run: async ({ values, positionals, io, home }) => {
    const run = await findRun(home, positionals[0]!);
    const report = (await askControl(run, {
      type: "checkpoint",
      stop: flag(values, "stop"),
      children: texts(values, "child"),
    })) as CheckpointReport;
    if (flag(values, "json")) printJson(io, report);
    else {
      const { id, pausedMs, newPages, storedBytes, stopped } = report;
      io.out(`${id}\n`);
      const pause = `${stopped ? "stopped" : `paused for ${pausedMs.toFixed(1)} ms`}`;
      io.err(`${run.name} ${pause}; ${newPages} new pages, ${toSize(storedBytes)}\n`);
    }
    return EXIT.done;
  },
};
