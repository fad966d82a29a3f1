import assert from "node:assert/strict";
import { test } from "node:test";
import { FDFLAG, OFLAG } from "./layout.ts";
import { FILE_RIGHTS, INHERITABLE_RIGHTS, RIGHT } from "./rights.ts";
import type { TestProgram } from "./test-program.test.ts";
import { make, ROOT } from "./test-sessions.test.ts";

const ALL = { oflags: OFLAG.create, rights: FILE_RIGHTS };

/** A program with a new file of this content open as descriptor 5, at its beginning. */
function withFile(content = "", flags = 0): TestProgram {
  const { program } = make();
  assert.equal(program.open(ROOT, "file", { ...ALL, flags }), 5);
  if (content) program.write(5, content);
  program.call("fd_seek", 5, 0n, 0, program.room(8));
  return program;
}

function seek(program: TestProgram, delta: bigint, whence: number, fd = 5): bigint | string {
  const result = program.room(8);
  const errno = program.call("fd_seek", fd, delta, whence, result);
  return errno === "success" ? program.u64(result) : errno;
}

function sizeOf(program: TestProgram, fd = 5): bigint {
  const stat = program.room(64);
  assert.equal(program.call("fd_filestat_get", fd, stat), "success");
  return program.u64(stat + 32);
}

test("fd_read and fd_write move the position, over several buffers", () => {
  const program = withFile();
  const result = program.room(4);
  const parts = program.vector(program.put("ab"), program.put(""), program.put("cde"));
  assert.equal(program.call("fd_write", 5, ...parts, result), "success");
  assert.equal(program.u32(result), 5);
  assert.equal(seek(program, 1n, 0), 1n);
  const [first, second] = [program.room(2), program.room(10)];
  const targets = program.vector([first, 2], [second, 10]);
  assert.equal(program.call("fd_read", 5, ...targets, result), "success");
  assert.deepEqual([program.u32(result), program.text(first, 2), program.text(second, 2)], [4, "bc", "de"]);
  assert.deepEqual([program.read(5), program.read(5, 0)], ["", ""]);
});

test("fd_pread and fd_pwrite leave the position", () => {
  const program = withFile("hello");
  const [buffer, result] = [program.room(3), program.room(4)];
  assert.equal(program.call("fd_pwrite", 5, ...program.vector(program.put("LL")), 2n, result), "success");
  assert.equal(program.call("fd_pread", 5, ...program.vector([buffer, 3]), 1n, result), "success");
  assert.deepEqual([program.u32(result), program.text(buffer, 3)], [3, "eLL"]);
  assert.equal(program.read(5), "heLLo");
  assert.equal(program.call("fd_pread", 5, ...program.vector([buffer, 3]), -1n, result), "inval");
});

test("appending: every write goes to the end until the flag is taken away", () => {
  const program = withFile("ab", FDFLAG.append);
  assert.equal(program.write(5, "cd"), 2);
  assert.equal(seek(program, 0n, 1), 4n);
  assert.equal(program.call("fd_fdstat_set_flags", 5, 0), "success");
  seek(program, 0n, 0);
  program.write(5, "X");
  seek(program, 0n, 0);
  assert.equal(program.read(5), "Xbcd");
  assert.equal(program.call("fd_fdstat_set_flags", 5, 32), "inval");
});

test("written through: the flags for it are kept and do not change what is written", () => {
  const program = withFile("ab", FDFLAG.sync | FDFLAG.dsync);
  assert.equal(program.read(5), "ab");
  assert.deepEqual([program.call("fd_sync", 5), program.call("fd_datasync", 5)], ["success", "success"]);
});

const SEEKS: readonly (readonly [what: string, delta: bigint, whence: number, expected: bigint | string])[] = [
  ["from the beginning", 3n, 0, 3n],
  ["from here", 2n, 1, 2n],
  ["from the end", -1n, 2, 4n],
  ["beyond the end", 1000n, 2, 1005n],
  ["before the beginning", -1n, 0, "inval"],
  ["before the beginning from the end", -6n, 2, "inval"],
  ["from nowhere", 0n, 3, "inval"],
  ["from nowhere, in bits that are not looked at elsewhere", 0n, 256, "inval"],
  ["too far", (1n << 63n) - 1n, 2, "overflow"],
];
for (const [what, delta, whence, expected] of SEEKS) {
  test(`fd_seek: ${what}`, () => assert.equal(seek(withFile("hello"), delta, whence), expected));
}

