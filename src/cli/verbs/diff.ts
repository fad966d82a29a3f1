// `rtcr diff`: what has changed between two checkpoints of a system's children.

import { compareSystems } from "../../checkpoint/index.ts";
import { type Command, flag } from "../command.ts";
import { EXIT } from "../failure.ts";
import { printJson } from "../print.ts";
import { loadSystem } from "../system/load-system.ts";
import { printChanges } from "../system/print-checkpoint.ts";

export const diff: Command = {
  name: "diff",
  summary: "show what has changed between two checkpoints of a system",
  usage: "[--json] A B",
  help: `
Prints what B has that A had not (+), what it lacks (-), and what differs (~): children, sessions, threads, dataspaces by
pages of 4 KiB, all other objects, capabilities by slot, and calls by field, the first six of each (--json: all). Objects
are the same when their allocation numbers are, also after a restore. Exits with 0 when both were read, whether they
differ or not; nothing is printed when they do not.`,
  options: { json: { type: "boolean" } },
  operands: [2, 2],
  run: async ({ values, positionals, io, home }) => {
    const [before, after] = positionals as [string, string];
    const [a, b] = [await loadSystem(home, before), await loadSystem(home, after)];
    const changes = compareSystems(a.system, b.system);
    if (flag(values, "json")) printJson(io, { before: a.root.id, after: b.root.id, ...changes });
    else io.out(printChanges(changes));
    return EXIT.done;
  },
};
