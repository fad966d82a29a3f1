// TypeScript of this repository as scripts for browsers: types stripped, the sources replaced by the built package, and
// what tests import of Node by stand-ins (node-shims.ts), named by address because workers have no import map.

import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import posix from "node:path/posix";

/** Pages load the build just as it is. */
const PAGE = /page\.ts$/;
const ROOT = join(import.meta.dirname, "../..");

/** The build for tests in workers, which have no import map: package names are addresses. */
export function workerScript(code: string): string {
  return code.replaceAll('"@noble/hashes/', '"/noble/');
}

/** @param path a TypeScript file's, from the repository's root, with a slash in front */
export function browserScript(path: string): string {
  const code = stripTypeScriptTypes(readFileSync(join(ROOT, path), "utf8"));
  return code.replaceAll(/(\bfrom\s*)"([^"]+)"/g, (_, from, target) => `${from}"${address(path, target)}"`);
}

/** Where a browser finds what `importer` imports. */
function address(importer: string, target: string): string {
  if (target.startsWith("node:")) return "/test/browser/node-shims.ts";
  if (!target.startsWith(".")) return target;
  const path = posix.join(posix.dirname(importer), target);
  if (path === "/test/assemble.ts") return "/test/browser/assemble-shim.ts";
  const build = PAGE.test(importer) ? "dist" : "dist-for-workers";
  return path.replace(/^\/src\/(.*)\.ts$/, `/${build}/$1.js`);
}
