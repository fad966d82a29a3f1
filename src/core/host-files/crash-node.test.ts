// A crash at every single change of the file system that an operation makes, its journal's included: each is
// prevented, or done by half, and then nothing changes any more, as after SIGKILL. Going back must work from there.

import assert from "node:assert/strict";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { success } from "../../util/index.ts";
import { type DirectoryNode, volumeStates } from "../files/index.ts";
import { createHost, type Host } from "./host-node.ts";
import { JournaledVolume } from "./journaled-volume-node.ts";
import { type Snapshot, Subject, treeOf } from "./subject-node.test.ts";

class Crash extends Error {}

const CHANGING = [
  "renameSync", "linkSync", "unlinkSync", "writeSync", "mkdirSync", "rmdirSync", "symlinkSync", "ftruncateSync",
  "futimesSync", "utimesSync", "lutimesSync", "chmodSync", "openSync",
] as const; // biome-ignore format: one table

/** A write may also be cut short; after a change is before the next one. */
type Moment = "before" | "half";

/** Runs `run` with a crash at the n-th change; which change that was, or undefined when it did not come to it. */
function crashing(at: number, moment: Moment, run: () => void): string | undefined {
  const real = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
  const originals = new Map(CHANGING.map((name) => [name as string, real[name]!]));
  let count = 0;
  let crashed: string | undefined;
  for (const [name, original] of originals) {
    real[name] = (...args) => {
      if (name === "openSync" && !(Number(args[1]) & fs.constants.O_CREAT)) return original(...args);
      if (count++ < at) return original(...args);
      if (crashed === undefined && moment === "half" && name === "writeSync") {
        original(args[0], args[1], args[2], Math.ceil(Number(args[3]) / 2), args[4]);
      }
      crashed ??= name;
      throw new Crash();
    };
  }
  syncBuiltinESMExports();
  try {
    run();
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof Crash)) throw thrown;
    return crashed;
  } finally {
    for (const [name, original] of originals) real[name] = original;
    syncBuiltinESMExports();
  }
}

/** Tries every change of an operation with both moments; `attempt` runs it and says at which change it has crashed. */
function everyCrash(attempt: (at: number, moment: Moment) => string | undefined): number {
  for (let at = 0; ; at++) {
    const crashed = attempt(at, "before");
    if (crashed === undefined) return at;
    if (crashed === "writeSync") attempt(at, "half");
  }
}

/** What is there before the checkpoint, between the two of going back, and the operations that crash. */
const PREPARATION =
  "mkdir d; mkdir e; write f hello; write d/g world; symlink f l; link f h; hold o d/g rw; write u gone; hold v u rw; unlink u";
/** Operations that name files by their inodes. */
const MOVING = [
  "unlink f",
  "unlink d/g",
  "rename f n",
  "rename f d/g",
  "rename d/g f",
  "rename l f",
  "rename d n",
  "link f n",
];
const BETWEEN = "write f new; rename d/g e/g; unlink h; append e/g !; mkdir n; hwrite v GO; rmdir n; touch f 5000000";
const OPERATIONS: readonly string[] = [
  "write f changed", "append f more", "patch f 1 E", "resize f 2", "resize f 50", "create n", "write n new", "mkdir n",
  "rmdir e", "unlink f", "unlink h", "unlink l", "unlink d/g", "rename f n", "rename f d/g", "rename d/g f", "rename d e",
  "rename l f", "rename f l", "rename d n", "link f n", "symlink x n", "touch f 1000000", "touch d 1000000", "hwrite o xyz",
  "happend o xyz", "hwrite v xyz", "write n new; unlink n", "write n new; rename n f", "unlink d/g; happend o x; drop o",
  "create f", "mkdir f", "mkdir d", "symlink x f", "link f d/g", "rename d f", "rename f d", "rename d/g d", "rmdir d", "unlink e",
]; // biome-ignore format: one table

function prepared(journalBase: string): { subject: Subject; first: Snapshot } {
  const subject = new Subject(journalBase);
  subject.shell.run(PREPARATION);
  return { subject, first: subject.snapshot() };
}

for (const links of [true, false]) {
  const how = links ? "with its links" : "each name for itself";
  test(`a crash, then files and journal are copied, ${how}: what has not happened is known all the same`, () => {
    let undone = 0;
    for (const operation of MOVING) {
      everyCrash((at, moment) => {
        const subject = new Subject();
        for (const name of ["d", "e"]) fs.mkdirSync(join(subject.root, name));
        for (const name of ["f", "d/g"]) fs.writeFileSync(join(subject.root, name), `in ${name}`);
        fs.symlinkSync("f", join(subject.root, "l"));
        fs.linkSync(join(subject.root, "f"), join(subject.root, "h"));
        const first = subject.snapshot();
        const content = treeOf(subject.root, null);
        const crashed = crashing(at, moment, () => {
          for (const command of operation.split("; ")) subject.shell.give(command);
        });
        const where = `${operation}: crash ${moment} change ${at}`;
        subject.moveToCopy(links);
        const [state] = volumeStates(first.state);
        const volume = subject.reopen();
        const found = volume.check(state!);
        assert.deepEqual(found, [], where);
        undone++;
        assert.deepEqual(volume.goBack(state!, false), [], where);
        assert.equal(treeOf(subject.root, null), content, where);
        subject.end();
        return crashed;
      });
    }
    assert.ok(undone > 30, `${undone} times`);
  });
}

