import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { runStep } from "./step-process.ts";

/** A script in a folder of its own. @param act what it does with its order */
function step(t: TestContext, act: string): { readonly folder: string; readonly script: URL } {
  const folder = mkdtempSync(join(tmpdir(), "rtcr-step-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const module = JSON.stringify(new URL("./step-process.ts", import.meta.url));
  const script = join(folder, "script.mts");
  writeFileSync(script, `const { actAsStep } = await import(${module});\nawait actAsStep(import.meta.url, ${act});\n`);
  return { folder, script: pathToFileURL(script) };
}

test("S97: each step is a process of its own, given its order", async (t) => {
  const { folder, script } = step(t, "async (order, folder) => [order, folder, process.pid]");
  const pids = new Set([process.pid]);
  for (const order of [{ from: "a" }, { from: "b" }]) {
    const [seen, where, pid] = await runStep<object, [object, string, number]>(script, folder, order);
    assert.deepEqual([seen, where], [order, folder]);
    pids.add(pid);
  }
  assert.equal(pids.size, 3);
});

test("a step that ends without a result says why, and the result of the one before is not taken for its own", async (t) => {
  const { folder, script } = step(t, 'async (order) => { if (order.fail) throw new Error("no more"); return 1; }');
  assert.equal(await runStep(script, folder, {}), 1);
  const message = /^a process of the torture left no result: no more\n$/;
  await assert.rejects(runStep(script, folder, { fail: true }), { exitCode: 1, message });
});
