// A standby system follows a primary: it takes up each of its checkpoints, and goes on when the primary is no more. Each is a
// process of its own, as people do it.
import assert from "node:assert/strict";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { askControl } from "../../src/cli/control.ts";
import { openHome } from "../../src/cli/home.ts";
import { findRun } from "../../src/cli/runs.ts";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { programFile } from "../tortured/tortured.ts";
import { cli, folder, Guest } from "./support.ts";

const SHEEP = "sheep_counter_timer";

/**
 * A system whose child counts sheep for ever.
 *
 * @param inner the child is one of a supervisor that the first one keeps
 * @returns its folder and file
 */
function system(t: TestContext, module: string, inner = false): { readonly path: string; readonly file: string } {
  const path = folder(t);
  copyFileSync(programFile(SHEEP), join(path, `${SHEEP}.wasm`));
  const provided = ["PD", "CPU", "ROM", "RM", "LOG", "Timer"].map((name) => `<service name="${name}"/>`).join("");
  const routes = `<parent-provides>${provided}</parent-provides><default-route><any-service><parent/></any-service></default-route>`;
  const counter = `<start name="${SHEEP}" caps="300" ram="8M"><config sleep_ms="10"/></start>`;
  const kept = `<start name="inner" caps="2000" ram="40M"><binary name="rtcr"/><config>${routes}${counter}</config></start>`;
  const child = inner ? kept : counter;
  const file = join(path, "system.xml");
  writeFileSync(
    file,
    `<config>${routes}<start name="rtcr" caps="6000" ram="96M"><config>${routes}<module name="${module}"/>${child}</config></start></config>`,
  );
  return { path, file };
}

/** The numbers that sheep were counted with. */
function sheep({ out }: Guest): number[] {
  return Array.from(out.matchAll(/\] (\d+) sheep/g), ([, number]) => Number(number));
}

/** Until it holds; rejects if the guest ends before. */
function until(guest: Guest, holds: () => boolean): Promise<void> {
  const { stdout, stderr } = guest.process;
  return new Promise((resolve, reject) => {
    const look = () => {
      if (!holds() && !guest.over) return;
      for (const stream of [stdout, stderr]) stream.off("data", look);
      guest.process.off("close", look);
      if (holds()) resolve();
      else reject(new Error(`it has ended: ${guest.err}`));
    };
    for (const stream of [stdout, stderr]) stream.on("data", look);
    guest.process.on("close", look);
    look();
  });
}

/** A checkpoint of the primary. @returns how many sheep it had counted at least */
async function checkpointed(path: string, primary: Guest): Promise<number> {
  const counted = sheep(primary).length;
  const { code, err } = await cli(path, "checkpoint", "primary");
  assert.equal(code, 0, err);
  return counted;
}

/** A primary that has counted, and what stands by for it. */
async function pair(t: TestContext, module: string, { inner = false, more = [] as readonly string[] } = {}) {
  const { path, file } = system(t, module, inner);
  const primary = new Guest(t, path, "run", "--name", "primary", "--checkpoint-every", "30ms", file);
  await until(primary, () => sheep(primary).length > 1);
  await checkpointed(path, primary);
  const spare = new Guest(t, path, "restore", "--follow", ...more, "--as", "spare", "primary", file);
  await until(spare, () => spare.err.includes("note: standing by\n"));
  return { path, file, primary, spare };
}

for (const strategy of STRATEGIES) {
  for (const module of ["base", "inc"]) {
    test(`S90, S97, S108: when a primary is killed, what stands by for it goes on from its newest checkpoint (${strategy}, ${module})`, async (t) => {
      const { path, primary, spare } = await pair(t, module, { more: ["--strategy", strategy] });
      const before = sheep(primary).length;
      await until(primary, () => sheep(primary).length > before + 10);
      assert.deepEqual(sheep(spare), [], "it stands by");
      const counted = await checkpointed(path, primary);
      primary.process.kill("SIGKILL");
      await primary.ended;
      // Its two outputs come by two pipes, in whatever order.
      await until(spare, () => sheep(spare).length > 5 && spare.err.includes("note: restored\n"));
      const all = sheep(spare);
      assert.deepEqual(
        all,
        all.map((_, i) => all[0]! + i),
      );
      assert.ok(all[0]! > counted && all[0]! <= sheep(primary).length + 1, `${all[0]} after ${counted}`);
      const later = await cli(path, "checkpoint", "--stop", "spare");
      assert.equal(later.code, 0, later.err);
      assert.equal(await spare.ended, 0);
      assert.match(spare.err, /note: primary runs no more, going on from checkpoint [0-9a-f]{64}\nnote: restored\n/);
    });
  }
}

