// `rtcr list`: the checkpoints in the store.

import { decodeManifest, ImageReader, systemLike } from "../../checkpoint/index.ts";
import { nodeSha256, type Root, type Store } from "../../store/index-node.ts";
import { messageOf } from "../../util/index.ts";
import { type Command, flag } from "../command.ts";
import { EXIT } from "../failure.ts";
import { printJson, printTable, toShort, toSize } from "../print.ts";

export const list: Command = {
  name: "list",
  summary: "list the checkpoints in the store",
  usage: "[--json]",
  help: `
Prints every checkpoint, oldest first: the beginning of its id, the name it was published under, when, the size of the
program's memories (of a system: of its children's dataspaces), and the checkpoint it was derived from. Checkpoints that
cannot be read are listed as damaged.`,
  options: { json: { type: "boolean" } },
  operands: [0, 0],
  run: async ({ values, io, home }) => {
    const store = await home.storeIfAny();
    try {
      const { roots, damaged } = await store.list();
      const entries = await Promise.all(roots.map((root) => describe(store, root)));
      for (const fault of damaged) {
        const id = String(fault.detail["id"] ?? "");
        entries.push({ id, name: String(fault.detail["name"] ?? ""), published: "", damaged: fault.message });
      }
      if (flag(values, "json")) printJson(io, entries);
      else {
        const rows = entries.map((entry) => [
          toShort(entry.id),
          entry.name,
          entry.published,
          entry.memoryBytes === undefined ? "damaged" : toSize(entry.memoryBytes),
          entry.parent === undefined ? "" : toShort(entry.parent),
        ]);
        printTable(io, [["ID", "NAME", "PUBLISHED", "MEMORY", "PARENT"], ...rows]);
      }
      return EXIT.done;
    } finally {
      await store.close();
    }
  },
};

interface Entry {
  readonly id: string;
  readonly name: string;
  readonly published: string;
  readonly parent?: string | undefined;
  /** Absent in damaged ones. */
  readonly memoryBytes?: number;
  readonly damaged?: string;
}

async function describe(store: Store, { id, name, published }: Root): Promise<Entry> {
  try {
    const manifest = decodeManifest(await store.readManifest(id));
    const { parent, instances } = manifest;
    const reader = new ImageReader(manifest, (page) => store.readPage(page), { sha256: nodeSha256 });
    if (systemLike({ program: await reader.program() })) {
      return { id, name, published, parent, memoryBytes: systemBytes(await reader.sessionJson("children")) };
    }
    const memories = instances.flatMap((instance) => instance.memories);
    const memoryBytes = memories.reduce((sum, { pages }) => sum + pages * 65_536, 0);
    return { id, name, published, parent, memoryBytes };
  } catch (thrown) {
    return { id, name, published, damaged: messageOf(thrown) };
  }
}

/** Bytes of all dataspaces of a system's children; what does not look like them counts nothing: nothing relies on it. */
function systemBytes(children: unknown): number {
  type Component = { readonly pd?: { readonly dataspaces?: readonly { readonly size?: unknown }[] } } | null;
  type Child = Component & { readonly components?: readonly Component[] };
  const list = Array.isArray(children) ? (children as readonly (Child | null)[]) : [];
  const all = list.flatMap((child): Component[] => [child, ...(child?.components ?? [])]);
  const sizes = all.flatMap((each) => (each?.pd?.dataspaces ?? []).map(({ size }) => Number(size) || 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}
