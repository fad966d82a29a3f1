// `rtcr rewrite`: writes the module as rtcr runs it.

import { Program, rewrite as rewriteProgram } from "../../instrument/index.ts";
import { type Command, flag, text } from "../command.ts";
import { EXIT, usageError } from "../failure.ts";
import { writeWhole } from "../files.ts";
import { readModule } from "../modules.ts";
import { printJson, toSize } from "../print.ts";

export const rewrite: Command = {
  name: "rewrite",
  summary: "write a program as rtcr runs it",
  usage: "[--json] IN.wasm -o OUT.wasm",
  help: `
Rewrites a module so that its threads can be frozen, and writes the result. The same module gives the same bytes. The
result imports memories and a tag from the module "rtcr" and is meant for rtcr's engine and for inspection.

  -o, --output FILE   where to write`,
  options: { output: { type: "string", short: "o" }, json: { type: "boolean" } },
  operands: [1, 1],
  run: async ({ values, positionals, io }) => {
    const output = text(values, "output");
    if (output === undefined) throw usageError("no output file, expected -o OUT.wasm", "rewrite");
    const { bytes, hash } = readModule(positionals[0]!);
    const result = rewriteProgram(new Program(bytes), hash);
    writeWhole(output, result.bytes);
    const { statistics } = result;
    if (flag(values, "json")) printJson(io, { module: hash, output, sizeBytes: result.bytes.length, statistics });
    else io.err(`${output}: ${toSize(result.bytes.length)} from ${toSize(bytes.length)}\n`);
    return EXIT.done;
  },
};
