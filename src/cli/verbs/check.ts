// `rtcr check`: can a program be saved, and what does it cost.

import { type LoadedProgram, loadProgram } from "../../core/program.ts";
import { WASI_MODULE } from "../../wasi/index.ts";
import { decodeModule } from "../../wasm/index.ts";
import { type Command, flag, type Io, text, texts } from "../command.ts";
import { EXIT } from "../failure.ts";
import { readModule } from "../modules.ts";
import { type FoundObstacle, findObstacles } from "../obstacles.ts";
import { printJson, toSize } from "../print.ts";
import { checkSystemFile } from "../system/check.ts";
import { readCpus } from "../system/options.ts";

export const check: Command = {
  name: "check",
  summary: "tell whether a program can be saved",
  usage: "[--json] PROGRAM.wasm | [--json] [--rom NAME=FILE] [--cpus N] SYSTEM.xml",
  help: `
Decodes and rewrites a module without running it. Exits with 0 when every state of it can be saved, and prints sizes,
safe points and what the rewritten code takes; else with 5 and every obstacle by offset, function and instruction. A
malformed or invalid module is a failure (1).

Not an obstacle, but said: references to objects of the host (externref) are refused by name when a checkpoint meets
one; functions imported from elsewhere than ${WASI_MODULE} need an embedder that gives them.

With a file that ends in .xml it checks a system's configuration as rtcr run does, without running it, and prints the
tree of components; faults are a failure (1), each with file, line and what is allowed. Notes say what will not go as
it says, in the words of the log when it runs: quotas that cannot be given, places and threads that share a CPU (of as
many CPUs as its affinity space has places, or --cpus N).`,
  options: { json: { type: "boolean" }, rom: { type: "string", multiple: true }, cpus: { type: "string" } },
  operands: [1, 1],
  run: async ({ values, positionals, io }) => {
    const file = positionals[0]!;
    if (file.endsWith(".xml")) {
      const cpus = readCpus(text(values, "cpus"), "check");
      checkSystemFile(io, file, { roms: texts(values, "rom"), cpus, json: flag(values, "json") });
      return EXIT.done;
    }
    const { bytes, hash } = readModule(file);
    const obstacles = findObstacles(decodeModule(bytes));
    if (obstacles.length > 0) {
      if (flag(values, "json")) printJson(io, { program: file, module: hash, saveable: false, obstacles });
      else io.out(describeObstacles(file, obstacles));
      return EXIT.refused;
    }
    const report = toReport(file, hash, bytes.length, loadProgram(bytes, hash));
    if (flag(values, "json")) printJson(io, report);
    else printReport(io, report);
    return EXIT.done;
  },
};

function describeObstacles(file: string, obstacles: readonly FoundObstacle[]): string {
  const lines = obstacles.map(({ offset, section, function: name, statement }) => {
    return `  byte ${offset}, ${section}${name === undefined ? "" : `, function ${name}`}: ${statement}`;
  });
  return `${file} cannot be saved: ${obstacles.length} obstacle${obstacles.length === 1 ? "" : "s"}\n${lines.join("\n")}\n`;
}

interface CheckReport {
  readonly program: string;
  readonly module: string;
  readonly saveable: true;
  readonly command: boolean;
  readonly sizeBytes: number;
  readonly rewrittenBytes: number;
  readonly codeBytes: { readonly original: number; readonly rewritten: number };
  readonly functions: number;
  readonly instrumented: number;
  readonly safePoints: {
    readonly loops: number;
    readonly entries: number;
    readonly calls: number;
    readonly operations: number;
  };
  /** Functions that something else than WASI has to give. */
  readonly otherImports: readonly string[];
  readonly hostReferences: boolean;
}

function toReport(program: string, module: string, sizeBytes: number, loaded: LoadedProgram): CheckReport {
  const { info, statistics } = loaded;
  const { loops, entries, calls, operations, functions, instrumented, codeBytes } = statistics;
  const types = [
    ...info.globals.map(({ type }) => type),
    ...info.tables.map(({ element }) => element),
    ...info.references,
  ];
  return {
    ...{ program, module, saveable: true, sizeBytes, rewrittenBytes: loaded.bytes.length, codeBytes },
    command: info.exports.some(({ kind, name }) => kind === "func" && name === "_start"),
    ...{ functions, instrumented, safePoints: { loops, entries, calls, operations } },
    otherImports: info.imports
      .filter(({ module: from }) => from !== WASI_MODULE)
      .map((entry) => `${entry.module}.${entry.name}`),
    hostReferences: types.includes("externref"),
  };
}

function printReport(io: Io, report: CheckReport): void {
  const { original, rewritten } = report.codeBytes;
  const { loops, entries, calls, operations } = report.safePoints;
  const growth = original === 0 ? "" : `, ${(rewritten / original).toFixed(2)} times`;
  io.out(`${report.program} can be saved\n`);
  io.out(`  module       ${toSize(report.sizeBytes)}, rewritten ${toSize(report.rewrittenBytes)}\n`);
  io.out(`  code         ${toSize(original)}, rewritten ${toSize(rewritten)}${growth}\n`);
  io.out(`  functions    ${report.functions}, ${report.instrumented} of them can be frozen\n`);
  io.out(`  safe points  ${loops} loops, ${entries} entries, ${calls} calls, ${operations} long operations\n`);
  if (!report.command) io.out("  note: no WASI command (it exports no _start), rtcr run cannot run it\n");
  if (report.otherImports.length > 0) io.out(`  note: an embedder must give ${report.otherImports.join(", ")}\n`);
  if (report.hostReferences) io.out("  note: it can hold host references, which a checkpoint refuses by name\n");
}
