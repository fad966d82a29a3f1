// SIGKILL at random moments: a child works on the files, or goes back and forth, until it is killed; then the files
// must go back to each checkpoint exactly.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deserialize, serialize } from "node:v8";
import type { PlainData } from "../../abi/index.ts";
import { createFileSystem, volumeStates } from "../files/index.ts";
import { Shell } from "../files/shell.test.ts";
import { JournaledVolume } from "./journaled-volume-node.ts";
import { randomCommand, randomOf, type Snapshot, Subject } from "./subject-node.test.ts";

const KILLS = 14;
/** The longest that a child works, beside its start. */
const WORK_MS_MAX = 30;

/** What a child is told. */
interface Task {
  readonly root: string;
  readonly journal: string;
  readonly states: readonly PlainData[];
  readonly seed: number;
}

/** Goes back to one of the states, works on the files, and again, until it is killed. */
function child(task: Task): never {
  const random = randomOf(task.seed);
  const directories = [{ hostPath: task.root, guestPath: "/", writable: true }];
  process.stdout.write("ready\n");
  for (let count = 0; ; ) {
    const state = task.states[random(task.states.length)]!;
    const volume = new JournaledVolume({ directories, journal: task.journal });
    volume.goBack(volumeStates(state)[0]!, false);
    const shell = new Shell(createFileSystem([volume], state));
    for (let i = random(60); i > 0; i--) shell.give(randomCommand(random, () => `<${task.seed}.${count++}>`));
    shell.files.dispose();
  }
}

/** Runs a child and kills it some milliseconds after it has begun to work. */
function killed(task: Task, afterMs: number): Promise<void> {
  const path = join(task.journal, "task");
  writeFileSync(path, serialize(task));
  return new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, [import.meta.filename, "child", path], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let errors = "";
    process_.stderr.on("data", (data) => (errors += data));
    process_.stdout.once("data", () => setTimeout(() => process_.kill("SIGKILL"), afterMs));
    process_.on("close", (code, signal) => {
      if (signal === "SIGKILL") resolve();
      else reject(new Error(`the child ended with ${code}: ${errors}`));
    });
  });
}

if (process.argv[2] === "child") child(deserialize(readFileSync(process.argv[3]!)));

test("killed at random moments", async () => {
  const subject = new Subject();
  const random = randomOf(4711);
  const snapshots: Snapshot[] = [];
  let count = 0;
  for (let i = 0; i < 3; i++) {
    for (let k = 0; k < 30; k++) subject.shell.give(randomCommand(random, () => `<${count++}>`));
    snapshots.push(subject.snapshot());
  }
  for (let kill = 0; kill < KILLS; kill++) {
    subject.shell.files.dispose();
    const states = snapshots.map(({ state }) => state);
    await killed({ root: subject.root, journal: subject.journal, states, seed: kill }, random(WORK_MS_MAX));
    try {
      subject.goBackAfterCrash(snapshots[random(snapshots.length)]!);
    } catch (thrown) {
      throw new Error(`kill ${kill}`, { cause: thrown });
    }
  }
  assert.equal(subject.volume.check(volumeStates(snapshots[0]!.state)[0]!).length, 0);
  subject.end();
});
