import assert from "node:assert/strict";
import { test } from "node:test";
import { FDFLAG, OFLAG } from "./layout.ts";
import { RIGHT } from "./rights.ts";
import type { OpenFields, TestProgram } from "./test-program.test.ts";
import { make, READ_ONLY, ROOT } from "./test-sessions.test.ts";

const { create, directory, exclusive, truncate } = OFLAG;
const WRITE = RIGHT.fdWrite;
const READ = RIGHT.fdRead;

/** A call on paths under the root: its errno. */
function at(program: TestProgram, name: string, ...args: (number | bigint | string)[]): string {
  return program.call(name, ...args.flatMap((arg) => (typeof arg === "string" ? program.put(arg) : [arg])));
}

/** Files `f` (5 bytes) and `d/g`, directory `d`, links `l` -> f, `ld` -> d, `dangling`, `self` and `out`. */
function tree(): TestProgram {
  const { program } = make();
  assert.equal(at(program, "path_create_directory", ROOT, "d"), "success");
  for (const name of ["f", "d/g"]) {
    const fd = program.open(ROOT, name, { oflags: create, rights: WRITE }) as number;
    program.write(fd, "hello");
    program.call("fd_close", fd);
  }
  const links = { l: "f", ld: "d", dangling: "none", self: "self", out: "../x" };
  for (const [name, target] of Object.entries(links)) {
    assert.equal(at(program, "path_symlink", target, ROOT, name), "success");
  }
  return program;
}

// After wasi-testsuite: dangling_symlink, interesting_paths, nofollow_errors, path_open_*, symlink_loop, truncation_rights.
const OPENS: readonly (readonly [what: string, path: string, options: OpenFields, errno: string | number])[] = [
  ["a file without rights", "f", {}, 5],
  ["a file that is not there", "n", {}, "noent"],
  ["a new file without rights", "n", { oflags: create }, 5],
  ["a file that must be new", "f", { oflags: create | exclusive }, "exist"],
  ["cutting without the right to write", "f", { oflags: truncate }, 5],
  ["a directory", "d", {}, 5],
  ["a directory, trailing slashes", "d///", { oflags: directory }, 5],
  ["a file, trailing slash", "f/", {}, "notdir"],
  ["a file as a directory", "f", { oflags: directory }, "notdir"],
  ["a directory for writing", "d", { rights: READ | WRITE }, "isdir"],
  ["a directory for writing, asked for", ".", { oflags: directory, rights: READ | WRITE }, "isdir"],
  ["cutting a directory", "d", { oflags: truncate }, "isdir"],
  ["a directory to be created", "n", { oflags: create | directory }, "inval"],
  ["dots", "d/.//../d/../f", {}, 5],
  ["an absolute path", "/f", {}, "perm"],
  ["above the root", "../x", {}, "perm"],
  ["too far up on the way", "d/../../x", {}, "perm"],
  ["a NUL character", "f\0", {}, "inval"],
  ["an empty path", "", {}, "noent"],
  ["a long path", "x/".repeat(2049), {}, "nametoolong"],
  ["a link, not followed", "l", {}, "loop"],
  ["a link as a directory, not followed", "ld", { oflags: directory }, "loop"],
  ["a link, followed", "l", { lookup: 1 }, 5],
  ["a link as a directory, followed", "ld", { lookup: 1, oflags: directory }, 5],
  ["a link to a file as a directory", "l", { lookup: 1, oflags: directory }, "notdir"],
  ["a dangling link, not followed", "dangling", {}, "loop"],
  ["a dangling link, followed", "dangling", { lookup: 1 }, "noent"],
  ["a link to itself, not followed", "self", {}, "loop"],
  ["a link to itself, followed", "self", { lookup: 1 }, "loop"],
  ["a link out", "out", { lookup: 1 }, "perm"],
  ["a link on the way", "ld/g", {}, 5],
  ["unknown open flags", "f", { oflags: 16 }, "inval"],
  ["unknown lookup flags", "f", { lookup: 2 }, "inval"],
  ["unknown descriptor flags", "f", { flags: 32 }, "inval"],
  ["not blocking", ".", { flags: FDFLAG.nonblock }, 5],
  ["rights that nothing has", "f", { rights: -1n & ~WRITE }, 5],
];

for (const [what, path, options, expected] of OPENS) {
  test(`path_open: ${what}`, () => assert.equal(tree().open(ROOT, path, options), expected));
}

test("path_open: text that is no UTF-8 is ilseq", () => {
  const program = tree();
  const place = program.put(Uint8Array.of(0xff, 0x66));
  assert.equal(program.call("path_open", ROOT, 0, ...place, 0, 0n, 0n, 0, program.room(4)), "ilseq");
});

