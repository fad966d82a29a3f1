// Builds dist/ from src/ with tsc. Runs after `npm ci` (npm's "prepare"), under any Node that npm runs under.
import { execFileSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const tsc = join(root, "node_modules/typescript/bin/tsc");
if (!existsSync(tsc)) {
  console.error("build: typescript is not installed, dist/ is left as it is (npm ci without --omit=dev builds it)");
} else {
  rmSync(join(root, "dist"), { recursive: true, force: true });
  execFileSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json")], { stdio: "inherit" });
  // So that no process has to hash the rewriter's files to know whether what was kept is its work.
  const cache = join(root, "dist/core/program-cache-node.js");
  const { codeHash } = await import(pathToFileURL(cache).href);
  writeFileSync(join(root, "dist/core/rewriter.sha256"), `${codeHash()}\n`);
}
