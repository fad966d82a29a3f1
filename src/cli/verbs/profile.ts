// `rtcr profile`: what the Genode profiler's tools and the thesis's analyzer do (spec 5.3).

import type { Command } from "../command.ts";
import { EXIT, usageError } from "../failure.ts";
import { ACTIONS } from "../profile/actions.ts";

export const profile: Command = {
  name: "profile",
  summary: "filter, merge, analyze and plot measurements",
  usage: "filter|merge|analyze|plot|report [-o FILE] [--json] [--title TEXT] [--colour-blind] FILE...",
  help: `
  filter LOG -o FILE     takes the measurements (\\STATS\\...\\STATE\\) out of a log
  merge FILE... -o FILE  the mean of several runs, measurement by measurement
  analyze FILE...        statistics of each scope over the runs; writes the mean run to results.json, or -o FILE
  plot FILE -o FILE      the timeline, as .svg or .png; --colour-blind for other colours than the thesis's
  report FILE... -o FILE one HTML page with the table and the timeline

Runs must have the same scopes in the same order; the first difference ends the command with 1, unless
--ignore-scope-disparity or --ignore-color-disparity takes the first run's names or colours.`,
  options: {
    output: { type: "string", short: "o" },
    json: { type: "boolean" },
    title: { type: "string" },
    "colour-blind": { type: "boolean" },
    "ignore-scope-disparity": { type: "boolean" },
    "ignore-color-disparity": { type: "boolean" },
  },
  operands: [1, Number.POSITIVE_INFINITY],
  run: async ({ values, positionals: [name, ...files], io }) => {
    const action = Object.hasOwn(ACTIONS, name!) ? ACTIONS[name!]! : undefined;
    if (!action) {
      throw usageError(`profile "${name}", expected ${Object.keys(ACTIONS).join(", ")}`, "profile");
    }
    const [least, most] = action.files;
    if (files.length < least || files.length > most) {
      const expected = least === most ? `${least} file` : `${least} file or more`;
      throw usageError(`profile ${name}: ${files.length} files, expected ${expected}`, "profile");
    }
    await action.run(files, values, io);
    return EXIT.done;
  },
};
