// Taking files back to a checkpoint when others have changed them meanwhile, or something is missing.

import assert from "node:assert/strict";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { PlainData } from "../../abi/index.ts";
import type { Errno } from "../../session/index.ts";
import { type Attempt, success } from "../../util/index.ts";
import { createFileSystem, type DirectoryNode, FilesFault, volumeStates } from "../files/index.ts";
import { Shell } from "../files/shell.test.ts";
import { createHost, type Host } from "./host-node.ts";
import { JournaledVolume } from "./journaled-volume-node.ts";
import { type Snapshot, Subject, treeOf } from "./subject-node.test.ts";
import { HostVolume } from "./volume-node.ts";

const BEFORE =
  "write open hello; hold h open rw; write closed world; mkdir d; write d/f text; write gone soon; write other o";
const AFTER =
  "hwrite h HELLO; unlink gone; rename d e; write new made; append new more; write removed x; unlink removed";

/** A subject whose program has worked on after its checkpoint, and is over. */
function interrupted(): { subject: Subject; first: Snapshot } {
  const subject = new Subject();
  writeFileSync(join(subject.root, "unrelated"), "u");
  subject.shell.run(BEFORE);
  const first = subject.snapshot();
  subject.shell.run(AFTER);
  subject.volume.dispose();
  return { subject, first };
}

function open(subject: Subject): JournaledVolume {
  const directories = [{ hostPath: subject.root, guestPath: "/", writable: true }];
  return new JournaledVolume({ directories, journal: subject.journal });
}

function stateOf({ state }: Snapshot): PlainData {
  return volumeStates(state)[0]!;
}

type Interference = readonly [name: string, interfere: (path: (name: string) => string) => void, expected: string];

const INTERFERENCES: readonly Interference[] = [
  ["nothing", () => undefined, ""],
  ["an unrelated file", (at) => writeFileSync(at("unrelated"), "v"), ""],
  ["reading", (at) => readFileSync(at("closed")), ""],
  ["an appended byte", (at) => appendFileSync(at("closed"), "!"), "/closed changed"],
  ["an edit of the same size", (at) => writeFileSync(at("closed"), "WORLD"), "/closed changed"],
  ["an edit of a file changed since", (at) => writeFileSync(at("open"), "HELLO"), "/open changed"],
  ["an edit of a file made since", (at) => writeFileSync(at("new"), "mademore"), "/new changed"],
  ["an edit in a directory renamed since", (at) => appendFileSync(at("e/f"), "!"), "/e/f changed"],
  ["a removed file", (at) => rmSync(at("closed")), "/closed missing"],
  ["a removed file made since", (at) => rmSync(at("new")), "/new missing"],
  ["a removed directory", (at) => rmSync(at("e"), { recursive: true }), "/e missing, /e/f missing"],
  ["a file that came back", (at) => writeFileSync(at("gone"), "back"), "/gone appeared"],
  ["a directory in the place of a file", (at) => replaceByDirectory(at("closed")), "/closed replaced"],
  ["another file of the same size and time", (at) => replaceBy(at("closed"), at("copy")), "/closed replaced"],
  ["a renamed file", (at) => renameSync(at("other"), at("elsewhere")), "/other missing"],
]; // biome-ignore format: one table

function replaceByDirectory(path: string): void {
  rmSync(path);
  mkdirSync(path);
}

function replaceBy(path: string, copy: string): void {
  copyFileSync(path, copy);
  const { atime, mtime } = statSync(path);
  utimesSync(copy, atime, mtime);
  renameSync(copy, path);
}

for (const [name, interfere, expected] of INTERFERENCES) {
  test(`told or not: ${name}`, () => {
    const { subject, first } = interrupted();
    interfere((path) => join(subject.root, path));
    const volume = open(subject);
    const differences = volume.check(stateOf(first));
    assert.equal(
      differences
        .map(({ path, what }) => `${path} ${what}`)
        .sort()
        .join(", "),
      expected,
    );
    const tree = treeOf(subject.root);
    if (expected === "") {
      volume.goBack(stateOf(first), false);
      assert.equal(readFileSync(join(subject.root, "open"), "utf8"), "hello");
    } else {
      assert.throws(
        () => volume.goBack(stateOf(first), false),
        (fault) => fault instanceof FilesFault && fault.code === "changed-files" && fault.message.includes("found "),
      );
      assert.equal(treeOf(subject.root), tree, "nothing was touched");
      volume.goBack(stateOf(first), true);
      assert.equal(
        volume.check(stateOf(first)).some(({ path }) => path === "/open"),
        false,
      );
    }
    volume.dispose();
    subject.end();
  });
}

