// `rtcr verify`: reads and checks what checkpoints reach.

import { short } from "../../checkpoint/index.ts";
import { nodeSha256, openImage, type Store } from "../../store/index-node.ts";
import { Fault } from "../../util/index.ts";
import { checkImage } from "../check-image.ts";
import { type Command, flag } from "../command.ts";
import { EXIT } from "../failure.ts";
import { printJson, toSize } from "../print.ts";

export const verify: Command = {
  name: "verify",
  summary: "check that checkpoints can be read",
  usage: "[--json] [ID|NAME|latest]",
  help: `
Reads every byte that a checkpoint reaches, or everything in the store, and compares it with its hash; reads what it
says, as a restore would. Exits with 4 and lists what is wrong when anything is.`,
  options: { json: { type: "boolean" } },
  operands: [0, 1],
  run: async ({ values, positionals, io, home }) => {
    const store = await home.storeIfAny();
    try {
      const reference = positionals[0];
      const id = reference === undefined ? undefined : (await store.resolve(reference)).id;
      const { manifests, pages, bytes, faults: found } = await store.verify(id);
      const faults: Fault[] = [...found];
      if (found.length === 0) faults.push(...(await unreadable(store, id)));
      if (flag(values, "json"))
        printJson(io, { id, manifests, pages, bytes, faults: faults.map((fault) => fault.toJSON()) });
      else {
        for (const { message } of faults) io.out(`${message}\n`);
        const verdict = faults.length === 0 ? "sound" : `${faults.length} faults`;
        io.out(`${verdict}: ${manifests} manifests, ${pages} pages, ${toSize(bytes)}\n`);
      }
      return faults.length === 0 ? EXIT.done : EXIT.damaged;
    } finally {
      await store.close();
    }
  },
};

/** What is wrong with checkpoints whose bytes are sound. */
async function unreadable(store: Store, id: string | undefined): Promise<readonly Fault[]> {
  const ids = id === undefined ? (await store.list()).roots.map((root) => root.id) : [id];
  const faults: Fault[] = [];
  for (const each of new Set(ids)) {
    const fault = await checkImage(await openImage(store, each, { sha256: nodeSha256 }));
    if (fault) faults.push(new Fault(fault.code, `checkpoint ${short(each)}: ${fault.message}`, { id: each }, fault));
  }
  return faults;
}
