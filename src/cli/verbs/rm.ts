// `rtcr rm`: takes checkpoints out of the list.

import { type Command, flag } from "../command.ts";
import { EXIT } from "../failure.ts";
import { forgetMarks } from "../marks.ts";
import { printJson } from "../print.ts";

export const rm: Command = {
  name: "rm",
  summary: "remove checkpoints",
  usage: "[--dry-run] [--json] ID|NAME|latest...",
  help: `
Removes checkpoints: they cannot be restored any more. A name or "latest" means the newest one. Their data is deleted
by rtcr gc, as far as no other checkpoint shares it.

  --dry-run   only print what would be removed`,
  options: { "dry-run": { type: "boolean" }, json: { type: "boolean" } },
  operands: [1, Infinity],
  run: async ({ values, positionals, io, home }) => {
    const store = await home.storeIfAny();
    try {
      const ids = new Set<string>();
      for (const reference of positionals) ids.add((await store.resolve(reference)).id);
      for (const id of flag(values, "dry-run") ? [] : ids) {
        await store.remove(id);
        forgetMarks(home, id);
      }
      if (flag(values, "json")) printJson(io, [...ids]);
      else for (const id of ids) io.out(`${id}\n`);
      return EXIT.done;
    } finally {
      await store.close();
    }
  },
};
