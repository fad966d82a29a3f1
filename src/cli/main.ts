// The process's own command line: what bin/rtcr.js imports, which runs it. Code that V8 has compiled once is kept in the
// state directory, if there is one, and found there by the next process.

import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { homePath } from "./home-path.ts";
import { cacheFolder, readSeal } from "./seal.ts";

/** As EXIT.failed, whose file is not read for it. */
const FAILED = 1;

const kept = keptCode();
if (kept !== undefined) {
  const cache = join(kept, "node");
  enableCompileCache(cache); // nothing where NODE_DISABLE_COMPILE_CACHE is set
  process.env["NODE_COMPILE_CACHE"] ??= cache; // for workers
}
const { main } = await import("./cli.ts");

// A reader that has gone (`| head -1`) is no failure; the command goes on to its end without it.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") return;
  process.stderr.write(`error: standard output: ${error.message}\n`);
  process.exitCode = FAILED;
});
process.stderr.on("error", () => {}); // nobody can be told

function keptCode(): string | undefined {
  try {
    const path = homePath(process.env);
    const seal = readSeal(path);
    return seal && cacheFolder(path, seal);
  } catch {
    return undefined; // the command will say what is wrong with the state directory, if it needs it
  }
}

const exitCode = await main(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  environment: process.env,
});
process.exitCode ||= exitCode;