type Numbers = { readonly device: bigint; readonly inode: bigint };

/** The same directories after a mount that has given their device, or all files, other numbers. */
function remounted(host: Host, renumber: <Status extends Numbers>(status: Status) => Status): Host {
  const moved = <Status extends Numbers>(status: Attempt<Status, Errno>) =>
    status.ok ? success(renumber(status.value)) : status;
  const wrap = (directory: DirectoryNode): DirectoryNode =>
    new Proxy(directory, {
      get: (target, name: keyof DirectoryNode) => {
        if (name === "statusOf") return (file: string) => moved(target.statusOf(file));
        if (name === "child") {
          return (child: string) => {
            const opened = target.child(child);
            return opened.ok ? success(wrap(opened.value)) : opened;
          };
        }
        const value = target[name];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  return { openRoot: (path) => wrap(host.openRoot(path)), dispose: () => host.dispose() };
}

function differencesAfter(subject: Subject, state: PlainData, renumber: <T extends Numbers>(status: T) => T): string[] {
  const directories = [{ hostPath: subject.root, guestPath: "/", writable: true }];
  const host = remounted(createHost(), renumber);
  const volume = new JournaledVolume({ directories, journal: subject.journal, host });
  const found = volume.check(state).map(({ path, what }) => `${path} ${what}`);
  volume.dispose();
  return found;
}

test("files whose device has another number after a mount are the same ones, if they are as they were left", () => {
  const { subject, first } = interrupted();
  const check = () =>
    differencesAfter(subject, stateOf(first), (status) => ({ ...status, device: status.device + 1n }));
  assert.deepEqual(check(), []);
  appendFileSync(join(subject.root, "closed"), "!");
  assert.deepEqual(check(), ["/closed replaced"]);
  subject.end();
});

test("files that have other numbers themselves may be anybody's: a FAT keeps no time of change that would tell", () => {
  const subject = new Subject();
  subject.shell.run("write a mine");
  const file = join(subject.root, "a");
  utimesSync(file, 1, 1);
  const first = subject.snapshot();
  subject.volume.dispose();
  const check = (by: bigint) =>
    differencesAfter(subject, stateOf(first), (status) => ({
      ...status,
      inode: status.inode + by,
      ...("modifiedNs" in status ? { changedNs: status.modifiedNs } : {}),
    }));
  assert.deepEqual(check(0n), []);
  writeFileSync(file, "else");
  utimesSync(file, 1, 1);
  assert.deepEqual(check(1n), ["/a replaced"]);
  subject.end();
});

test("what others did is left alone where it is in the way", () => {
  const { subject, first } = interrupted();
  writeFileSync(join(subject.root, "gone"), "mine");
  rmSync(join(subject.root, "e"), { recursive: true });
  const volume = open(subject);
  const skipped = volume.goBack(stateOf(first), true);
  assert.deepEqual(
    skipped.map(({ at, operation, reason }) => `${operation} ${at.path}: ${reason}`),
    ["rename e: noent", "remove gone: exist"],
  );
  assert.equal(readFileSync(join(subject.root, "gone"), "utf8"), "mine");
  assert.equal(readFileSync(join(subject.root, "open"), "utf8"), "hello");
  assert(!existsSync(join(subject.root, "new")));
  volume.dispose();
  subject.end();
});

test("the message lists ten differences and counts the rest", () => {
  const subject = new Subject();
  for (let i = 0; i < 14; i++) subject.shell.run(`write f${String(i).padStart(2, "0")} x`);
  const first = subject.snapshot();
  subject.volume.dispose();
  for (const name of readdirSync(subject.root)) rmSync(join(subject.root, name));
  const volume = open(subject);
  assert.throws(() => volume.goBack(stateOf(first), false), {
    message:
      /^files were changed by others since the checkpoint: \/f00 missing \(found nothing, expected regular-file\); .*\/f09 missing \([^)]*\); and 4 more$/,
  });
  volume.dispose();
  subject.end();
});

test("a journal that is not the checkpoint's", () => {
  const { subject, first } = interrupted();
  rmSync(subject.journal, { recursive: true });
  const volume = open(subject);
  assert.equal(volume.check(stateOf(first))[0]?.path, "(undo journal)");
  assert.throws(() => volume.goBack(stateOf(first), false), FilesFault);
  assert.deepEqual(volume.goBack(stateOf(first), true), []);
  assert.equal(readFileSync(join(subject.root, "open"), "utf8"), "HELLO", "left as it is");
  volume.dispose();
  assert.throws(() => open(subject).check({ position: 1 }), FilesFault);
  subject.end();
});

test("files that were open and are gone are named, all of them", () => {
  for (const journaled of [false, true]) {
    const subject = new Subject();
    subject.shell.run(
      "write a x; write b x; mkdir d; mkdir d/e; hold a a r; hold b b rw; hold e d/e r; write c x; hold c c r",
    );
    const directories = [{ hostPath: subject.root, guestPath: "/", writable: true }];
    const first = subject.snapshot();
    subject.volume.dispose();
    for (const name of ["a", "b", "d"]) rmSync(join(subject.root, name), { recursive: true });
    const volume = journaled
      ? new JournaledVolume({ directories, journal: subject.journal })
      : new HostVolume(directories);
    assert.throws(() => createFileSystem([volume], first.state), {
      code: "missing-files",
      message: "3 files or directories that the program had open cannot be found: /a, /b, /d/e",
    });
    volume.dispose();
    subject.end();
  }
});

test("directories that are missing are named, all of them", () => {
  const directories = ["/nowhere/1", "/nowhere/2"].map((hostPath) => ({ hostPath, guestPath: "/", writable: true }));
  assert.throws(() => new HostVolume(directories), {
    code: "missing-files",
    message: /^directories that the program is given cannot be opened: \/nowhere\/1 \(ENOENT.*\/nowhere\/2 \(ENOENT/,
  });
});

test("one owner at a journal, until it is closed or dead", async () => {
  const subject = new Subject();
  assert.throws(() => open(subject), { code: "journal", message: /is in use/ });
  subject.volume.dispose();
  const script = `
    import { workerData, parentPort } from "node:worker_threads";
    const { JournaledVolume } = await import(workerData.module);
    globalThis.volume = new JournaledVolume(workerData.options);
    parentPort.postMessage("open");
    setInterval(() => undefined, 1000);
  `;
  const directories = [{ hostPath: subject.root, guestPath: "/", writable: true }];
  const module = new URL("./journaled-volume-node.ts", import.meta.url).href;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), {
    workerData: { module, options: { directories, journal: subject.journal } },
  });
  await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  assert.throws(() => open(subject), { code: "journal" });
  await worker.terminate();
  open(subject).dispose();
  subject.end();
});

test("unlinked files that are open, without a journal", () => {
  const subject = new Subject();
  const directories = [{ hostPath: subject.root, guestPath: "/", writable: true }];
  const shell = new Shell(createFileSystem([new HostVolume(directories)]));
  shell.run("write f hello; hold f f rw; unlink f; mkdir d; hold d d r; rmdir d; write big x; hold big big rw");
  const state = structuredClone(shell.files.capture()) as PlainData;
  shell.run("hwrite f later; hread f = later");
  const again = new Shell(createFileSystem([new HostVolume(directories)], state), 0, new Map(shell.held));
  again.run(
    "hread f = hello; hlinks f = 0; hwrite f J; hread f = Jello; hcreate d x = noent; ls . = big; drop f; drop d",
  );
  shell.run("resize big 99999999; unlink big");
  assert.throws(() => shell.files.capture(), { code: "unlinked-file", message: /99999999 bytes/ });
  again.files.dispose();
  shell.files.dispose();
  subject.end();
});

/** Two directories with a checkpoint and changes in both behind it; what a volume over them is opened with. */
function twoDirectories() {
  const base = mkdtempSync(join(tmpdir(), "rtcr-test-"));
  const [open, fixed, journal] = ["open", "fixed", "journal"].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [open, fixed]) mkdirSync(path);
  const volume = (writable: boolean) => {
    const directories = [
      { hostPath: open, guestPath: "/open", writable: true },
      { hostPath: fixed, guestPath: "/fixed", writable },
    ];
    return new JournaledVolume({ directories, journal });
  };
  const files = createFileSystem([volume(true)]);
  const shells = [0, 1].map((root) => new Shell(files, root));
  for (const shell of shells) shell.run("write f before; write gone g; mkdir d");
  const [state] = volumeStates(files.capture() as PlainData);
  for (const shell of shells) shell.run("write f after; unlink gone; rename d e; write new n");
  const moved = files.rename(0, "new", 1, "moved");
  assert.ok(moved.ok);
  files.dispose();
  return {
    state: state!,
    volume,
    trees: () => [treeOf(open), treeOf(fixed)],
    end: () => rmSync(base, { recursive: true }),
  };
}

test("nothing is undone below a directory that is given read-only now: refused with the paths, or left and reported", () => {
  const { state, volume, trees, end } = twoDirectories();
  const before = trees();
  const refusing = volume(false);
  assert.throws(() => refusing.goBack(state, false), {
    code: "changed-files",
    message:
      "files that have changed since the checkpoint cannot be taken back where nothing may be written now: /fixed/moved, /fixed/new, /fixed/d, /fixed/e, /fixed/gone, /fixed/f",
  });
  assert.deepEqual(trees(), before, "nothing was touched");
  refusing.dispose();
  const accepting = volume(false);
  const skipped = accepting
    .goBack(state, true)
    .map(({ at, operation, reason }) => `${operation} ${at.root}:${at.path} ${reason}`);
  assert.deepEqual(
    skipped.filter((line) => line.includes(" 1:") && !line.endsWith("rofs")),
    [],
  );
  accepting.dispose();
  assert.equal(trees()[1], before[1], "left as it is");
  assert.equal(trees()[0], "./ 755\n./d/ 755\n./f 644 before\n./gone 644 g\n", "taken back");
  end();
});

test("a directory is found again by the program's path, in whatever order they are given, or named as missing", () => {
  const base = mkdtempSync(join(tmpdir(), "rtcr-test-"));
  const given = ["/a", "/b"].map((guestPath) => ({ hostPath: join(base, guestPath), guestPath, writable: true }));
  for (const { hostPath } of given) mkdirSync(hostPath);
  const files = createFileSystem([new HostVolume(given)]);
  new Shell(files, 1).run("write f text; hold f f rw");
  const held = files.open(1, "f", { ...RESTORED, write: true });
  assert.ok(held.ok);
  const state = files.capture() as PlainData;
  files.dispose();
  const again = createFileSystem([new HostVolume(given.toReversed())], state);
  new Shell(again, 1).run("read f = text; write new n");
  new Shell(again, 0).run("ls . = ; write mine m");
  assert.ok(again.write(held.value, new TextEncoder().encode("T"), 0n).ok);
  again.dispose();
  assert.equal(readFileSync(join(base, "b", "f"), "utf8"), "Text");
  assert.deepEqual([readdirSync(join(base, "a")), readdirSync(join(base, "b"))], [["mine"], ["f", "new"]]);
  const fewer = new HostVolume(given.slice(0, 1));
  assert.throws(() => createFileSystem([fewer], state), {
    code: "missing-files",
    message: /3 files or directories .* cannot be found: \/b, \/b\/f, \/b\/f$/,
  });
  fewer.dispose();
  for (const forged of [
    { ...(state as object), given: [7] },
    { ...(state as object), given: [[7]] },
  ]) {
    const volume = new HostVolume(given);
    assert.throws(() => createFileSystem([volume], forged as PlainData), { code: "wrong-state" });
    volume.dispose();
  }
  rmSync(base, { recursive: true });
});

const RESTORED = {
  ...{ create: false, exclusive: false, truncate: false, directory: false, follow: true },
  ...{ read: true, append: false },
};
