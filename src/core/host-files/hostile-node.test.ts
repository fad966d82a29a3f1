// What hostile programs and captures do to the host's directories beside the ways out of rules and race: trees deeper
// than any path, names taken from open files, given directories taken away, forged places, more open files than can be.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { PlainData } from "../../abi/index.ts";
import { createFileSystem, FilesFault, type Volume, volumeStates } from "../files/index.ts";
import { Shell } from "../files/shell.test.ts";
import { JournaledVolume } from "./journaled-volume-node.ts";
import { PortableHost } from "./portable-node.ts";
import { Subject, treeOf } from "./subject-node.test.ts";
import { type HostDirectory, HostVolume } from "./volume-node.ts";

const LEVEL = "d".repeat(100);
/** Levels of that name that no path of 4,096 bytes reaches through. */
const LEVELS = 50;

/** Goes down by handles, as a program does that changes its directory at every level, as far as it gets. */
function goDown(shell: Shell): { readonly deepest: Shell; readonly refused: string | undefined } {
  let deepest = shell;
  for (let level = 0; level < LEVELS; level++) {
    const made = deepest.give(`mkdir ${LEVEL}`);
    if (made !== "ok") return { deepest, refused: made };
    const opened = deepest.openIn(deepest.base, LEVEL, "rd");
    assert(opened.ok);
    if (deepest !== shell) shell.files.close(deepest.base);
    deepest = new Shell(shell.files, opened.value);
  }
  return { deepest, refused: undefined };
}

function inRoots(
  names: readonly string[],
  use: (roots: { hostPath: string; guestPath: string; writable: boolean }[]) => void,
): void {
  const base = mkdtempSync(join(tmpdir(), "rtcr-test-"));
  const roots = names.map((name) => ({ hostPath: join(base, name), guestPath: `/${name}`, writable: true }));
  for (const { hostPath } of roots) mkdirSync(hostPath, { recursive: true });
  try {
    use(roots);
  } finally {
    rmSync(base, { recursive: true });
  }
}

test("a tree deeper than any path: used as it is, and not captured while something in it is open", () => {
  inRoots(["r"], (roots) => {
    const files = createFileSystem([new HostVolume(roots)]);
    const { deepest, refused } = goDown(new Shell(files));
    assert.equal(refused, undefined);
    deepest.run("write f hello; read f = hello; rename f g; link g h; unlink h; ls . = g");
    assert.throws(() => files.capture(), { code: "deep-file", message: /a directory is open so deep/ });
    files.close(deepest.base);
    const state = files.capture() as PlainData;
    files.dispose();
    createFileSystem([new HostVolume(roots)], state).dispose();
  });
});

test("a tree deeper than any path, with a journal: nothing is changed that could not be undone", () => {
  const subject = new Subject();
  const { files } = subject.shell;
  const before = goDown(subject.shell).deepest;
  before.run("write f hello; hold h f rw");
  files.close(before.base);
  assert.throws(() => files.capture(), { code: "deep-file", message: /a regular-file is open so deep/ });
  before.run("drop h");
  subject.shell.run(`rename ${LEVEL} early`);
  const state = subject.snapshotWithoutContent();
  subject.shell.run(`rename early ${LEVEL}; rename ${LEVEL} top; write top/f shallow`);
  const { deepest, refused } = goDown(subject.shell);
  assert.equal(refused, "nametoolong");
  deepest.run(
    "mkdir x = nametoolong; create x = nametoolong; symlink t l = nametoolong; touch . 5 = nametoolong; ls . = ",
  );
  files.dispose();
  const volume = subject.reopen();
  assert.deepEqual(volume.goBack(volumeStates(state)[0]!, false), []);
  subject.shell = new Shell(createFileSystem([volume], state));
  subject.shell.run("ls . = early; unlink early/f = noent");
  subject.end();
});

test("an open file whose name is gone and that has others is not made another file", () => {
  inRoots(["r"], (roots) => {
    for (const host of [undefined, new PortableHost()]) {
      const shell = new Shell(createFileSystem([new HostVolume(roots, host)]));
      shell.run("write f abc; link f g; hold h f rw; unlink f");
      assert.throws(() => shell.files.capture(), { code: "unlinked-file", message: /has others/ });
      shell.run("drop h; unlink g");
      shell.files.dispose();
    }
  });
  const subject = new Subject();
  subject.shell.files.capture();
  subject.shell.run("write f abc; link f g; hold h f rw; unlink f");
  subject.goBack(subject.snapshot());
  subject.shell.run("happend h d; read g = abcd; hlinks h = 1");
  subject.end();
});

test("given directories that lie in others are not taken away", () => {
  inRoots(["r", "r/in", "x"], (roots) => {
    const journal = join(roots[2]!.hostPath, "journal");
    const given = roots.slice(0, 2);
    for (const volume of [new HostVolume(given), new JournaledVolume({ directories: given, journal })]) {
      const shell = new Shell(createFileSystem([volume]));
      shell.files.capture();
      shell.run(
        "rmdir in = busy; rename in out = busy; mkdir d; rename d in = busy; unlink in = isdir; rmdir d; ls . = in",
      );
      const inner = new Shell(shell.files, shell.files.roots[1]!.handle);
      inner.run("write f x; rename f g; unlink g; mkdir d; rmdir d");
      shell.files.dispose();
    }
  });
});

