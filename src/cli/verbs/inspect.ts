// `rtcr inspect`: what a checkpoint holds, or what lives in a running system.

import { fromCheckpoint, systemLike } from "../../checkpoint/index.ts";
import type { ComponentInfo } from "../../core/index.ts";
import { nodeSha256, openImage } from "../../store/index-node.ts";
import { type Call, type Command, flag } from "../command.ts";
import { askControl } from "../control.ts";
import { describeImage, type ImageDescription } from "../describe-image.ts";
import { CliFailure, EXIT, usageError } from "../failure.ts";
import { printJson, toSize } from "../print.ts";
import { findRun } from "../runs.ts";
import { describeCheckpoint } from "../system/describe-checkpoint.ts";
import { describeComponents } from "../system/live.ts";
import { printCheckpoint } from "../system/print-checkpoint.ts";

export const inspect: Command = {
  name: "inspect",
  summary: "show what a checkpoint holds, or what lives in a running system",
  usage: "[--json] ID|NAME|latest | --live [--json] NAME [LABEL]",
  help: `
Prints the program of a checkpoint, its threads with every frame by function name and position, its memories, globals
and tables, open descriptors, and sizes. Names come from the module's name section, when the checkpoint carries the
module or the state directory has it.

Of a system's children it prints for each: program, quota, sessions with their arguments, threads with every frame, region
maps, dataspaces with the intervals [begin, end) at which they are attached, capabilities by slot; children that had
exited; and calls between them.

  --live   the components of a running system (rtcr run SYSTEM.xml) of that name: quota, threads and what they wait for,
           and every dataspace with its size, place and purpose. With LABEL that component alone`,
  options: { json: { type: "boolean" }, live: { type: "boolean" } },
  operands: [1, 2],
  run: async ({ values, positionals, io, home }) => {
    if (flag(values, "live")) return inspectLive({ values, positionals, io, home });
    if (positionals.length > 1) throw usageError("a label is for --live", "inspect");
    const store = await home.storeIfAny();
    try {
      const image = await openImage(store, positionals[0]!, { sha256: nodeSha256 });
      if (systemLike({ program: await image.reader.program() })) {
        const system = fromCheckpoint(await image.reader.checkpoint());
        const description = describeCheckpoint(image.root.id, system);
        if (flag(values, "json")) printJson(io, description);
        else io.out(printCheckpoint(description));
        return EXIT.done;
      }
      const description = await describeImage(image, home);
      if (flag(values, "json")) printJson(io, description);
      else io.out(toText(description));
      return EXIT.done;
    } finally {
      await store.close();
    }
  },
};

/** Asks a running system for its components. */
async function inspectLive({ values, positionals, io, home }: Call): Promise<number> {
  const [name, label] = positionals as [string, string?];
  const all = (await askControl(await findRun(home, name), { type: "components" })) as readonly ComponentInfo[];
  const chosen = label === undefined ? all : all.filter((component) => component.label === label);
  if (chosen.length === 0) {
    const labels = all.map((component) => JSON.stringify(component.label)).join(", ");
    throw new CliFailure(EXIT.notFound, `${name} has no component ${JSON.stringify(label)}, expected one of ${labels}`);
  }
  if (flag(values, "json")) printJson(io, chosen);
  else io.out(describeComponents(chosen));
  return EXIT.done;
}

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