test("terminals have no position and no size", () => {
  const { program } = make();
  const result = program.room(64);
  const buffers = program.vector([program.room(1), 1]);
  assert.equal(seek(program, 0n, 1, 1), "spipe");
  assert.equal(program.call("fd_tell", 0, result), "spipe");
  assert.equal(program.call("fd_pread", 0, ...buffers, 0n, result), "spipe");
  assert.equal(program.call("fd_pwrite", 1, ...buffers, 0n, result), "spipe");
  assert.equal(program.call("fd_allocate", 1, 0n, 1n), "spipe");
  assert.equal(program.call("fd_filestat_set_size", 1, 1n), "spipe");
  assert.equal(program.call("fd_readdir", 1, 0, 0, 0n, result), "notdir");
  assert.equal(program.call("fd_sync", 1), "inval");
  assert.equal(program.call("fd_filestat_get", 1, result), "success");
  assert.equal(program.call("fd_fdstat_get", 1, result), "success");
  assert.equal(program.memory[result], 0);
});

// After wasi-testsuite: dir_fd_op_failures.
test("directories have no bytes", () => {
  const { program } = make();
  const [one, result] = [program.room(8), program.room(8)];
  const buffers = program.vector([one, 1]);
  for (const [call, ...args] of [
    ["fd_read", ...buffers, result],
    ["fd_write", ...buffers, result],
    ["fd_pread", ...buffers, 0n, result],
    ["fd_pwrite", ...buffers, 0n, result],
    ["fd_seek", 0n, 0, result],
    ["fd_seek", 0n, 1, result],
    ["fd_tell", result],
    ["fd_allocate", 0n, 1n],
    ["fd_filestat_set_size", 0n],
    ["fd_advise", 0n, 0n, 0],
  ] as const) {
    assert.equal(program.call(call, ROOT, ...args), "isdir", call);
  }
});

test("fd_filestat_set_size, fd_allocate and fd_advise", () => {
  const program = withFile("hello");
  const errnos = [
    program.call("fd_filestat_set_size", 5, 100n),
    program.call("fd_allocate", 5, 10n, 10n),
    program.call("fd_advise", 5, 10n, 50n, 0),
  ];
  assert.deepEqual([...errnos, sizeOf(program)], ["success", "success", "success", 100n]);
  assert.deepEqual([program.call("fd_allocate", 5, 90n, 20n), sizeOf(program)], ["success", 110n]);
  assert.equal(program.call("fd_allocate", 5, 0n, 0n), "inval");
  assert.equal(program.call("fd_allocate", 5, 1n << 62n, 1n << 62n), "fbig");
  assert.equal(program.call("fd_filestat_set_size", 5, -1n), "inval");
  assert.equal(program.call("fd_advise", 5, 0n, 0n, 6), "inval");
});

test("fd_filestat_set_times: to values, to now, to both at once", () => {
  const { program, clock } = make();
  program.open(ROOT, "file", ALL);
  const stat = program.room(64);
  assert.equal(program.call("fd_filestat_set_times", 5, 1_000n, 2_000n, 1 | 8), "success");
  program.call("fd_filestat_get", 5, stat);
  assert.equal(program.u64(stat + 40), 1_000n);
  assert.ok(program.u64(stat + 48) - clock.realtimeNs() < 1_000n);
  assert.equal(program.call("fd_filestat_set_times", 5, 0n, 0n, 3), "inval");
  assert.equal(program.call("fd_filestat_set_times", 1, 0n, 0n, 1), "notcapable");
});

