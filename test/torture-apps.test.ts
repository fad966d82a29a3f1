// Guest programs frozen, stored, discarded and restored at every single safe point: they do not notice.
//
// At least 20 of them pass 2,000 safe points and more. Prints the points taken and, of the sites at which a frame can
// stand, those at which one stood: all of them in the programs written by hand for each feature. What the libraries of
// other languages bring along is never all reached by one program: forced-sites-*.test.ts comes to all of it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { appNamed, type BuiltApp, buildApps } from "../scripts/build-apps.ts";
import { type TortureResult, torture } from "../src/cli/torture/torture.ts";

const POINTS = 2_000;
const PROGRAMS_WITH_POINTS = 20;

const LONG =
  "recursion quicksort n-body mandelbrot binary-trees regex sudoku dijkstra shapes templates functional iterators " +
  "classes generics garbage tables exceptions-nested nesting v128-locals start-function bulk-memory call-ref simd " +
  "tail-call memory64 dead-code memory-grow clock";
/** Short ones, for what they exercise or how they end. */
const SHORT =
  "multi-value sign-extension saturating relaxed-simd atomics exceptions legacy-exceptions multi-memory globals " +
  "extended-const br-table trap uncaught panic";

/**
 * The stack of a run whose every freeze saves all of a stack that is nearly exhausted: with that of a CPU it would be
 * 800,000 frames deep. Here its last point is some 2,400 frames deep.
 */
const SMALL_STACK_MB = 0.4;

const results = new Map<string, TortureResult>();

describe("programs under torture at every safe point", { concurrency: 2 }, async () => {
  const names = `${LONG} ${SHORT}`.split(" ");
  for (const built of await buildApps(names.map(appNamed))) test(built.app.name, () => tortures(built));
  const [overflow] = await buildApps([appNamed("stack-overflow")]);
  test("stack-overflow, on a small stack", () => tortures(overflow!, SMALL_STACK_MB));
});

test(`${PROGRAMS_WITH_POINTS} of them take ${POINTS} points and more`, () => {
  const long = [...results.values()].filter(({ tortured }) => tortured.taken.length >= POINTS);
  assert.ok(long.length >= PROGRAMS_WITH_POINTS, `${long.length} programs`);
});

after(() => {
  let [allReached, allSites] = [0, 0];
  for (const [name, { tortured, torturedMs }] of [...results].sort()) {
    allReached += tortured.visited.length;
    allSites += tortured.sites;
    const [points, reached] = [tortured.taken.length, tortured.visited.length].map((count) =>
      String(count).padStart(6),
    );
    console.log(
      `${name.padEnd(18)}${points} points${reached} of ${tortured.sites} sites  ${Math.round(torturedMs)} ms`,
    );
  }
  console.log(`own runs: ${allReached} of ${allSites} sites`);
});

async function tortures({ app, file }: BuiltApp, stackMb?: number): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), "rtcr-data-"));
  try {
    const module = new Uint8Array(readFileSync(file));
    const result = await torture({
      module,
      hash: createHash("sha256").update(module).digest("hex"),
      stdin: new TextEncoder().encode(app.stdin),
      choice: { every: 1 },
      freshProcess: false,
      listSites: app.language.startsWith("wat"),
      ...(stackMb === undefined ? {} : { stackMb }),
      spec: {
        args: [app.name, ...app.args],
        environment: [],
        directories: app.directory ? [{ hostPath: data, guestPath: "/data", writable: true }] : [],
        memoryDirectories: [],
        holdOutput: false,
        deterministic: true,
      },
    });
    results.set(app.name, result);
    assert.equal(result.difference?.text, undefined, JSON.stringify(result.point));
    assert.ok(result.tortured.taken.length > 0, "no point was taken");
    assert.deepEqual(result.tortured.unreached ?? [], [], "sites never reached");
    const expected = readFileSync(join(import.meta.dirname, `../apps/expected/${app.name}.txt`), "utf8");
    assert.equal(new TextDecoder().decode(result.tortured.outcome.stdout), expected);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}
