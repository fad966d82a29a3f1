// What browsers load reaches nothing of Node: every module that is imported, directly or not, from the entries below.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

const SOURCES = join(import.meta.dirname, "../src");

/** The packages that browsers need an import map for. Workers have no import map. */
const IN_PAGES = ["@noble/hashes/sha2.js"];

/** What remains of a file's imports when its types are gone, as it does in the build. */
function imports(file: string): string[] {
  const code = stripTypeScriptTypes(readFileSync(file, "utf8"));
  return [...code.matchAll(/^\s*(?:import|export)\b(?:[\w\s{},*$]*?\bfrom)?\s*"([^"]+)"/gm)].map((match) => match[1]!);
}

/** The files that an entry reaches, and the packages with the first file that asks for each. */
function reach(entry: string): { readonly files: Set<string>; readonly packages: Map<string, string> } {
  const files = new Set<string>();
  const packages = new Map<string, string>();
  const waiting = [join(SOURCES, entry)];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    for (const target of imports(file)) {
      if (target.startsWith(".")) waiting.push(join(dirname(file), target));
      else if (!packages.has(target)) packages.set(target, relative(SOURCES, file));
    }
  }
  return { files, packages };
}

for (const [entry, allowed] of [
  ["index.ts", IN_PAGES],
  ["index-web.ts", IN_PAGES],
  ["store/index.ts", IN_PAGES],
  ["machine/cpu-web.ts", []],
] as const) {
  test(`${entry} reaches ${allowed.join(", ") || "no package"} and nothing of Node`, () => {
    const { files, packages } = reach(entry);
    const foreign = [...packages].filter(([name]) => !(allowed as readonly string[]).includes(name));
    assert.deepEqual(foreign, [], "packages that browsers cannot load, and who asks for them");
    assert.ok(files.size > 10, `expected more than 10 files, found ${files.size}`);
    for (const file of files) assert.ok(existsSync(file), file);
  });
}
