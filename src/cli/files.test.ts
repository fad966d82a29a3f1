import assert from "node:assert/strict";
import * as fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { writeWhole } from "./files.ts";

function folder(t: TestContext): string {
  const path = fs.mkdtempSync(join(tmpdir(), "rtcr-files-"));
  t.after(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}

const read = (path: string) => fs.readFileSync(path, "utf8");
const modeOf = (path: string) => fs.statSync(path).mode & 0o7777;

test("a file that is written anew keeps its mode, a new one has the usual one", (t) => {
  const path = folder(t);
  for (const mode of [0o600, 0o755, 0o666]) {
    const file = join(path, "there");
    fs.writeFileSync(file, "old and longer");
    fs.chmodSync(file, mode);
    writeWhole(file, "new");
    assert.deepEqual([read(file), modeOf(file)], ["new", mode]);
  }
  fs.writeFileSync(join(path, "usual"), "");
  writeWhole(join(path, "fresh"), "new");
  assert.equal(modeOf(join(path, "fresh")), modeOf(join(path, "usual")));
  assert.deepEqual(fs.readdirSync(path), ["fresh", "there", "usual"]);
});

test("what replaces a private file is private from the beginning", { skip: process.platform === "win32" }, (t) => {
  const path = folder(t);
  const file = join(path, "there");
  fs.writeFileSync(file, "old", { mode: 0o600 });
  const modes: number[] = [];
  const { chmodSync } = fs;
  t.mock.method(process.getBuiltinModule("node:fs"), "chmodSync", (temporary: string, mode: number) => {
    modes.push(modeOf(temporary));
    chmodSync(temporary, mode);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  writeWhole(file, "new");
  assert.deepEqual(modes, [0o600]);
});

test("symbolic links stay, and lead to the new content, also when they led to nothing", (t) => {
  const path = folder(t);
  fs.mkdirSync(join(path, "deep"));
  fs.symlinkSync("deep/link", join(path, "link"));
  fs.symlinkSync("../file", join(path, "deep/link"));
  for (const content of ["first", "second"]) {
    writeWhole(join(path, "link"), content);
    assert.equal(read(join(path, "file")), content);
    assert.ok(
      fs.lstatSync(join(path, "link")).isSymbolicLink() && fs.lstatSync(join(path, "deep/link")).isSymbolicLink(),
    );
  }
  assert.deepEqual(fs.readdirSync(path), ["deep", "file", "link"]);
  fs.symlinkSync("loop", join(path, "loop"));
  assert.throws(() => writeWhole(join(path, "loop"), ""), { message: /^cannot write .*ELOOP/ });
});

test("a file that cannot be written whole is left as it was", (t) => {
  const path = folder(t);
  const file = join(path, "there");
  fs.writeFileSync(file, "old");
  assert.throws(() => writeWhole(join(file, "below"), "new"), { message: /^cannot write .*ENOTDIR/ });
  assert.throws(() => writeWhole(join(path, "no/where"), "new"), { exitCode: 3 });
  assert.deepEqual([read(file), fs.readdirSync(path)], ["old", ["there"]]);
});
