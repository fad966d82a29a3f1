// `rtcr verify`: reads and checks what checkpoints reach.

import { type Command, flag } from "../command.ts";
import { EXIT } from "../failure.ts";
import { printJson, toSize } from "../print.ts";

export const verify: Command = {
  name: "verify",
  summary: "check that checkpoints can be read",
  usage: "[--json] [ID|NAME|latest]",
  help: `
Reads every byte that a checkpoint reaches, or everything in the store, and compares it with its hash. Exits with 4
and lists what is wrong when anything is.`,
  options: { json: { type: "boolean" } },
  operands: [0, 1],
  run: async ({ values, positionals, io, home }) => {
    const store = await home.store();
    try {
      const reference = positionals[0];
      const id = reference === undefined ? undefined : (await store.resolve(reference)).id;
      const { manifests, pages, bytes, faults } = await store.verify(id);
      if (flag(values, "json"))
        printJson(io, { id, manifests, pages, bytes, faults: faults.map((fault) => fault.toJSON()) });
      else {
        for (const { message } of faults) io.out(`${message}\n`);
        const found = faults.length === 0 ? "sound" : `${faults.length} faults`;
        io.out(`${found}: ${manifests} manifests, ${pages} pages, ${toSize(bytes)}\n`);
      }
      return faults.length === 0 ? EXIT.done : EXIT.damaged;
    } finally {
      await store.close();
    }
  },
};
