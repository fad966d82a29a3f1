// Warnings are findings: what compilers and linters would only remark on fails.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compilerOf } from "../scripts/guest-compilers.ts";

const ROOT = join(import.meta.dirname, "..");

function folder(t: { after(clean: () => void): void }): string {
  const path = mkdtempSync(join(ROOT, "build/warnings-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test("S124: a guest with an unused variable is not compiled", async (t) => {
  const path = folder(t);
  for (const [language, file] of [
    ["c", "unused.c"],
    ["c++", "unused.cpp"],
  ] as const) {
    const source = join(path, file);
    writeFileSync(source, "int main() { int unused = 1; return 0; }\n");
    await assert.rejects(compilerOf(language).compile(source, join(path, "out.wasm")), /unused variable/, language);
  }
});

test("S124: TypeScript with an unused variable, or an index that may be missing, is refused by its types", (t) => {
  const path = folder(t);
  const file = join(path, "unused.ts");
  writeFileSync(
    file,
    "export function first(list: readonly number[]): number {\n  const unused = 1;\n  return list[0];\n}\n",
  );
  writeFileSync(join(path, "tsconfig.json"), JSON.stringify({ extends: join(ROOT, "tsconfig.json"), include: [file] }));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", path], { encoding: "utf8" });
  assert.notEqual(status, 0);
  assert.match(stdout, /'unused' is declared but its value is never read/);
  assert.match(stdout, /'number \| undefined' is not assignable to type 'number'/);
});
