// Whatever a program passes, every function of preview1 answers with an errno: no exception of JavaScript, no wait that
// nobody asked for, no byte outside its memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostValue } from "../abi/index.ts";
import { createSeededRandom } from "../core/index.ts";
import { ERRNO } from "../session/index.ts";
import { WASI_MODULE } from "./index.ts";
import { make } from "./test-sessions.test.ts";

/** Types of the arguments of preview1: i for i32, I for i64. */
const SIGNATURES: Readonly<Record<string, string>> = {
  args_get: "ii",
  args_sizes_get: "ii",
  clock_res_get: "ii",
  clock_time_get: "iIi",
  environ_get: "ii",
  environ_sizes_get: "ii",
  fd_advise: "iIIi",
  fd_allocate: "iII",
  fd_close: "i",
  fd_datasync: "i",
  fd_fdstat_get: "ii",
  fd_fdstat_set_flags: "ii",
  fd_fdstat_set_rights: "iII",
  fd_filestat_get: "ii",
  fd_filestat_set_size: "iI",
  fd_filestat_set_times: "iIIi",
  fd_pread: "iiiIi",
  fd_prestat_dir_name: "iii",
  fd_prestat_get: "ii",
  fd_pwrite: "iiiIi",
  fd_read: "iiii",
  fd_readdir: "iiiIi",
  fd_renumber: "ii",
  fd_seek: "iIii",
  fd_sync: "i",
  fd_tell: "ii",
  fd_write: "iiii",
  path_create_directory: "iii",
  path_filestat_get: "iiiii",
  path_filestat_set_times: "iiiiIIi",
  path_link: "iiiiiii",
  path_open: "iiiiiIIii",
  path_readlink: "iiiiii",
  path_remove_directory: "iii",
  path_rename: "iiiiii",
  path_symlink: "iiiii",
  path_unlink_file: "iii",
  poll_oneoff: "iiii",
  proc_exit: "i",
  proc_raise: "i",
  random_get: "ii",
  sched_yield: "",
  sock_accept: "iii",
  sock_recv: "iiiiii",
  sock_send: "iiiii",
  sock_shutdown: "ii",
};

test("all functions of preview1 are there, and no others", () => {
  const { program } = make();
  assert.deepEqual(Object.keys(program.wasi.imports), [WASI_MODULE]);
  assert.deepEqual(Object.keys(program.wasi.imports[WASI_MODULE]!).sort(), Object.keys(SIGNATURES).sort());
});

/** Numbers at which something may break, as the engine gives them: signed. */
const EDGES = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 24, 48, 64, 255, 4096, 65_535, 65_536, -1, -2, -8, 0x7fff_ffff, -0x8000_0000,
];
const BIG_EDGES = [
  0n,
  1n,
  2n,
  100n,
  65_536n,
  (1n << 31n) - 1n,
  1n << 32n,
  (1n << 63n) - 1n,
  -1n,
  -(1n << 63n),
  1n << 62n,
];
const CALLS = 6_000;

/** A generator of numbers below 2^32. */
function numbers(seed: bigint): () => number {
  const random = createSeededRandom(seed);
  const bytes = new Uint8Array(4);
  return () => {
    random.fill(bytes);
    return new DataView(bytes.buffer).getUint32(0);
  };
}

function argument(type: string, memory: Uint8Array, next: () => number): HostValue {
  const choice = next() % 4;
  if (type === "I") return choice < 3 ? BIG_EDGES[next() % BIG_EDGES.length]! : BigInt(next() % 1000);
  if (choice < 2) return EDGES[next() % EDGES.length]!;
  return choice === 2 ? memory.length - (next() % 70) : next() % 4096;
}

for (const seed of [1n, 2n, 3n]) {
  test(`${CALLS} calls with any arguments, seed ${seed}`, () => {
    const next = numbers(seed);
    const { program, stdin } = make();
    const names = Object.keys(SIGNATURES);
    const seen = new Set<string>();
    // Readable text and small numbers in the memory, so that some paths and vectors make sense.
    for (let at = 0; at < 4096; at++)
      program.memory[at] = next() % 3 === 0 ? next() % 128 : "abc/."[next() % 5]!.charCodeAt(0);
    for (let count = 0; count < CALLS; count++) {
      const name = names[next() % names.length]!;
      const args = Array.from(SIGNATURES[name]!, (type) => argument(type, program.memory, next));
      // A wait without a time-out ends by a freeze, after some input came.
      stdin.push(new Uint8Array(next() % 4));
      program.waits.length = 0;
      program.waits.push(...(next() % 2 ? (["woken", "freeze"] as const) : (["timed-out", "freeze"] as const)));
      const ending = program.begin(name, undefined, ...args);
      if ("errno" in ending) assert.ok(ERRNO.includes(ending.errno), `${name}(${args}) ends with a number of an errno`);
      if ("errno" in ending) seen.add(ending.errno);
    }
    for (const errno of ["success", "badf", "fault", "inval", "notdir"]) assert.ok(seen.has(errno), `${errno} was met`);
  });
}