for (const journalBase of [tmpdir(), "/dev/shm"]) {
  test(`a crash in any operation, journal in ${journalBase}`, () => {
    let crashes = 0;
    for (const operation of OPERATIONS) {
      crashes += everyCrash((at, moment) => {
        const { subject, first } = prepared(journalBase);
        const crashed = crashing(at, moment, () => {
          for (const command of operation.split("; ")) subject.shell.give(command);
        });
        try {
          subject.goBackAfterCrash(first);
        } catch (thrown) {
          throw new Error(`${operation}: crash ${moment} change ${at}`, { cause: thrown });
        }
        subject.end();
        return crashed;
      });
    }
    assert(crashes > 80, `${crashes} crashes`);
  });

  test(`a crash while going back, journal in ${journalBase}`, () => {
    const crashes = everyCrash((at, moment) => {
      const { subject, first } = prepared(journalBase);
      subject.shell.run(BETWEEN);
      const second = subject.snapshot();
      subject.shell.run("unlink f; write e/g other; rename e d/e; write n new; hwrite v GONE");
      try {
        const crashed = crashing(at, moment, () => subject.goBack(first));
        // To the newer one, to the older one, and forth again.
        for (const snapshot of at % 2 === 0 ? [second, first] : [first, second]) subject.goBackAfterCrash(snapshot);
        assert.equal(treeOf(subject.root), (at % 2 === 0 ? first : second).tree);
        return crashed;
      } catch (thrown) {
        throw new Error(`crash ${moment} change ${at}`, { cause: thrown });
      } finally {
        subject.end();
      }
    });
    assert(crashes > 50, `${crashes} crashes`);
  });

  test(`after a crash while going back nothing is written where all is read-only now, journal in ${journalBase}`, () => {
    const crashes = everyCrash((at, moment) => {
      const { subject, first } = prepared(journalBase);
      subject.shell.run("unlink f; unlink d/g; write e/g other; rename e d/e");
      const crashed = crashing(at, moment, () => subject.goBack(first));
      subject.volume.dispose();
      const tree = treeOf(subject.root);
      const directories = [{ hostPath: subject.root, guestPath: "/", writable: false }];
      const volume = new JournaledVolume({ directories, journal: subject.journal });
      volume.goBack(volumeStates(first.state)[0]!, true);
      volume.dispose();
      assert.equal(treeOf(subject.root), tree, `crash ${moment} change ${at}`);
      subject.end();
      return crashed;
    });
    assert(crashes > 10, `${crashes} crashes`);
  });
}

/** Where a file that has come to `f` has the number that an inode had which is free now. */
function reusing(inode: bigint): Host {
  const host = createHost();
  const openRoot: Host["openRoot"] = (path) => {
    const root = host.openRoot(path);
    const statusOf: DirectoryNode["statusOf"] = (name) => {
      const status = root.statusOf(name);
      return status.ok && name === "f" ? success({ ...status.value, inode }) : status;
    };
    return new Proxy(root, {
      get: (target, name: keyof DirectoryNode) => {
        const value = name === "statusOf" ? statusOf : target[name];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  return { openRoot, dispose: () => host.dispose() };
}

test("the copy of a removed file stays, though somebody's new file in its place has got the number of its inode", async () => {
  const subject = new Subject("/dev/shm");
  subject.shell.run("write f mine");
  const file = join(subject.root, "f");
  const first = volumeStates(subject.snapshotWithoutContent())[0]!;
  const { ino } = fs.statSync(file, { bigint: true });
  subject.shell.run("unlink f");
  subject.volume.dispose();
  await setTimeout(20); // a tick of the clock that file systems take times from
  fs.writeFileSync(file, "somebody's");
  const directories = [{ hostPath: subject.root, guestPath: "/", writable: true }];
  const volume = new JournaledVolume({ directories, journal: subject.journal, host: reusing(ino) });
  assert.ok(volume.check(first).length > 0, "somebody's file is in the way");
  volume.dispose();
  fs.rmSync(file);
  assert.deepEqual(subject.reopen().goBack(first, false), []);
  assert.equal(fs.readFileSync(file, "utf8"), "mine");
  subject.end();
});
