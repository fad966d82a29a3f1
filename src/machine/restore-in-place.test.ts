// Restores whose memory contents come straight into the program's memory, and captures into memory that is kept.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../test/assemble.ts";
import { nodeSha256 } from "../store/index-node.ts";
import { rehearse } from "./rehearsal.ts";
import { SpareCpu, Supervisor, type SupervisorOptions } from "./supervisor-node.ts";
import type { ProgramState } from "./wasi-program.ts";

const PAGE = 65_536;
/** The program spins until there is something at this address. */
const GO = 8;

const spec = {
  ...{ args: ["program"], environment: [], memoryDirectories: [], directories: [] },
  ...{ holdOutput: false, deterministic: true },
};

/** Clears its data segment, grows, notes 7 in the new page and spins; then exits with the sum of both bytes. */
function spinning(more = ""): { readonly module: Uint8Array; readonly hash: string } {
  const module = assemble(`(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\05")
    ${more}
    (func (export "_start")
      (i32.store8 (i32.const 0) (i32.const 0))
      (drop (memory.grow (i32.const 1)))
      (i32.store8 (i32.const ${PAGE}) (i32.const 7))
      (loop $spin (br_if $spin (i32.eqz (i32.load8_u (i32.const ${GO})))))
      (call $exit (i32.add (i32.load8_u (i32.const 0)) (i32.load8_u (i32.const ${PAGE}))))))`);
  return { module, hash: nodeSha256(module) };
}

/** Runs until the new page is there, and captures. */
async function captured(program: ReturnType<typeof spinning>): Promise<ProgramState> {
  const supervisor = await Supervisor.start({ ...program, spec });
  for (;;) {
    const { state } = await supervisor.capture();
    if (state.group.instances[0]!.memories[0]!.pages === 2) {
      await supervisor.kill();
      return state;
    }
    supervisor.recycle(state);
  }
}

function apart(program: ReturnType<typeof spinning>, state: ProgramState): SupervisorOptions {
  const { instances } = state.group;
  const content = instances[0]!.memories[0]!.content.slice();
  content[GO] = 1;
  const outline = instances.map((instance) => ({
    ...instance,
    memories: instance.memories.map((memory) => ({ ...memory, content: new Uint8Array(0) })),
  }));
  return {
    ...{ ...program, spec },
    resumption: {
      state: { ...state, group: { ...state.group, instances: outline } },
      ...{ unfilled: true, acceptChangedFiles: false, outputReleased: true },
    },
    // Where nothing but zeros is, nothing is written: memories come cleared.
    fill: async (instance, memory, target) => {
      assert.deepEqual([instance, memory, target.length], [0, 0, 2 * PAGE]);
      for (const [at, byte] of content.entries()) if (byte !== 0) target[at] = byte;
    },
  };
}

for (const [name, more] of [
  ["a memory that is shared with the supervisor", ""],
  ["a memory that cannot be", "(func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0))))"],
] as const) {
  test(`${name} is filled before the program goes on, and what its segments had written is gone`, async () => {
    const program = spinning(more);
    const state = await captured(program);
    for (const spare of [undefined, await SpareCpu.start(), await SpareCpu.start(program)]) {
      const supervisor = await Supervisor.start({ ...apart(program, state), spare });
      assert.equal((await supervisor.done)?.exitCode, 7);
    }
  });
}

test("contents that cannot be had refuse the restore before any session is opened", async () => {
  const program = spinning();
  const options = apart(program, await captured(program));
  const directories = [{ hostPath: "/nowhere/at/all", guestPath: "/x", writable: true }];
  const missing = { ...options, spec: { ...spec, directories } };
  const fill = () => Promise.reject(new Error("the page is damaged"));
  await assert.rejects(Supervisor.start({ ...missing, fill }), { message: "the page is damaged" });
  await assert.rejects(Supervisor.start(missing), /files.volumes is a list of 0, expected the states of 1 volumes$/);
  await assert.rejects(Supervisor.start({ ...options, fill: undefined }), { code: "no-contents" });
});

test("a captured state stays as it is until its memory is given back, and is used again then", async () => {
  const program = spinning();
  const supervisor = await Supervisor.start({ ...program, spec });
  const contentOf = (state: ProgramState): Uint8Array => state.group.instances[0]!.memories[0]!.content;
  const first = (await supervisor.capture()).state;
  contentOf(first)[100] = 1; // the program has 0 there
  const second = (await supervisor.capture()).state;
  assert.deepEqual([contentOf(first)[100], contentOf(second)[100]], [1, 0]);
  supervisor.recycle(first);
  const third = (await supervisor.capture()).state;
  assert.equal(contentOf(third)[100], 0);
  if (contentOf(third).length === contentOf(first).length) assert.equal(contentOf(first)[100], 0, "the same memory");
  await supervisor.kill();
});

for (const [name, more, shared] of [
  ["a memory that is shared with the supervisor", "", true],
  ["a memory that cannot be", "(func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0))))", false],
] as const) {
  test(`a program that stays frozen gives ${name} as it stands, and later captures are not of it`, async () => {
    const program = spinning(more);
    const supervisor = await Supervisor.start({ ...program, spec });
    const contentOf = (state: ProgramState): Uint8Array => state.group.instances[0]!.memories[0]!.content;
    const first = (await supervisor.captureFrozen()).state;
    contentOf(first)[100] = 1;
    supervisor.recycle(first); // as checkpointers do; the program's memory must not be lent to a capture
    await supervisor.resume();
    const going = (await supervisor.capture()).state;
    assert.equal(contentOf(going)[100], shared ? 1 : 0);
    contentOf(going)[200] = 1;
    const last = (await supervisor.captureFrozen()).state;
    assert.deepEqual([contentOf(last)[100], contentOf(last)[200]], [shared ? 1 : 0, 0]);
    await supervisor.kill();
    contentOf(last)[GO] = 1; // it can be read and written when the program is gone
    const again = await Supervisor.start({ ...apart(program, last), spare: undefined });
    assert.equal((await again.done)?.exitCode, 7);
  });
}

test("a rehearsal goes through freezes and restores", () => {
  assert.equal(rehearse(), 32);
});