test("path_open: under a file, a terminal, a closed descriptor", () => {
  const program = tree();
  const file = program.open(ROOT, "f") as number;
  assert.equal(program.open(file, "x", { oflags: create }), "notdir");
  assert.equal(program.open(0, "x"), "notdir");
  assert.equal(program.open(99, "x"), "badf");
});

test("path_open: an answer that has no place opens nothing", () => {
  const program = tree();
  const place = program.put("new");
  assert.equal(program.call("path_open", ROOT, 0, ...place, create, 0n, 0n, 0, program.memory.length - 3), "fault");
  assert.equal(program.open(ROOT, "new"), "noent");
});

test("path_open: nothing under a read-only directory is changed", () => {
  const program = tree();
  assert.equal(program.open(READ_ONLY, "given", { rights: READ }), 5);
  assert.equal(program.open(READ_ONLY, "given", { rights: WRITE }), "rofs");
  assert.equal(program.open(READ_ONLY, "given", { oflags: truncate }), "rofs");
  assert.equal(program.open(READ_ONLY, "new", { oflags: create }), "rofs");
});

test("path_open: rights not passed on are notcapable, others are those that the node can have", () => {
  const program = tree();
  const rights = RIGHT.pathOpen | RIGHT.fdReaddir | RIGHT.fdSeek;
  const sub = program.open(ROOT, "d", { oflags: directory, rights, inheriting: READ }) as number;
  const stat = program.room(24);
  program.call("fd_fdstat_get", sub, stat);
  assert.deepEqual([program.u64(stat + 8), program.u64(stat + 16)], [RIGHT.pathOpen | RIGHT.fdReaddir, READ]);
  assert.equal(program.open(sub, "g", { rights: WRITE }), "notcapable");
  assert.equal(program.open(sub, "g", { oflags: truncate }), "notcapable");
  assert.equal(program.open(sub, "n", { oflags: create }), "notcapable");
  assert.equal(program.open(sub, "g", { rights: READ }), 6);
});

// After wasi-testsuite: path_link, path_rename, path_symlink_trailing_slashes, remove_*, unlink_*.
const CALLS: readonly (readonly [call: string, args: readonly (number | bigint | string)[], errno: string])[] = [
  ["path_create_directory", [ROOT, "n"], "success"],
  ["path_create_directory", [ROOT, "n/"], "success"],
  ["path_create_directory", [ROOT, "d"], "exist"],
  ["path_create_directory", [ROOT, "../n"], "perm"],
  ["path_create_directory", [READ_ONLY, "n"], "rofs"],
  ["path_create_directory", [0, "n"], "notdir"],
  ["path_remove_directory", [ROOT, "d"], "notempty"],
  ["path_remove_directory", [ROOT, "f"], "notdir"],
  ["path_remove_directory", [ROOT, "f/"], "notdir"],
  ["path_remove_directory", [ROOT, "n"], "noent"],
  ["path_unlink_file", [ROOT, "f"], "success"],
  ["path_unlink_file", [ROOT, "f/"], "notdir"],
  ["path_unlink_file", [ROOT, "d"], "isdir"],
  ["path_unlink_file", [ROOT, "d/"], "isdir"],
  ["path_unlink_file", [ROOT, "out"], "success"],
  ["path_unlink_file", [READ_ONLY, "given"], "rofs"],
  ["path_rename", [ROOT, "f", ROOT, "n"], "success"],
  ["path_rename", [ROOT, "f", ROOT, "d"], "isdir"],
  ["path_rename", [ROOT, "d", ROOT, "f"], "notdir"],
  ["path_rename", [ROOT, "d", ROOT, "n"], "success"],
  ["path_rename", [ROOT, "f", ROOT, "../n"], "perm"],
  ["path_rename", [ROOT, "f", READ_ONLY, "n"], "rofs"],
  ["path_link", [ROOT, 0, "f", ROOT, "n"], "success"],
  ["path_link", [ROOT, 0, "f", ROOT, "f"], "exist"],
  ["path_link", [ROOT, 0, "f", ROOT, "dangling"], "exist"],
  ["path_link", [ROOT, 0, "d", ROOT, "n"], "perm"],
  ["path_link", [ROOT, 0, "f", ROOT, "n/"], "noent"],
  ["path_link", [ROOT, 0, "dangling", ROOT, "n"], "success"],
  ["path_link", [ROOT, 1, "dangling", ROOT, "n"], "noent"],
  ["path_link", [ROOT, 2, "f", ROOT, "n"], "inval"],
  ["path_symlink", ["x", ROOT, "n"], "success"],
  ["path_symlink", ["/", ROOT, "n"], "perm"],
  ["path_symlink", ["x", ROOT, "n/"], "noent"],
  ["path_symlink", ["x", ROOT, "d/"], "exist"],
  ["path_symlink", ["x", ROOT, "f"], "exist"],
  ["path_filestat_set_times", [ROOT, 0, "f", 0n, 0n, 3], "inval"],
  ["path_filestat_set_times", [ROOT, 0, "f", 0n, 0n, 12], "inval"],
  ["path_filestat_set_times", [ROOT, 0, "f", 0n, 0n, 16], "inval"],
  ["path_filestat_set_times", [ROOT, 0, "n", 0n, 0n, 5], "noent"],
];