test("S90, S97: what stands by goes on when its primary has ended in whatever way, and ends when it is told to", async (t) => {
  const { path, primary, spare, file } = await pair(t, "inc", { inner: true });
  const other = new Guest(t, path, "restore", "--follow", "--as", "other", "primary", file);
  await until(other, () => other.err.includes("note: standing by\n"));
  other.process.kill("SIGTERM");
  assert.equal(await other.ended, 143);
  assert.deepEqual(sheep(other), []);
  const busy = await cli(path, "checkpoint", "spare");
  assert.deepEqual([busy.code, sheep(spare)], [5, []]);
  assert.match(busy.err, /^error: checkpoint "spare": child "inner" is being restored\n/);
  assert.equal((await cli(path, "kill", "primary")).code, 0);
  assert.equal(await primary.ended, 137);
  await until(spare, () => sheep(spare).length > 3);
  assert.ok(sheep(spare)[0]! <= sheep(primary).length + 1);
});

test("S90, S97: a checkpoint that an earlier run of the primary's name has left is not gone on from", async (t) => {
  const { path, file } = system(t, "base");
  const first = new Guest(t, path, "run", "--name", "primary", file);
  await until(first, () => sheep(first).length > 1);
  assert.equal((await cli(path, "checkpoint", "--stop", "primary")).code, 0);
  assert.equal(await first.ended, 0);
  const between = new Guest(t, path, "restore", "--as", "between", "primary", file);
  await until(between, () => sheep(between).length > 2);
  const { out, code } = await cli(path, "checkpoint", "--stop", "between");
  assert.deepEqual([code, await between.ended], [0, 0]);
  const id = out.match(/[0-9a-f]{64}/)?.[0];
  const primary = new Guest(t, path, "restore", "--as", "primary", "between", file);
  await until(primary, () => sheep(primary).length > 0);
  const spare = new Guest(t, path, "restore", "--follow", "--as", "spare", "primary", file);
  await until(spare, () => spare.err.includes("note: standing by\n"));
  const run = await findRun(openHome(path), "spare");
  const newest = async () => ((await askControl(run, { type: "status" })) as { readonly newest: string }).newest;
  while ((await newest()) !== id) await setTimeout(10);
  primary.process.kill("SIGKILL");
  await until(spare, () => sheep(spare).length > 0);
  assert.equal(sheep(spare)[0], sheep(primary)[0]);
});

test("S90, S97: a primary that lives is not taken for dead, though nothing tells of it any more", async (t) => {
  const { path, primary, spare } = await pair(t, "base");
  rmSync(join(path, "runs", "primary", "run.json"));
  const counted = sheep(primary).length;
  await until(primary, () => sheep(primary).length > counted + 20);
  assert.deepEqual(sheep(spare), []);
  primary.process.kill("SIGKILL");
  await until(spare, () => sheep(spare).length > 0);
});

test("S90: nothing is followed that does not run, or is no system", async (t) => {
  const { path, file } = system(t, "base");
  const primary = new Guest(t, path, "run", "--name", "primary", file);
  await until(primary, () => sheep(primary).length > 1);
  assert.equal((await cli(path, "checkpoint", "primary")).code, 0);
  const follow = (...args: readonly string[]) => cli(path, "restore", "--follow", ...args);
  const taken = await follow("primary", file);
  assert.equal(taken.code, 5);
  assert.match(taken.err, /the name primary is taken by a running program/);
  const plain = await follow("--as", "spare", "primary");
  assert.deepEqual(
    [plain.code, plain.err],
    [2, "error: --follow is for systems, expected rtcr restore ID SYSTEM.xml\nhint: rtcr restore --help\n"],
  );
  primary.process.kill("SIGKILL");
  await primary.ended;
  const gone = await follow("--as", "spare", "primary", file);
  assert.deepEqual([gone.code, gone.err], [3, 'error: no program "primary" is running\nhint: rtcr ps\n']);
});
