// Checkpoints of systems from the command line: each step in a process of its own, as people do it.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { cli, folder, Guest } from "./support.ts";

const COMPONENTS = join(import.meta.dirname, "../../build/components");
const SHEEP = "sheep_counter_timer";
const LABEL = `[init -> rtcr -> ${SHEEP}]`;

/** A system in a folder of its own, with a supervisor whose configuration is `inside`. */
function system(t: TestContext, inside = `<child name="${SHEEP}" quota="8M" caps="300"/>`, ...more: string[]): string {
  const path = folder(t);
  for (const name of [SHEEP, ...more]) {
    const file = join(COMPONENTS, `${name}.wasm`);
    if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build:guests`);
    copyFileSync(file, join(path, `${name}.wasm`));
  }
  writeSystem(path, inside);
  return path;
}

function writeSystem(path: string, inside: string): void {
  const services = ["PD", "CPU", "ROM", "RM", "LOG", "Timer", "Report"];
  const provided = services.map((name) => `<service name="${name}"/>`).join("");
  writeFileSync(
    join(path, "system.xml"),
    `<config>\n<parent-provides>${provided}</parent-provides>
<default-route><any-service><parent/></any-service></default-route>
<start name="rtcr" caps="6000" ram="96M"><config>\n${inside}\n</config></start>\n</config>\n`,
  );
}

/** Runs until it has said so many lines. */
async function said(guest: Guest, lines: number): Promise<void> {
  while (guest.out.split("\n").length <= lines) await new Promise((more) => guest.process.stdout.once("data", more));
}

/** The numbers that sheep were counted with. */
function sheep(out: string): number[] {
  return Array.from(out.matchAll(/\] (\d+) sheep/g), ([, number]) => Number(number));
}

test("S77, S111: faults of a supervisor's configuration are named with file, line and what is allowed", async (t) => {
  const path = system(t, `<child nome="${SHEEP}" quota="8M" caps="300"/>\n<module name="inc"/>`);
  const { code, err } = await cli(path, "run", join(path, "system.xml"));
  assert.equal(code, 1);
  const file = join(path, "system.xml");
  assert.deepEqual(err.split("\n"), [
    `error: ${file}:5:1: <child> has no attribute "name", expected text of 1 to 64 characters`,
    `${file}:5:8: unknown attribute "nome" of <child>, allowed: name, quota, caps, xpos, ypos; did you mean name?`,
    `${file}:6:9: <module name="inc">: expected one of base`,
    "",
  ]);
});

test("S71, S111: a running system is checkpointed, goes on, and is stopped by its last checkpoint", async (t) => {
  const path = system(t);
  const guest = new Guest(t, path, "run", join(path, "system.xml"));
  await said(guest, 1);
  const none = await cli(path, "checkpoint", "--child", "cow", "system");
  assert.equal(none.code, 3);
  assert.equal(none.err, `error: no supervisor keeps children cow, expected one; there are init -> rtcr (${SHEEP})\n`);
  const first = await cli(path, "checkpoint", "--json", "system");
  assert.equal(first.code, 0, first.err);
  const { id, name, children, stopped } = JSON.parse(first.out);
  assert.deepEqual([name, children, stopped], ["system", [SHEEP], false]);
  const before = guest.out.length;
  while (guest.out.length === before) await new Promise((more) => guest.process.stdout.once("data", more));
  const last = await cli(path, "checkpoint", "--child", SHEEP, "--stop", "system");
  assert.equal(last.code, 0, last.err);
  assert.match(last.err, /^system stopped; \d+ new pages, [\d.]+ KiB\n$/);
  assert.equal(await guest.ended, 0, guest.err);
  const counted = sheep(guest.out);
  assert.deepEqual(
    counted,
    counted.map((_, i) => i + 1),
  );
  assert.ok(guest.out.startsWith(`${LABEL} 1 sheep`), guest.out);
  const listed = JSON.parse((await cli(path, "list", "--json")).out) as { id: string; parent?: string }[];
  assert.deepEqual(
    listed.map(({ id, parent }) => [id, parent]),
    [
      [id, undefined],
      [last.out.trim(), id],
    ],
  );
  const verified = await cli(path, "verify");
  assert.equal(verified.code, 0);
  assert.match(verified.out, /^sound: 2 manifests, \d+ pages, /);
});