for (const [call, args, expected] of CALLS) {
  test(`${call} ${args.join(" ")}: ${expected}`, () => assert.equal(at(tree(), call, ...args), expected));
}

test("path_filestat_get and set_times: of a link itself, and of what it points at", () => {
  const program = tree();
  const stat = program.room(64);
  const modified = (follow: number, path: string) => {
    assert.equal(at(program, "path_filestat_get", ROOT, follow, path, stat), "success");
    return program.u64(stat + 48);
  };
  assert.equal(at(program, "path_filestat_set_times", ROOT, 0, "l", 0n, 1_000n, 4), "success");
  assert.equal(at(program, "path_filestat_set_times", ROOT, 1, "l", 0n, 2_000n, 4), "success");
  assert.deepEqual([modified(0, "l"), modified(1, "l"), modified(0, "f")], [1_000n, 2_000n, 2_000n]);
  assert.equal(program.memory[stat + 16], 4);
  assert.equal(program.u64(stat + 32), 5n);
});

test("path_readlink: what fits, and how much that is", () => {
  const program = tree();
  const [buffer, result] = [program.room(8), program.room(4)];
  for (const [length, text] of [
    [8, "none"],
    [3, "non"],
    [0, ""],
  ] as const) {
    assert.equal(at(program, "path_readlink", ROOT, "dangling", buffer, length, result), "success");
    assert.equal(program.text(buffer, program.u32(result)), text);
  }
  assert.equal(at(program, "path_readlink", ROOT, "f", buffer, 8, result), "inval");
});

/** Every function with a path, and its arguments around the path that is being tried. */
type Around = readonly [before: readonly (number | bigint | string)[], after: readonly (number | bigint | string)[]];
const PATHS: readonly (readonly [call: string, ...Around])[] = [
  ["path_create_directory", [ROOT], []],
  ["path_filestat_get", [ROOT, 0], [0]],
  ["path_filestat_set_times", [ROOT, 0], [0n, 0n, 1]],
  ["path_link", [ROOT, 0], [ROOT, "new"]],
  ["path_link", [ROOT, 0, "f", ROOT], []],
  ["path_open", [ROOT, 0], [create, 0n, 0n, 0, 0]],
  ["path_readlink", [ROOT], [0, 16, 32]],
  ["path_remove_directory", [ROOT], []],
  ["path_rename", [ROOT], [ROOT, "new"]],
  ["path_rename", [ROOT, "f", ROOT], []],
  ["path_symlink", [], [ROOT, "new"]],
  ["path_symlink", ["f", ROOT], []],
  ["path_unlink_file", [ROOT], []],
];

for (const [call, before, after] of PATHS) {
  test(`${call}(${[...before, "…", ...after].join(", ")}): paths that are none`, () => {
    const program = tree();
    const tried = (pointer: number, length: number) => {
      const placed = [before, after].map((list) => list.flatMap((a) => (typeof a === "string" ? program.put(a) : [a])));
      return program.call(call, ...placed[0]!, pointer, length, ...placed[1]!);
    };
    const list = () => program.call("fd_readdir", ROOT, 0, 4096, 0n, program.room(4)) + program.text(0, 400);
    const names = list();
    const [text, end] = [program.room(8192), program.memory.length];
    assert.equal(tried(...program.put("a\0b")), "inval");
    for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0x61, 0xe2, 0x82]]) {
      program.memory.set(bytes, text);
      assert.equal(tried(text, bytes.length), "ilseq");
    }
    program.memory.fill(0x61, text, text + 8192);
    assert.equal(tried(text, 4097), "nametoolong");
    assert.equal(tried(text, 8192), "nametoolong");
    for (const [pointer, length] of [
      [end, 1],
      [end - 1, 2],
      [0, 0xffff_ffff],
      [0xffff_ffff, 0xffff_ffff],
    ] as const) {
      assert.equal(tried(pointer, length), "fault");
    }
    assert.equal(list(), names, "nothing was made or removed");
  });
}
