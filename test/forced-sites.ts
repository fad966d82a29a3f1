// Declares tests of forced sites; a test file for some of the programs each, so that they run side by side.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { APPS, type App } from "../apps/apps.ts";
import { type BuiltApp, buildApps } from "../scripts/build-apps.ts";
import { type Forced, force } from "./forced/force.ts";

/** With panic=abort `__rust_start_panic` ends the program; what would report that it has not can never run. */
const AFTER_PANIC = { rust_panic: 7, _ZN3std9panicking20rust_panic_with_hook: 1 };

/** Sites that no thread can come to, by language or program: how many in which function. */
const DEAD: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  rust: AFTER_PANIC,
  // behind the call of main, which ends in exit(7) or calls itself
  "exit-code": { _start: 3 },
  // `operator new` and what is like it call a handler that nobody sets, and no function of its type is in the table
  dijkstra: { "function 11": 1 },
  functional: { "function 46": 1, "function 47": 1 },
  containers: { "function 19": 1 },
  "word-count": { "function 24": 1 },
};

/** Declares the tests for the programs that `chosen` picks. */
export function forcesSitesOf(chosen: (app: App) => boolean): void {
  const apps = APPS.filter(chosen);
  const results = new Map<string, Forced & { readonly ms: number }>();
  let built: readonly BuiltApp[];
  before(async () => {
    built = await buildApps(apps);
  });
  describe("every site of every function is frozen at, serialised and restored", () => {
    for (const [number, app] of apps.entries()) {
      test(app.name, () => {
        const begin = performance.now();
        const result = force(new Uint8Array(readFileSync(built[number]!.file)), app.name);
        results.set(app.name, { ...result, ms: performance.now() - begin });
        assert.deepEqual(unreachedBy(result), { ...DEAD[app.language], ...DEAD[app.name] });
        const missed = result.unreached.filter(({ dead }) => !dead);
        assert.deepEqual(missed, [], "sites to which there is a way");
      });
    }
  });
  after(() => {
    for (const [name, { sites, unreached, calls, ms }] of results) {
      const reached = `${sites - unreached.length} of ${sites} sites`;
      console.log(`${name.padEnd(18)}${reached.padStart(20)}  ${calls} calls  ${Math.round(ms)} ms`);
    }
  });
}

/** How many sites were missed, by function; names of Rust without their hashes. */
function unreachedBy({ unreached }: Forced): Record<string, number> {
  const missed: Record<string, number> = {};
  for (const { function: name } of unreached) {
    const plain = name.replace(/17h[0-9a-f]{16}E.*$/, "");
    missed[plain] = (missed[plain] ?? 0) + 1;
  }
  return missed;
}
