// States from strangers: a forged state of a program's sessions is taken up as it is, or refused with one fault that says
// where. What is taken up can be worked with and captured again; after a refusal nothing is left open, and files of the
// host are as they were.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { forgeries } from "../../test/support/forge.ts";
import type { PlainData } from "../abi/index.ts";
import { toJson } from "../checkpoint/plain.ts";
import { createMemoryVolume } from "../core/memory-file-system.ts";
import { ByteRing } from "../core/ring.ts";
import { Fault } from "../util/index.ts";
import { FDFLAG, OFLAG } from "../wasi/layout.ts";
import { FILE_RIGHTS, RIGHT } from "../wasi/rights.ts";
import { TestProgram } from "../wasi/test-program.test.ts";
import type { RunSessions } from "./cpu.ts";
import type { CpuData, RunSpec } from "./protocol.ts";
import { openSessions } from "./sessions-node.ts";

const scratch = mkdtempSync(join(tmpdir(), "rtcr-hostile-"));
after(() => rmSync(scratch, { recursive: true }));

const SPEC: RunSpec = {
  args: ["program"],
  environment: ["A=B"],
  directories: [],
  memoryDirectories: ["/", "/tmp"],
  holdOutput: true,
  deterministic: true,
};

function open(spec: RunSpec, wasi?: PlainData): RunSessions {
  const resumption = wasi === undefined ? {} : { resumption: { state: { wasi }, acceptChangedFiles: true } };
  const streams = { input: { kind: "pipe", ring: ByteRing.create().shared } };
  return openSessions({ spec, streams, ...resumption } as unknown as CpuData, createMemoryVolume);
}

/** Descriptor of the first directory. */
const ROOT = 3;
const CREATE = { oflags: OFLAG.create, rights: FILE_RIGHTS };
const LIST = { oflags: OFLAG.directory, rights: RIGHT.fdReaddir };

/** A program that has used all that leaves something in the state, and its state. */
function captured(spec: RunSpec): PlainData {
  const run = open(spec);
  const program = new TestProgram(run.sessions);
  const { put } = program;
  const call = (name: string, ...args: (number | bigint)[]) =>
    assert.equal(program.call(name, ...args), "success", name);
  const path = (text: string) => put.call(program, text);
  for (const name of ["a", "gone"]) program.write(Number(program.open(ROOT, name, CREATE)), name);
  program.open(ROOT, "a", { ...CREATE, flags: FDFLAG.append });
  for (const name of ["d", "d/e", "r"]) call("path_create_directory", ROOT, ...path(name));
  call("path_link", ROOT, 0, ...path("a"), ROOT, ...path("d/b"));
  call("path_symlink", ...path("../a"), ROOT, ...path("d/l"));
  call("path_filestat_set_times", ROOT, 0, ...path("a"), 1n, 1_700_000_000_123_456_789n, 5);
  for (const name of ["d", "r"]) {
    const fd = Number(program.open(ROOT, name, LIST));
    call("fd_readdir", fd, program.room(30), 30, 0n, program.room(4));
  }
  call("path_unlink_file", ROOT, ...path("gone"));
  call("path_remove_directory", ROOT, ...path("r"));
  call("random_get", program.room(5), 5);
  program.write(1, "held");
  const state = program.wasi.capture();
  run.dispose();
  return state;
}

/** Everything that looks at the state or changes it. */
function work(program: TestProgram): void {
  const [buffer, out] = [program.room(2000), program.room(200)];
  const vector = program.vector([buffer, 100]);
  for (const name of ["args_sizes_get", "environ_sizes_get"]) program.call(name, out, out + 4);
  for (let fd = 0; fd < 12; fd++) {
    for (const name of ["fd_fdstat_get", "fd_filestat_get", "fd_tell", "fd_prestat_get"]) program.call(name, fd, out);
    program.call("fd_prestat_dir_name", fd, buffer, 10);
    for (const cookie of [0n, 1n]) program.call("fd_readdir", fd, buffer, 200, cookie, out);
    program.call("fd_pread", fd, ...vector, 0n, out);
    program.call("fd_pwrite", fd, ...vector, 3n, out);
    if (fd > 0) for (const name of ["fd_read", "fd_write"]) program.call(name, fd, ...vector, out);
    program.call("fd_filestat_set_size", fd, 20n);
    program.call("fd_filestat_set_times", fd, 1n, 2n, 5);
    program.call("sock_shutdown", fd, 3);
  }
  for (const name of ["a", "d", "d/b", "d/l", "d/e", "new"]) {
    const path = program.put(name);
    program.call("path_filestat_get", ROOT, 1, ...path, out);
    program.call("path_readlink", ROOT, ...path, buffer, 50, out);
    program.open(ROOT, name, { rights: FILE_RIGHTS });
  }
  program.call("path_rename", ROOT, ...program.put("d"), ROOT, ...program.put("moved"));
  program.call("path_unlink_file", ROOT, ...program.put("a"));
  program.call("path_create_directory", ROOT, ...program.put("new"));
  for (let fd = 5; fd < 12; fd += 2) program.call("fd_close", fd);
  program.call("random_get", buffer, 20);
  program.call("clock_time_get", 1, 0n, out);
}

/** @returns what refused it; undefined: it was taken up, worked with, captured and written */
function tried(spec: RunSpec, forged: PlainData): unknown {
  let run: RunSessions | undefined;
  try {
    run = open(spec, forged);
    const program = new TestProgram(run.sessions);
    program.wasi.restore(forged);
    if (spec.directories.length === 0 || spec.journal !== undefined) work(program); // else nobody takes back what it did
    toJson(program.wasi.capture(), "", () => ({ sizeBytes: 0, root: null }));
    return undefined;
  } catch (thrown) {
    return thrown;
  } finally {
    run?.dispose();
  }
}

/** Tries every forgery of a part of a state. */
function forgeAll(spec: RunSpec, part: unknown, whole: (part: unknown) => PlainData): void {
  let [refused, taken] = [0, 0];
  assert.equal(tried(spec, whole(part)), undefined, "as it was captured");
  for (const { change, value } of forgeries(part)) {
    const thrown = tried(spec, whole(value));
    if (thrown === undefined) taken++;
    else {
      assert.ok(thrown instanceof Fault, `${change}: ${(thrown as Error).stack}`);
      assert.match(thrown.message, /^[^\n]{10,30000}$/, change);
      refused++;
    }
  }
  assert.ok(refused > 100 && taken > 50, `${refused} refused, ${taken} taken up`);
  assert.equal(tried(spec, whole(part)), undefined, "nothing was left open");
}

test("directories in memory, descriptors, streams, clock and random numbers", () => {
  forgeAll(SPEC, captured(SPEC), (state) => state as PlainData);
});

type State = { readonly sessions: { readonly files: PlainData } };

for (const journal of [undefined, join(scratch, "journal")]) {
  test(`directories of the host, ${journal === undefined ? "without" : "with"} a journal`, () => {
    const hostPath = join(scratch, journal === undefined ? "plain" : "journaled");
    mkdirSync(hostPath);
    const directories = [{ hostPath, guestPath: "/", writable: true }];
    const spec = { ...SPEC, directories, memoryDirectories: [], ...(journal === undefined ? {} : { journal }) };
    const state = captured(spec) as unknown as State;
    const { files } = state.sessions;
    forgeAll(spec, files, (forged) => ({ ...state, sessions: { ...state.sessions, files: forged } }) as PlainData);
  });
}
