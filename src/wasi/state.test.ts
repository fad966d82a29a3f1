import assert from "node:assert/strict";
import { test } from "node:test";
import { type PlainData, preview1Kind } from "../abi/index.ts";
import { createFileSystem } from "../core/files/index.ts";
import { HostVolume } from "../core/host-files/volume-node.ts";
import { createMemoryInput, createSeededRandom } from "../core/index.ts";
import { sessionStates, WASI_MODULE, WasiStateFault } from "./index.ts";
import { FDFLAG, OFLAG } from "./layout.ts";
import { FILE_RIGHTS, RIGHT } from "./rights.ts";
import { type Made, make, READ_ONLY, ROOT } from "./test-sessions.test.ts";

/** A second program that goes on where the first was captured, over sessions created from their states. */
function moved({ program, hostPath, clock }: Made, state = program.wasi.capture()): Made {
  const states = sessionStates(structuredClone(state));
  const directories = [
    { hostPath, guestPath: "/", writable: true },
    { hostPath: `${hostPath}/ro`, guestPath: "/ro", writable: false },
  ];
  const stdin = createMemoryInput({ open: true, state: states.stdin! });
  const next = make(
    {
      program: { args: ["another"], environment: [] },
      files: createFileSystem([new HostVolume(directories)], states.files!),
      stdin,
      random: createSeededRandom(9n, states.random),
    },
    hostPath,
  );
  next.clock.nowNs = clock.nowNs;
  next.program.wasi.restore(structuredClone(state));
  return { ...next, stdin };
}

test("descriptors come back with number, position, rights, flags and listing", () => {
  const before = make();
  const { program } = before;
  assert.equal(program.open(ROOT, "a", { oflags: OFLAG.create, rights: FILE_RIGHTS, flags: FDFLAG.append }), 5);
  assert.equal(program.open(ROOT, "b", { oflags: OFLAG.create, rights: FILE_RIGHTS }), 6);
  assert.equal(program.open(ROOT, ".", { oflags: OFLAG.directory, rights: RIGHT.fdReaddir }), 7);
  program.write(5, "hello");
  program.call("fd_seek", 5, 1n, 0, program.room(8));
  program.call("fd_fdstat_set_rights", 5, RIGHT.fdRead | RIGHT.fdWrite | RIGHT.fdTell, 0n);
  program.call("fd_close", READ_ONLY);
  program.call("fd_renumber", 6, 2);
  program.call("fd_readdir", 7, program.room(30), 30, 0n, program.room(4));
  program.call("path_unlink_file", ROOT, ...program.put("b"));

  const after = moved(before).program;
  assert.deepEqual(after.wasi.capture(), program.wasi.capture());
  assert.equal(after.read(5), "ello");
  const stat = after.room(24);
  after.call("fd_fdstat_get", 5, stat);
  assert.equal(after.view.getUint16(stat + 2, true), FDFLAG.append);
  assert.equal(after.u64(stat + 8), RIGHT.fdRead | RIGHT.fdWrite | RIGHT.fdTell);
  assert.equal(after.write(2, "still there"), 11);
  assert.deepEqual([after.read(6), after.read(READ_ONLY)], ["!badf", "!badf"]);
  assert.equal(after.open(ROOT, "."), READ_ONLY);
  const [buffer, result] = [after.room(200), after.room(4)];
  assert.equal(after.call("fd_readdir", 7, buffer, 200, 2n, result), "success");
  assert.deepEqual([after.u32(result), after.text(buffer + 24, 1), after.text(buffer + 49, 1)], [76, "a", "b"]);
});

test("arguments, unread input and the generator come back", () => {
  const before = make();
  before.stdin.push(new TextEncoder().encode("unread"));
  before.program.read(0, 2);
  before.program.call("random_get", 0, 5);
  const { program, stdin } = moved(before);
  const count = program.room(8);
  program.call("args_sizes_get", count, count + 4);
  assert.equal(program.u32(count), 2);
  stdin.push(new TextEncoder().encode(" and new"));
  assert.equal(program.read(0), "read and new");
  const [first, second] = [before.program, program].map((each) => {
    each.call("random_get", 64, 32);
    return each.memory.slice(64, 96);
  });
  assert.deepEqual(first, second);
});

const DAMAGES: readonly (readonly [what: string, path: string, value: PlainData])[] = [
  ["another version", "version", 2],
  ["no version", "version", null],
  ["arguments that are none", "args", ["a", 1]],
  ["descriptors that are no list", "descriptors", {}],
  ["a number that is none", "descriptors.0.fd", -1],
  ["a number in use", "descriptors.0.fd", 1],
  ["a number too great", "descriptors.0.fd", 65_536],
  ["an unknown kind", "descriptors.0.target.kind", "pipe"],
  ["an unknown terminal", "descriptors.0.target.name", "stdlog"],
  ["rights that are no bits", "descriptors.1.rights", 5],
  ["rights beyond 64 bits", "descriptors.1.rights", 1n << 64n],
  ["a position before the beginning", "descriptors.1.offset", -1n],
  ["flags that are none", "descriptors.1.flags", "x"],
  ["a socket nobody gave", "descriptors.1.target", { kind: "listener", socket: 0 }],
];
for (const [what, path, value] of DAMAGES) {
  test(`a damaged state is refused and changes nothing: ${what}`, () => {
    const { program } = make();
    const before = program.wasi.capture();
    const state = structuredClone(before) as { [key: string]: PlainData };
    const names = path.split(".");
    const last = names.pop()!;
    const holder = names.reduce((at, name) => at[name] as typeof state, state);
    holder[last] = value;
    assert.throws(() => program.wasi.restore(state), WasiStateFault);
    assert.deepEqual(program.wasi.capture(), before);
  });
}

test("a state that is no record is refused", () => {
  for (const state of [null, 1, "x", [], new Uint8Array(4)] as const) {
    assert.throws(() => make().program.wasi.restore(state), WasiStateFault);
    assert.throws(() => sessionStates(state), WasiStateFault);
  }
});

test("the rewriter knows which functions may wait", () => {
  const { imports } = make().program.wasi;
  const declared = Object.entries(imports[WASI_MODULE]!).map(([name, { freeze }]) => [name, freeze]);
  assert.equal(declared.length, 46);
  assert.deepEqual(
    declared,
    declared.map(([name]) => [name, preview1Kind(name!)]),
  );
});