// After wasi-testsuite: fd_fdstat_set_rights, file_pread_pwrite, path_open_read_write.
test("rights only shrink, and what is missing is notcapable", () => {
  const program = withFile("hello");
  const base = FILE_RIGHTS & ~(RIGHT.fdRead | RIGHT.fdFilestatGet);
  assert.equal(program.call("fd_fdstat_set_rights", 5, base, 0n), "success");
  assert.equal(program.read(5), "!notcapable");
  assert.equal(program.write(5, "x"), 1);
  assert.equal(program.call("fd_filestat_get", 5, program.room(64)), "notcapable");
  assert.equal(program.call("fd_fdstat_set_rights", 5, FILE_RIGHTS, 0n), "notcapable");
  assert.equal(program.call("fd_fdstat_set_rights", 5, 0n, 1n), "notcapable");
  assert.equal(program.call("fd_fdstat_set_rights", 5, RIGHT.fdSeek | RIGHT.fdWrite, 0n), "success");
  assert.equal(program.call("fd_tell", 5, program.room(8)), "success");
  assert.equal(program.call("fd_fdstat_set_rights", 5, RIGHT.fdTell | RIGHT.fdWrite, 0n), "notcapable");
  assert.equal(program.call("fd_fdstat_set_rights", 5, RIGHT.fdWrite, 0n), "success");
  assert.equal(seek(program, 0n, 1), "notcapable");
  const [vector, result] = [program.vector(program.put("x")), program.room(4)];
  assert.equal(program.call("fd_pwrite", 5, ...vector, 0n, result), "notcapable");
  assert.equal(program.call("fd_fdstat_set_flags", 5, 0), "notcapable");
});

test("the right to tell alone tells, and seeks to where it is", () => {
  const program = withFile("hello");
  assert.equal(program.call("fd_fdstat_set_rights", 5, RIGHT.fdTell, 0n), "success");
  assert.equal(program.call("fd_tell", 5, program.room(8)), "success");
  assert.deepEqual([seek(program, 0n, 1), seek(program, 1n, 1)], [0n, "notcapable"]);
});

test("reading what was opened for writing alone, and the other way round", () => {
  const { program } = make();
  const writer = program.open(ROOT, "file", { oflags: OFLAG.create, rights: RIGHT.fdWrite }) as number;
  const reader = program.open(ROOT, "file", { rights: RIGHT.fdRead }) as number;
  assert.equal(program.write(writer, "hello"), 5);
  assert.equal(program.read(reader), "hello");
  assert.deepEqual([program.read(writer), program.write(reader, "x")], ["!notcapable", "notcapable"]);
});

// wasmtime's file_read_write, file_write and path_open_lots expect otherwise: docs/CONFORMANCE.md.
test("a descriptor has the rights that were asked for when it was opened, and no others", () => {
  const { program } = make();
  program.write(program.open(ROOT, "file", { oflags: OFLAG.create, rights: RIGHT.fdWrite }) as number, "hello");
  const both = program.open(ROOT, "file", { rights: RIGHT.fdRead | RIGHT.fdWrite });
  assert.equal(both, 6);
  const [vector, result] = [program.vector([program.room(5), 5]), program.room(64)];
  for (const [name, ...args] of [
    ["fd_seek", 6, 0n, 0, result],
    ["fd_tell", 6, result],
    ["fd_filestat_get", 6, result],
    ["fd_pread", 6, ...vector, 0n, result],
    ["fd_pwrite", 6, ...vector, 0n, result],
  ] as const) {
    assert.equal(program.call(name, ...args), "notcapable", name);
  }
  assert.equal(program.read(6), "hello");
});

test("the given directories: names, lengths, and where they end", () => {
  const { program } = make();
  const [stat, name] = [program.room(8), program.room(8)];
  assert.equal(program.call("fd_prestat_get", 4, stat), "success");
  assert.deepEqual([program.memory[stat], program.u32(stat + 4)], [0, 3]);
  assert.equal(program.call("fd_prestat_dir_name", 4, name, 2), "nametoolong");
  assert.equal(program.call("fd_prestat_dir_name", 4, name, 8), "success");
  assert.equal(program.text(name, 4), "/ro\0");
  assert.equal(program.call("fd_prestat_get", 5, stat), "badf");
  assert.equal(program.call("fd_prestat_get", 0, stat), "badf");
  assert.equal(program.open(ROOT, "."), 5);
  assert.equal(program.call("fd_prestat_get", 5, stat), "badf");
  program.call("fd_fdstat_get", ROOT, program.put("x".repeat(24))[0]);
  program.call("fd_fdstat_get", ROOT, stat + 64);
  assert.equal(program.u64(stat + 64 + 16), INHERITABLE_RIGHTS);
});

