// What the table of the suite cannot say: read-only roots, several roots, special files, big files, the journal's size.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs, {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { PlainData } from "../../abi/index.ts";
import type { FileSystemSession } from "../../session/index.ts";
import { createFileSystem, volumeStates } from "../files/index.ts";
import { Shell } from "../files/shell.test.ts";
import { Subject } from "./subject-node.test.ts";
import { HostVolume } from "./volume-node.ts";

function sizeOf(folder: string): number {
  const sizes = readdirSync(folder, { withFileTypes: true, recursive: true }).map((entry) =>
    entry.isFile() && entry.name !== "lock" ? statSync(join(entry.parentPath, entry.name)).size : 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Two roots, of which the second is read-only, and a directory beside them. */
function twoRoots(): { base: string; files: FileSystemSession } {
  const base = mkdtempSync(join(tmpdir(), "rtcr-test-"));
  for (const name of ["rw", "ro", "ro/d", "out"]) mkdirSync(join(base, name));
  for (const name of ["rw/f", "ro/f", "out/secret"]) writeFileSync(join(base, name), name);
  symlinkSync("f", join(base, "ro/l"));
  symlinkSync(join(base, "out/secret"), join(base, "rw/absolute"));
  symlinkSync("../ro/f", join(base, "rw/across"));
  const directories = ["rw", "ro"].map((name) => ({
    hostPath: join(base, name),
    guestPath: `/${name}`,
    writable: name === "rw",
  }));
  return { base, files: createFileSystem([new HostVolume(directories)]) };
}

test("read-only roots refuse every change", () => {
  const { base, files } = twoRoots();
  const shell = new Shell(files, files.roots[1]!.handle);
  shell.run(
    "read f = ro/f; open f w = rofs; open f rw = rofs; open f rt = rofs; open f rc; open n rc = rofs; create n = rofs",
  );
  shell.run("mkdir n = rofs; rmdir d = rofs; unlink f = rofs; rename f n = rofs; link f n = rofs; symlink f n = rofs");
  shell.run("touch f 1 = rofs; readlink l = f; ls . = d,f,l; hold h f r; hold d d r; hcreate d n = rofs");
  const handle = shell.held.get("h")!;
  assert.deepEqual(files.setTimes(handle, 1n, 1n), { ok: false, reason: "rofs" });
  assert.deepEqual(files.setSize(handle, 1n), { ok: false, reason: "rofs" });
  assert.deepEqual(readdirSync(join(base, "ro")), ["d", "f", "l"]);
  files.dispose();
  rmSync(base, { recursive: true });
});

test("between roots: both sides are checked", () => {
  const { base, files } = twoRoots();
  const [rw, ro] = files.roots.map(({ handle }) => handle) as [number, number];
  for (const [from, fromPath, to, toPath, expected] of [
    [rw, "f", ro, "n", "rofs"],
    [ro, "f", rw, "n", "rofs"],
    [rw, "f", rw, "../ro/n", "perm"],
    [rw, "../ro/f", rw, "n", "perm"],
    [rw, "absolute", rw, "moved", "ok"],
  ] as const) {
    const renamed = files.rename(from, fromPath, to, toPath);
    assert.equal(renamed.ok ? "ok" : renamed.reason, expected, `rename ${fromPath} ${toPath}`);
    const linked = files.link(from, fromPath, true, to, toPath);
    if (expected !== "ok") assert.equal(linked.ok ? "ok" : linked.reason, expected, `link ${fromPath} ${toPath}`);
  }
  new Shell(files).run(
    "kind moved = perm; read moved = perm; linkf moved n = perm; read across = perm; linkf across n = perm",
  );
  assert.equal(readFileSync(join(base, "out/secret"), "utf8"), "out/secret");
  files.dispose();
  rmSync(base, { recursive: true });
});

test("renames and links between writable roots", () => {
  const base = mkdtempSync(join(tmpdir(), "rtcr-test-"));
  const directories = ["a", "b"].map((name) => ({ hostPath: join(base, name), guestPath: `/${name}`, writable: true }));
  for (const { hostPath } of directories) mkdirSync(hostPath);
  const files = createFileSystem([new HostVolume(directories)]);
  new Shell(files).run("write f x");
  assert(files.link(0, "f", false, 1, "g").ok);
  assert(files.rename(0, "f", 1, "h").ok);
  new Shell(files, 1).run("ls . = g,h; links g = 2; read h = x");
  files.dispose();
  rmSync(base, { recursive: true });
});

for (const journaled of [false, true]) {
  test(`pipes, sockets and devices never block, ${journaled ? "with" : "without"} a journal`, () => {
    const subject = new Subject();
    execFileSync("mkfifo", [join(subject.root, "fifo")]);
    const directories = [{ hostPath: subject.root, guestPath: "/", writable: true }];
    const files = journaled ? subject.shell.files : createFileSystem([new HostVolume(directories)]);
    const shell = new Shell(files);
    const state = files.capture() as PlainData;
    shell.run("kind fifo = unknown; open fifo w = nxio; read fifo = ; open fifo rt; hold p fifo rw; happend p abc");
    const target = new Uint8Array(8);
    assert.deepEqual(files.read(shell.held.get("p")!, target, 0n), { ok: true, value: 3 });
    assert.deepEqual(files.read(shell.held.get("p")!, target, 0n), { ok: false, reason: "again" });
    shell.run("drop p; rename fifo pipe; link pipe pipe2; unlink pipe; kind pipe2 = unknown; unlink pipe2; ls . = ");
    if (journaled) {
      files.dispose();
      subject.goBackAfterCrash({
        state,
        tree: "./ 755\n./fifo special\n",
        times: new Map(),
        held: new Map(),
        handles: new Map(),
      });
    } else files.dispose();
    subject.end();
  });
}

test("devices as they are", () => {
  const files = createFileSystem([new HostVolume([{ hostPath: "/dev", guestPath: "/dev", writable: true }])]);
  const shell = new Shell(files);
  shell.run(
    "kind null = character-device; write null x; append null x; read null = ; hold z zero rw; touch ../null 1 = perm",
  );
  assert.deepEqual(files.read(shell.held.get("z")!, new Uint8Array(5).fill(1), 0n), { ok: true, value: 5 });
  files.dispose();
});

test("big and sparse files cost what is written, not their size", () => {
  const subject = new Subject();
  subject.shell.run(`write f x; resize f ${2 ** 40}; hold h f rw`);
  const first = subject.snapshotWithoutContent();
  const handle = subject.shell.held.get("h")!;
  const { files } = subject.shell;
  assert.deepEqual(files.write(handle, new Uint8Array(10).fill(7), 2n ** 39n), {
    ok: true,
    value: { bytes: 10, end: 2n ** 39n + 10n },
  });
  assert.deepEqual(files.write(handle, new Uint8Array(1), 2n ** 60n), { ok: false, reason: "fbig" });
  assert.deepEqual(files.write(handle, new Uint8Array(1), 2n ** 63n), { ok: false, reason: "inval" });
  assert.deepEqual(files.setSize(handle, 2n ** 60n), { ok: false, reason: "fbig" });
  assert.deepEqual(files.read(handle, new Uint8Array(1), 2n ** 62n), { ok: true, value: 0 });
  assert.deepEqual(files.setSize(handle, 2n ** 40n + 5n), { ok: true, value: undefined });
  subject.shell.files.dispose();
  const volume = subject.reopen();
  volume.goBack(volumeStates(first)[0]!, false);
  const target = new Uint8Array(10).fill(1);
  const again = createFileSystem([volume], first);
  assert.deepEqual(again.read(handle, target, 2n ** 39n), { ok: true, value: 10 });
  assert(target.every((byte) => byte === 0));
  const status = again.status(handle);
  assert(status.ok && status.value.sizeBytes === 2n ** 40n);
  again.dispose();
  subject.end();
});

test("steady rewriting does not make the journal grow", () => {
  const subject = new Subject();
  subject.shell.run(`write f ${"x".repeat(1000)}; write g ${"y".repeat(1000)}; hold f f rw; hold g g rw`);
  subject.shell.files.capture();
  const rewrite = (): void =>
    subject.shell.run("hwrite f 1234567890; hwrite g 1234567890; patch f 500 z; resize g 5; resize g 9");
  rewrite();
  const size = sizeOf(subject.journal);
  for (let i = 0; i < 500; i++) rewrite();
  assert.equal(sizeOf(subject.journal), size);
  for (let i = 0; i < 100; i++) subject.shell.run(`write t${i} ${"t".repeat(1000)}; unlink t${i}`);
  assert(sizeOf(subject.journal) - size < 100 * 400, "temporary files are not kept");
  subject.shell.files.dispose();
  subject.end();
});

test("pruning drops what no checkpoint needs", () => {
  const subject = new Subject();
  const states: PlainData[] = [];
  subject.shell.run("write open text; hold o open rw; unlink open");
  for (let i = 0; i < 6; i++) {
    subject.shell.run(`write f${i} ${"x".repeat(1000)}`);
    states.push(volumeStates(subject.shell.files.capture() as PlainData)[0]!);
    subject.shell.run(`unlink f${i}`);
    const handle = subject.shell.openIn(0, "big", "wcrt");
    assert(handle.ok && subject.shell.files.write(handle.value, new Uint8Array(3 << 20).fill(i), 0n).ok);
    subject.shell.files.close(handle.value);
  }
  const full = sizeOf(subject.journal);
  const trash = (): number => readdirSync(join(subject.journal, "trash")).length;
  assert.equal(trash(), 7);
  subject.volume.prune(states.slice(4));
  assert.equal(trash(), 3);
  assert(sizeOf(subject.journal) < 0.7 * full, `${sizeOf(subject.journal)} of ${full} bytes are left`);
  subject.shell.run("hread o = text");
  assert.equal(subject.volume.check(states[0]!)[0]?.path, "(undo journal)");
  subject.shell.files.dispose();
  const volume = subject.reopen();
  assert.deepEqual(volume.goBack(states[4]!, false), []);
  assert.equal(readFileSync(join(subject.root, "f4"), "utf8").length, 1000);
  volume.prune([]);
  assert.equal(trash(), 0);
  volume.dispose();
  subject.end();
});

test("a full disk under the journal: the write is refused, nothing is lost", () => {
  const subject = new Subject();
  subject.shell.run("write f hello; hold h f rw");
  const first = subject.snapshot();
  const real = fs.writeSync;
  const full = (): never => {
    throw Object.assign(new Error("no space"), { code: "ENOSPC" });
  };
  fs.writeSync = full;
  syncBuiltinESMExports();
  subject.shell.run(
    "hwrite h HELLO = nospc; unlink f = nospc; mkdir d = nospc; rename f g = nospc; resize f 1 = nospc",
  );
  assert.throws(() => subject.shell.files.capture(), { code: "journal", message: /nospc/ });
  fs.writeSync = real;
  syncBuiltinESMExports();
  subject.shell.run("read f = hello; ls . = f; hwrite h J; read f = Jello; unlink f");
  subject.goBack(first);
  subject.end();
});