/** The given directories as volumes of each kind that captures can be restored on. */
function volumesOf(given: readonly HostDirectory[], journal: string): (() => Volume)[] {
  return [
    () => new HostVolume(given),
    () => new HostVolume(given, new PortableHost()),
    () => new JournaledVolume({ directories: given, journal }),
  ];
}

type Handle = { place: { path: string }; write: boolean };

test("a capture that others have written leads nowhere else", () => {
  inRoots(["r", "out", "x"], (roots) => {
    writeFileSync(join(roots[1]!.hostPath, "secret"), "outside");
    symlinkSync("../out", join(roots[0]!.hostPath, "link"));
    mkdirSync(join(roots[0]!.hostPath, "d"));
    for (const make of volumesOf(roots.slice(0, 1), join(roots[2]!.hostPath, "journal"))) {
      const shell = new Shell(createFileSystem([make()]));
      shell.run("write f x; hold f f rw; hold d d r");
      const state = shell.files.capture() as { readonly handles: readonly Handle[] };
      shell.files.dispose();
      const ways = [
        "..",
        "../out",
        "../out/secret",
        "d/../../out/secret",
        "link/secret",
        "link",
        "./f",
        "d/",
        "/etc/passwd",
        "f\0",
      ];
      for (const [index, way] of [1, 2].flatMap((handle) => ways.map((name) => [handle, name] as const))) {
        const forged = structuredClone(state);
        forged.handles[index]!.place.path = way;
        const volume = make();
        assert.throws(() => createFileSystem([volume], forged as unknown as PlainData), { code: "missing-files" }, way);
        volume.dispose();
      }
      for (const place of [
        null,
        7,
        {},
        { root: 0 },
        { orphan: "regular-file" },
        { orphan: "socket", path: "f", root: 0 },
      ]) {
        const forged = { ...state, handles: state.handles.map((handle) => ({ ...handle, place })) };
        const volume = make();
        assert.throws(() => createFileSystem([volume], forged as unknown as PlainData), { code: "wrong-state" });
        volume.dispose();
      }
    }
  });
});

test("a forged position in the journal is refused by name and changes nothing", () => {
  for (const position of [1, 3, 11, -1, -4, 0.5, Number.NaN, -(2 ** 40), 2 ** 40, "x"]) {
    const subject = new Subject();
    subject.shell.run("write f hello; mkdir a");
    const state = volumeStates(subject.snapshotWithoutContent())[0] as { readonly position: number };
    subject.shell.run("write f world; append f more; unlink f; mkdir b; rename a c; write g xx");
    const before = treeOf(subject.root);
    subject.shell.files.dispose();
    const volume = subject.reopen();
    const forged = typeof position === "number" ? state.position + position : position;
    assert.throws(() => volume.goBack({ ...state, position: forged } as PlainData, false), FilesFault);
    assert.equal(treeOf(subject.root), before, String(position));
    volume.dispose();
    subject.shell = new Shell(createFileSystem([subject.reopen()]));
    subject.end();
  }
});

test("a directory that is given for reading at the restore is read only", () => {
  inRoots(["r", "x"], (roots) => {
    const given = roots.slice(0, 1);
    const readOnly = given.map((root) => ({ ...root, writable: false }));
    const journal = join(roots[1]!.hostPath, "journal");
    for (const [index, make] of volumesOf(given, journal).entries()) {
      const shell = new Shell(createFileSystem([make()]));
      shell.run("write f abc; hold f f rw; hold d . r");
      const state = shell.files.capture() as PlainData;
      shell.files.dispose();
      const again = new Shell(createFileSystem([volumesOf(readOnly, journal)[index]!()], state), 0, shell.held);
      again.run("hread f = abc; hwrite f X = rofs; happend f X = rofs; hcreate d n = rofs; read f = abc");
      again.run("write f x = rofs; write n x = rofs; unlink f = rofs; mkdir n = rofs; touch f 1 = rofs");
      assert.deepEqual(again.files.setSize(again.held.get("f")!, 0n), { ok: false, reason: "rofs" });
      again.files.dispose();
    }
  });
});

/** Opens files until there is no descriptor left, then tries everything; prints what was thrown. */
const GREEDY = `
  const { Subject } = await import("./subject-node.test.ts");
  const subject = new Subject();
  const { shell } = subject;
  shell.run("mkdir a; write f hello; write g x");
  shell.files.capture();
  let opened = 0;
  while (shell.give("hold h" + opened + " n" + (opened % 7) + " rwc") === "ok") opened++;
  const tries = ["write f y", "append f x", "unlink g", "rename f z", "mkdir b", "link z l", "touch z 5", "ls .", "read z"];
  const refused = tries.map((command) => shell.give(command)).filter((result) => result === "mfile");
  for (let i = 0; i < opened; i++) shell.run("hwrite h" + i + " w; drop h" + i);
  subject.goBack(subject.snapshot());
  subject.end();
  console.log(opened > 10 && refused.length > 2 ? "refused, then all well" : opened + " " + refused);
`;

test("more open files than there can be: refused, and nothing is lost", () => {
  const script = `ulimit -n 96; exec "$0" --input-type=module -e "$1"`;
  const shown = execFileSync("sh", ["-c", script, process.execPath, GREEDY], { cwd: import.meta.dirname });
  assert.equal(shown.toString(), "refused, then all well\n");
});
