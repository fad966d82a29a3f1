// What the README shows is run: the demo, and every verb it names.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "..");
const README = readFileSync(join(ROOT, "README.md"), "utf8");
/** Ids, process ids and escape sequences differ from run to run. */
const plain = (text: string) =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of the terminal
    .replace(/\x1b\[\d+m/g, "")
    .replace(/\b[0-9a-f]{64}\b/g, "ID")
    .replace(/kill -9 \d+/g, "kill -9 PID");

test("the demo prints what the README shows", () => {
  const demo = spawnSync(process.execPath, [join(ROOT, "scripts/demo.ts")], { encoding: "utf8" });
  assert.equal(demo.status, 0, demo.stderr);
  const printed = plain(demo.stdout).trim().split("\n");
  const block = README.match(/ {4}\$ npm ci && npm run demo\n((?: {4}.*\n)+)/);
  assert.ok(block, "the README shows the demo");
  const shown = plain(block[1]!)
    .trimEnd()
    .split("\n")
    .map((line) => line.slice(4));
  // The kill comes at some moment after the checkpoint: what the first process could still print, the second one prints
  // again, so that place and number of those lines differ from run to run.
  const lines = (list: readonly string[]) => [...new Set(list)].sort();
  assert.deepEqual(lines(printed.slice(1)), lines(shown));
});

test("every verb of the README has its help", () => {
  const verbs = new Set(
    [
      ...README.matchAll(
        /`(?:rtcr )?(run|ps|kill|checkpoint|restore|list|inspect|diff|verify|rm|gc|check|rewrite|torture)\b/g,
      ),
    ].map((match) => match[1]!),
  );
  assert.equal(verbs.size, 14);
  for (const verb of verbs) {
    const help = spawnSync(process.execPath, [join(ROOT, "bin/rtcr.js"), verb, "--help"], { encoding: "utf8" });
    assert.equal(help.status, 0, `${verb}: ${help.stderr}`);
    assert.match(help.stdout, /exit/i, verb);
  }
});
