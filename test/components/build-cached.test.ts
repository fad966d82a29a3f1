// Guests that several tests of one process need at once are compiled once, one after the other never.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { compileCached } from "../../scripts/build-cached.ts";

/** A compiler that takes a turn of the event loop, and how often it ran. */
function compiler(t: TestContext) {
  const path = mkdtempSync(join(tmpdir(), "rtcr-build-"));
  t.after(() => rmSync(path, { recursive: true }));
  const output = join(path, "a.wasm");
  const made = { path, output, runs: 0, fails: false };
  const ask = (input: string) =>
    compileCached({
      ...{ output, keyFile: join(path, "a.key"), inputs: [input] },
      compile: async (temporary) => {
        made.runs++;
        assert.ok(!existsSync(temporary), "nobody else is writing it");
        writeFileSync(temporary, "");
        await new Promise((resolve) => setImmediate(resolve));
        if (made.fails) throw new Error("it does not compile");
        writeFileSync(temporary, input);
      },
    });
  return { made, ask };
}

test("an output that is asked for twice at once is compiled once, and there when either has been answered", async (t) => {
  const { made, ask } = compiler(t);
  const both = await Promise.all([ask("x"), ask("x")]);
  assert.deepEqual(both, [true, true]);
  assert.equal(made.runs, 1);
  assert.equal(readFileSync(made.output, "utf8"), "x");
  assert.equal(await ask("x"), false);
  assert.equal(await ask("y"), true);
  assert.deepEqual([made.runs, readFileSync(made.output, "utf8")], [2, "y"]);
});

test("what does not compile is told to all who asked, and compiled for the next one", async (t) => {
  const { made, ask } = compiler(t);
  made.fails = true;
  for (const answer of await Promise.allSettled([ask("x"), ask("x")])) assert.equal(answer.status, "rejected");
  assert.deepEqual([made.runs, readdirSync(made.path)], [1, []]);
  made.fails = false;
  assert.equal(await ask("x"), true);
});
