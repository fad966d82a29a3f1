// The example of docs/EMBEDDING.md for systems prints what the guide says.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const ROOT = join(import.meta.dirname, "..");
const [, GUIDE] = readFileSync(join(ROOT, "docs/EMBEDDING.md"), "utf8").split("\n## Systems\n");

/** The first block of a language in the guide's chapter. */
function block(language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms").exec(GUIDE ?? "");
  assert(found, `docs/EMBEDDING.md has a block of ${language} in its chapter on systems`);
  return found[1]!;
}

test("the guide's system runs and prints what the guide says", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rtcr-embedding-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const entry = (_: string, name: string) => JSON.stringify(pathToFileURL(join(ROOT, `src/index-${name}.ts`)).href);
  const file = join(folder, "example.ts");
  writeFileSync(file, block("ts").replace(/"rtcr\/(node|systems)"/g, entry));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  assert.equal(execFileSync(process.execPath, [file], { encoding: "utf8" }), block("text"));
});
