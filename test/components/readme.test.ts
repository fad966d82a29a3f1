// The component in each SDK's README is compiled and runs.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ComponentLanguage } from "../../apps/components/components.ts";
import { componentCompilerOf } from "../../scripts/component-compilers.ts";
import { generateGuestAbi } from "../../scripts/generate-guest-abi.ts";
import { child, runBinaries } from "./rig.ts";

const ROOT = join(import.meta.dirname, "../..");
const FOLDER = "build/readme";

const SDKS: readonly (readonly [folder: string, language: ComponentLanguage, extension: string])[] = [
  ["cpp", "c++", "cpp"],
  ["assemblyscript", "assemblyscript", "ts"],
  ["rust", "rust", "rs"],
];

for (const [folder, language, extension] of SDKS) {
  test(`the component in guest/${folder}/README.md`, async () => {
    const readme = readFileSync(join(ROOT, `guest/${folder}/README.md`), "utf8");
    const code = /```(?:cpp|ts|rust)\n([\s\S]*?)```/.exec(readme);
    assert(code, "the README has a component");
    mkdirSync(join(ROOT, FOLDER), { recursive: true });
    const source = `${FOLDER}/readme_${folder}.${extension}`;
    const output = `${FOLDER}/readme_${folder}.${process.pid}.wasm`;
    writeFileSync(join(ROOT, source), code[1]!);
    generateGuestAbi();
    await componentCompilerOf(language).compile(source, output);
    const run = await runBinaries({ start: child("readme") }, { readme: readFileSync(join(ROOT, output)) });
    assert.deepEqual(run.of("readme"), ["counter 42"]);
    assert.deepEqual(run.warnings, []);
  });
}
