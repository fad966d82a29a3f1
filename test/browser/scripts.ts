// TypeScript of this repository as scripts for browsers: types stripped, the sources replaced by the built package, and
// what tests import of Node by stand-ins (node-shims.ts), named by address because workers have no import map.

import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

const STAND_INS: readonly (readonly [from: RegExp, to: string])[] = [
  [/"(?:\.\.\/)+src\/([^"]+)\.ts"/g, '"/dist/$1.js"'],
  [/"node:(?:test|assert\/strict|crypto|v8)"/g, '"/test/browser/node-shims.ts"'],
  [/"\.\.\/assemble\.ts"|"\.\/assemble\.ts"/g, '"/test/browser/assemble-shim.ts"'],
];

/** @param path a TypeScript file's, from the repository's root */
export function browserScript(path: string): string {
  const source = readFileSync(join(ROOT, path), "utf8");
  return STAND_INS.reduce((text, [from, to]) => text.replaceAll(from, to), stripTypeScriptTypes(source));
}