test("numbers: the lowest free one, also when a terminal was closed", () => {
  const program = withFile();
  assert.equal(program.open(ROOT, "."), 6);
  assert.deepEqual([program.call("fd_close", 0), program.call("fd_close", 5)], ["success", "success"]);
  assert.equal(program.call("fd_close", 5), "badf");
  assert.deepEqual([program.open(ROOT, "."), program.open(ROOT, "."), program.open(ROOT, ".")], [0, 5, 7]);
});

// After wasi-testsuite: renumber, overwrite_preopen, stdio, close_preopen.
test("fd_renumber: moves, closes what was there, refuses numbers that are not open", () => {
  const program = withFile("hello");
  assert.equal(program.open(ROOT, "."), 6);
  assert.equal(program.call("fd_renumber", 5, 6), "success");
  assert.deepEqual([program.read(5), program.read(6)], ["!badf", "hello"]);
  assert.deepEqual([program.call("fd_renumber", 6, 5), program.call("fd_renumber", 5, 6)], ["badf", "badf"]);
  assert.deepEqual([program.call("fd_renumber", 6, 6), seek(program, 0n, 1, 6)], ["success", 5n]);
  assert.equal(program.call("fd_renumber", 6, ROOT), "success");
  assert.equal(seek(program, 0n, 1, ROOT), 5n);
  assert.equal(program.call("fd_renumber", 1, ROOT), "success");
  assert.equal(program.write(ROOT, "to the terminal"), 15);
  assert.equal(program.write(1, "x"), "badf");
});

/** The entries that one call of fd_readdir gives whole, and whether the directory ended in it. */
function readdir(program: TestProgram, fd: number, cookie: bigint, length: number) {
  const [buffer, result] = [program.room(length), program.room(4)];
  assert.equal(program.call("fd_readdir", fd, buffer, length, cookie, result), "success");
  const used = program.u32(result);
  const entries: { name: string; next: bigint; type: number }[] = [];
  for (let at = buffer; at + 24 <= buffer + used; ) {
    const nameLength = program.u32(at + 16);
    if (at + 24 + nameLength > buffer + used) break;
    const name = program.text(at + 24, nameLength);
    entries.push({ name, next: program.u64(at), type: program.memory[at + 20]! });
    at += 24 + nameLength;
  }
  return { entries, ended: used < length };
}

test("fd_readdir: dots first, kinds, cookies, cut entries", () => {
  const program = withFile();
  assert.equal(program.call("path_create_directory", ROOT, ...program.put("dir")), "success");
  const { entries, ended } = readdir(program, ROOT, 0n, 1000);
  assert.deepEqual(
    entries.map(({ name, type }) => `${name} ${type}`),
    [". 3", ".. 3", "dir 3", "file 4", "ro 3"],
  );
  assert.ok(ended);
  for (const { next } of entries) {
    const rest = readdir(program, ROOT, next, 1000).entries.map(({ name }) => name);
    assert.deepEqual(
      rest,
      entries.slice(Number(next)).map(({ name }) => name),
    );
  }
  for (const length of [0, 1, 23, 24, 25, 26, 50]) {
    const cut = readdir(program, ROOT, 0n, length);
    assert.equal(cut.ended, false, `${length} bytes`);
    assert.equal(cut.entries.length, Number(length >= 25), `${length} bytes`);
  }
  assert.deepEqual(readdir(program, ROOT, 99n, 100), { entries: [], ended: true });
});

test("fd_readdir: a listing that was begun stays, whatever is made and removed meanwhile", () => {
  const { program } = make();
  for (let index = 0; index < 50; index++) {
    program.call("fd_close", program.open(ROOT, `f${index}`, ALL) as number);
  }
  const names: string[] = [];
  for (let cookie = 0n; ; ) {
    const { entries, ended } = readdir(program, ROOT, cookie, 100);
    for (const { name, next } of entries) {
      names.push(name);
      cookie = next;
      if (name.startsWith("f")) program.call("path_unlink_file", ROOT, ...program.put(name));
    }
    program.call("fd_close", program.open(ROOT, "f00", ALL) as number);
    if (ended) break;
  }
  assert.equal(names.length, 53);
  assert.equal(new Set(names).size, 53);
  assert.equal(readdir(program, ROOT, 0n, 1000).entries.length, 4);
});
