import assert from "node:assert/strict";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import "../../test/own-config.ts";
import { openHome } from "./home.ts";

const NOBODY = 65534;

/** As somebody to whom modes of files apply. */
function unprivileged<Result>(act: () => Result): Result {
  if (process.geteuid!() !== 0) return act();
  process.seteuid!(NOBODY);
  try {
    return act();
  } finally {
    process.seteuid!(0);
  }
}

for (const [what, make] of [
  ["not to be written", (cache: string) => mkdirSync(cache, { mode: 0o500 })],
  ["not to be read either", (cache: string) => mkdirSync(cache, { mode: 0o000 })],
  ["a file", (cache: string) => writeFileSync(cache, "")],
  ["on a disk that is not there", (cache: string) => symlinkSync(`${cache}-elsewhere/cache`, cache)],
] as const) {
  test(`where the cache is ${what} there is none, which is no failure`, { skip: process.platform === "win32" }, (t) => {
    const path = mkdtempSync(join(tmpdir(), "rtcr-home-"));
    t.after(() => {
      if (existsSync(join(path, "cache"))) chmodSync(join(path, "cache"), 0o700);
      rmSync(path, { recursive: true, force: true });
    });
    if (process.geteuid!() === 0) chownSync(path, NOBODY, NOBODY);
    const found = unprivileged(() => {
      const usual = openHome(path).cache();
      rmSync(join(path, "cache"), { recursive: true });
      make(join(path, "cache"));
      return [usual, openHome(path).cache()];
    });
    assert.ok(found[0]?.startsWith(join(path, "cache")));
    assert.equal(found[1], undefined);
  });
}
