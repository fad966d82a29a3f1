// `rtcr inspect`: what a checkpoint holds.

import { nodeSha256, openImage } from "../../store/index-node.ts";
import { type Command, flag } from "../command.ts";
import { describeImage, type ImageDescription } from "../describe-image.ts";
import { EXIT } from "../failure.ts";
import { printJson, toSize } from "../print.ts";

export const inspect: Command = {
  name: "inspect",
  summary: "show what a checkpoint holds",
  usage: "[--json] ID|NAME|latest",
  help: `
Prints the program of a checkpoint, its threads with every frame by function name and position, its memories, globals
and tables, open descriptors, and sizes. Names come from the module's name section, when the checkpoint carries the
module or the state directory has it.`,
  options: { json: { type: "boolean" } },
  operands: [1, 1],
  run: async ({ values, positionals, io, home }) => {
    const store = await home.store();
    try {
      const description = await describeImage(await openImage(store, positionals[0]!, { sha256: nodeSha256 }), home);
      if (flag(values, "json")) printJson(io, description);
      else io.out(toText(description));
      return EXIT.done;
    } finally {
      await store.close();
    }
  },
};

function toText(image: ImageDescription): string {
  const lines = [`checkpoint ${image.id}`];
  const field = (name: string, value: string) => lines.push(`  ${name.padEnd(9)}  ${value}`);
  field("name", image.name);
  field("created", image.created);
  if (image.parent !== undefined) field("parent", image.parent);
  if (image.program) {
    field("program", [image.program.file, ...image.program.args.slice(1)].join(" "));
    for (const { hostPath, guestPath, writable } of image.program.directories) {
      field("directory", `${guestPath} is ${hostPath}${writable ? "" : " (read only)"}`);
    }
  }
  for (const { module, carriedBytes } of image.modules) {
    field("module", `${module}${carriedBytes === undefined ? ", not carried" : `, ${toSize(carriedBytes)}`}`);
  }
  for (const instance of image.instances) {
    lines.push(`instance ${instance.number} ${instance.name}`);
    for (const { index, pages } of instance.memories)
      field(`memory ${index}`, `${pages} pages, ${toSize(pages * 65_536)}`);
    field("globals", `${instance.globals} mutable`);
    for (const { index, elements } of instance.tables) field(`table ${index}`, `${elements} elements`);
  }
  for (const thread of image.threads) {
    lines.push(`thread ${thread.id}, ${thread.frames.length} frames, innermost first`);
    if (thread.hostCall !== undefined) lines.push(`  calling ${thread.hostCall}`);
    for (const frame of [...thread.frames].reverse()) {
      lines.push(
        `  ${frame.name} at ${frame.position}  (instance ${frame.instance}, function ${frame.function}, ${frame.values} values)`,
      );
    }
  }
  if (image.descriptors.length > 0) lines.push("descriptors");
  for (const { fd, kind, path, offset } of image.descriptors) {
    lines.push(`  ${String(fd).padEnd(3)}  ${kind.padEnd(9)}  ${path}${kind === "file" ? `, offset ${offset}` : ""}`);
  }
  return `${lines.join("\n")}\n`;
}
