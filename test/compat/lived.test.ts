// Kept images are not only readable: systems go on from them. What a supervisor beneath a supervisor keeps is in none of the
// made-up ones as it is in life, so one was made of a system that ran (make.ts).
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { cli, folder, Guest } from "../cli/support.ts";
import { COUNTING, counted, LIVED } from "./lived.ts";
import { unpackStore } from "./unpack.ts";

/** By version: how far those of COUNTING had counted. */
const LAST: readonly (readonly number[])[] = [[24, 21]];

/** A state directory with a kept store, and a system's file. */
function kept(t: TestContext, kind: string, version: number, system: string): { path: string; file: string } {
  const path = folder(t);
  unpackStore(kind, version, join(path, "store"));
  const file = join(path, "system.xml");
  writeFileSync(file, system);
  return { path, file };
}

for (const [index, last] of LAST.entries()) {
  for (const strategy of ["direct", "bootstrap"]) {
    test(`S88, S90, S115: a supervisor among the children goes on from its kept image, version ${index + 1} (${strategy})`, async (t) => {
      const { path, file } = kept(t, "lived", index + 1, LIVED);
      const guest = new Guest(t, path, "restore", "--strategy", strategy, "--as", "after", "latest", file);
      const numbers = () => COUNTING.map((label) => counted(guest.out, label));
      while (!guest.over && !numbers().every((list) => list.length >= 3)) {
        await Promise.race([guest.ended, new Promise((more) => guest.process.stdout.once("data", more))]);
      }
      assert.deepEqual(
        numbers().map((list) => list.slice(0, 3)),
        last.map((number) => [number + 1, number + 2, number + 3]),
        guest.err,
      );
      const again = await cli(path, "checkpoint", "--stop", "after");
      assert.equal(again.code, 0, again.err);
      assert.equal(await guest.ended, 0, guest.err);
    });
  }
}

test("S96, S115: the made-up image of supervisors is refused by the name of what it lacks; nothing is made", async (t) => {
  const inside = `<parent-provides><service name="PD"/><service name="CPU"/><service name="ROM"/></parent-provides>
<default-route><any-service><parent/></any-service></default-route>
<start name="counter" caps="900" ram="9M"><binary name="rtcr"/></start><start name="other" caps="900" ram="9M"/>`;
  const system = `<config><parent-provides><service name="PD"/><service name="CPU"/><service name="ROM"/></parent-provides>
<default-route><any-service><parent/></any-service></default-route>
<start name="rtcr" caps="6000" ram="60M"><config>${inside}</config></start></config>`;
  const { path, file } = kept(t, "supervisors", 1, system);
  const { code, out, err } = await cli(path, "restore", "latest", file);
  assert.deepEqual([code, out], [3, ""]);
  assert.match(
    err,
    /^error: checkpoint 8e4814ab: child "other" needs program abababab, which the checkpoint does not carry/,
  );
  const given = join(path, "other.wasm");
  writeFileSync(given, new Uint8Array([1, 2, 3]));
  const wrong = await cli(path, "restore", "latest", file);
  assert.deepEqual([wrong.code, wrong.out], [4, ""]);
  assert.match(wrong.err, /child "other" was made of program abababab, found 039058c6 in the ROM module "other"/);
});
