// `rtcr ps`: the programs that run now.

import { type Command, flag } from "../command.ts";
import { EXIT } from "../failure.ts";
import { printJson, printTable } from "../print.ts";
import { listRuns } from "../runs.ts";

export const ps: Command = {
  name: "ps",
  summary: "list the programs that run",
  usage: "[--json]",
  help: `
Prints the name, process, start and command of every program that rtcr runs on this machine under the same state
directory. Programs whose process has died are not listed.`,
  options: { json: { type: "boolean" } },
  operands: [0, 0],
  run: async ({ values, io, home }) => {
    const runs = await listRuns(home);
    if (flag(values, "json")) {
      const shown = runs.map(({ name, pid, since, program, args }) => ({ name, pid, since, program, args }));
      printJson(io, shown);
      return EXIT.done;
    }
    const rows = runs.map(({ name, pid, since, args }) => [name, String(pid), since, args.join(" ")]);
    printTable(io, [["NAME", "PROCESS", "SINCE", "COMMAND"], ...rows]);
    return EXIT.done;
  },
};
