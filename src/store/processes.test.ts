// Several processes on one directory, one of them killed in the middle: every checkpoint that was reported is whole.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openDirectoryStore } from "./directory-node.ts";

const here = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

/** Saves checkpoints with many pages in common, prints each id; removes every third. */
const WRITER = `
import { openDirectoryStore } from ${here("./directory-node.ts")};
import { sample, save } from ${here("./suite.test.ts")};
const [path, number, count] = process.argv.slice(1);
const store = await openDirectoryStore(path, { segmentBytes: 200_000 });
for (let i = 0; i < Number(count); i++) {
  const checkpoint = sample("run-" + number, i % 3, 6);
  checkpoint.group.instances[0].memories[0].content[i] = Number(number);
  const { root } = await save(store, checkpoint);
  if (i % 3 === 2) await store.remove(root.id);
  else console.log(root.id);
}
`;

const COLLECTOR = `
import { openDirectoryStore } from ${here("./directory-node.ts")};
const store = await openDirectoryStore(process.argv[1], { lockWaitMs: 500 });
for (let i = 0; i < 6; i++) {
  await store.gc({ deadRatio: 0 }).catch((thrown) => {
    if (thrown.code !== "locked") throw thrown;
  });
}
`;

interface Running {
  readonly child: ChildProcess;
  /** Lines printed so far. */
  readonly lines: () => string[];
  /** Exit code, or null when it was killed; and what it wrote to standard error. */
  readonly ended: Promise<[code: number | null, errors: string]>;
}

function start(script: string, ...args: string[]): Running {
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, "--", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (text) => (output += text));
  child.stderr.on("data", (text) => (errors += text));
  const ended = new Promise<[number | null, string]>((resolve) => child.on("close", (code) => resolve([code, errors])));
  return { child, lines: () => output.split("\n").slice(0, -1), ended };
}

test("two writers, a gc and a writer that is killed, each a process", async () => {
  const path = mkdtempSync(join(tmpdir(), "rtcr-processes-"));
  try {
    const writers = [start(WRITER, path, "1", "9"), start(WRITER, path, "2", "9")];
    const victim = start(WRITER, path, "3", "1000");
    while (victim.lines().length < 2 && victim.child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 5));
    const collector = start(COLLECTOR, path);
    victim.child.kill("SIGKILL");
    assert.deepEqual(await victim.ended, [null, ""]);
    for (const running of [...writers, collector]) assert.deepEqual(await running.ended, [0, ""]);
    const store = await openDirectoryStore(path);
    await store.gc({ deadRatio: 0 });
    assert.deepEqual((await store.verify()).faults, []);
    const ids = new Set((await store.list()).roots.map(({ id }) => id));
    for (const id of [...writers, victim].flatMap((running) => running.lines())) {
      assert.ok(ids.has(id), `${id} was reported, so it is there`);
      assert.deepEqual((await store.verify(id)).faults, []);
    }
    await store.close();
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
});
