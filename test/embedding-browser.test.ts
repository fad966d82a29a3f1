// The embedding API on a page's main thread, where nothing may block: a guest that computes and one that waits leave the
// page its turns, are saved there and go on in another machine. Machines in workers: browser.test.ts.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import type * as Api from "../src/index.ts";
import { assemble } from "./assemble.ts";
import { BrowserServer } from "./browser/server.ts";

const CHROMIUM = "/usr/bin/chromium";

const GUEST = assemble(`(module (import "host" "wait" (func $wait (param i32))) (memory (export "memory") 1)
  (func (export "go") (param $turns i64) (result i64) (local $i i64)
    (call $wait (i32.const 20))
    (loop $again
      (i64.store (i32.const 8) (local.tee $i (i64.add (local.get $i) (i64.const 1))))
      (br_if $again (i64.lt_u (local.get $i) (local.get $turns))))
    (local.get $i)))`);

/** Runs in the page. */
async function visit(guest: readonly number[]): Promise<unknown> {
  const { Machine, loadCheckpoint, openMemoryStore, saveCheckpoint, sha256 } = (await import(
    "/dist/index.js" as string
  )) as typeof Api;
  const wait: Api.HostFunction = {
    freeze: "restartable",
    call: (call, ms) => {
      const end = (call.progress as number | undefined) ?? performance.now() + (ms as number);
      while (performance.now() < end) {
        if (call.wait(BigInt(Math.ceil((end - performance.now()) * 1e6))) === "freeze") call.freeze(end);
      }
      return undefined;
    },
  };
  const imports = { host: { wait } };
  const first = new Machine();
  const instance = await first.load(new Uint8Array(guest), { imports });
  const memory = new DataView((instance.exports["memory"] as WebAssembly.Memory).buffer);
  instance.start("go", 1_000_000_000n);
  let frames = 0;
  while (memory.getBigInt64(8, true) === 0n || frames < 5) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    frames++;
  }
  const store = openMemoryStore();
  const frozen = await first.freeze();
  await saveCheckpoint(store, await first.checkpoint({ name: "page" }), { sha256 });
  first.close();
  const second = await Machine.restore(await loadCheckpoint(store, "page"), { imports });
  const [thread] = second.threads;
  second.resume();
  const outcome = await thread!.done;
  second.close();
  return { frozen, kind: outcome.kind, result: outcome.kind === "returned" && String(outcome.results[0]) };
}

let server: BrowserServer;
before(async () => {
  server = await BrowserServer.open();
});
after(() => server.close());

test("a machine lives on a page's main thread", async () => {
  assert.ok(existsSync(CHROMIUM), "Chromium is not installed; run scripts/install-browsers.sh");
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--headless", "--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}/dist/index.js`); // whatever the server sends is cross-origin isolated
    await page.setContent(`<script type="importmap">{ "imports": { "@noble/hashes/": "/noble/" } }</script>`);
    const outcome = await page.evaluate(visit, [...GUEST]);
    assert.deepEqual(outcome, { frozen: "frozen", kind: "returned", result: "1000000000" });
  } finally {
    await browser.close();
  }
});
