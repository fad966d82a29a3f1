import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlainData } from "../abi/index.ts";
import { createFileSystem, FilesFault, volumeStates } from "./files/index.ts";
import { Shell } from "./files/shell.test.ts";
import { fileSystemSuite } from "./files/suite.test.ts";
import { createMemoryVolume } from "./memory-file-system.ts";
import { DEPTH_MAX, FILE_BYTES_MAX } from "./memory-files/index.ts";

const options = { guestPaths: ["/"] };

fileSystemSuite("memory", () => ({ files: createFileSystem([createMemoryVolume(options)]), end: () => undefined }));

/** The same files in a new session, as after a restore elsewhere. */
function restored(shell: Shell): Shell {
  const state = structuredClone(shell.files.capture()) as PlainData;
  shell.files.dispose();
  const volume = createMemoryVolume(options, volumeStates(state)[0]!);
  return new Shell(createFileSystem([volume], state), 0, new Map(shell.held));
}

fileSystemSuite("memory, restored before", () => ({
  files: restored(new Shell(createFileSystem([createMemoryVolume(options)]))).files,
  end: () => undefined,
}));

fileSystemSuite("memory, restored before every command", () => ({
  files: createFileSystem([createMemoryVolume(options)]),
  moved: restored,
  end: () => undefined,
}));

test("directories lie so deep that a checkpoint can hold them", () => {
  const shell = new Shell(createFileSystem([createMemoryVolume(options)]));
  let path = "";
  for (let level = 0; level < DEPTH_MAX; level++) shell.run(`mkdir ${(path += level === 0 ? "d" : "/d")}`);
  shell.run(`mkdir ${path}/d = nametoolong; write ${path}/f x; mkdir e; mkdir e/e`);
  shell.run(`rename e ${path}/e = nametoolong; rename e/e ${path.slice(2)}/e; ls ${path} = f`);
  const nesting = (value: unknown): number =>
    typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(nesting)) : 0;
  assert(nesting(shell.files.capture()) < 450, "at most 500 with what holds it, see checkpoint/limits.ts");
  restored(shell).run(`read ${path}/f = x; ls ${path.slice(2)} = d,e`);
});

test("everything comes back: names, links, times, open files, numbers", () => {
  const shell = new Shell(createFileSystem([createMemoryVolume(options)]));
  shell.run("mkdir d; mkdir d/e; write d/f hello; link d/f g; symlink d/f l; symlink nowhere d/e/n; touch g 123456789");
  shell.run(
    "hold h g rw; write o orphan; hold o o rw; hold o2 o r; unlink o; hold d d/e r; mkdir r; hold r r r; rmdir r",
  );
  const inode = (path: string): unknown => {
    const status = shell.files.statusAt(0, path, false);
    return status.ok ? status.value : status;
  };
  const before = ["d", "d/e", "d/f", "g", "l", "d/e/n"].map(inode);
  const again = restored(shell);
  const after = ["d", "d/e", "d/f", "g", "l", "d/e/n"].map((path) => {
    const status = again.files.statusAt(0, path, false);
    return status.ok ? status.value : status;
  });
  assert.deepEqual(after, before);
  again.run(
    "mtime g = 123456789; ls . = d,g,l; ls d = e,f; read g = hello; links g = 2; readlink l = d/f; readlink d/e/n = nowhere",
  );
  again.run(
    "hwrite h J; read d/f = Jello; hread o = orphan; hlinks o = 0; hwrite o OR; hread o2 = ORphan; drop o; drop o2",
  );
  again.run("hls d = n; rename d/e x; hcreate d new; ls x = n,new; hcreate r f = noent; drop r; write z z");
  restored(again).run("ls . = d,g,l,x,z; read z = z; hls d = n,new");
});

test("limits", () => {
  const { files } = new Shell(createFileSystem([createMemoryVolume(options)]));
  const opened = files.open(0, "f", {
    create: true,
    exclusive: true,
    truncate: false,
    directory: false,
    follow: false,
    read: true,
    write: true,
    append: false,
  });
  assert(opened.ok);
  assert.deepEqual(files.setSize(opened.value, BigInt(FILE_BYTES_MAX) + 1n), { ok: false, reason: "fbig" });
  assert.deepEqual(files.write(opened.value, new Uint8Array(1), BigInt(FILE_BYTES_MAX)), { ok: false, reason: "fbig" });
  assert.deepEqual(files.write(opened.value, new Uint8Array(1), 1n << 63n), { ok: false, reason: "inval" });
  assert.deepEqual(files.read(opened.value, new Uint8Array(1), 1n << 62n), { ok: true, value: 0 });
  const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(65);
  assert.deepEqual(files.write(opened.value, shared, 1n), { ok: true, value: { bytes: 3, end: 4n } });
  assert.deepEqual(files.read(opened.value, shared, 0n), { ok: true, value: 3 });
  assert.deepEqual([...shared], [0, 65, 65]);
});

test("state of another kind is refused", () => {
  assert.throws(() => createMemoryVolume(options, null), FilesFault);
  const state = volumeStates(new Shell(createFileSystem([createMemoryVolume(options)])).files.capture() as PlainData);
  assert.throws(() => createMemoryVolume({ guestPaths: ["/", "/tmp"] }, state[0]!), FilesFault);
});
