import assert from "node:assert/strict";
import { test } from "node:test";
import type { Readiness, TerminalSession } from "../session/index.ts";
import { refusal, success } from "../util/index.ts";
import { WasiStateFault } from "./index.ts";
import { FDFLAG } from "./layout.ts";
import { make, ROOT } from "./test-sessions.test.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("a read waits until there is something, and takes only that", () => {
  const { program, stdin } = make();
  program.waits.push("woken", () => {
    stdin.push(bytes("line\nmore"));
    return "woken";
  });
  assert.equal(program.read(0, 5), "line\n");
  assert.deepEqual(program.waited, [undefined, undefined]);
  assert.equal(program.read(0), "more");
  stdin.end();
  assert.equal(program.read(0), "");
});

test("a read of nothing does not wait, one that does not block is again", () => {
  const { program } = make();
  assert.equal(program.read(0, 0), "");
  assert.equal(program.call("fd_fdstat_set_flags", 0, FDFLAG.nonblock), "success");
  assert.equal(program.read(0), "!again");
});

test("a read into several buffers returns what was there instead of waiting for the rest", () => {
  const { program, stdin } = make();
  stdin.push(bytes("abc"));
  const [first, second, result] = [program.room(2), program.room(2), program.room(4)];
  assert.equal(program.call("fd_read", 0, ...program.vector([first, 2], [second, 2]), result), "success");
  assert.deepEqual([program.u32(result), program.text(first, 2), program.text(second, 1)], [3, "ab", "c"]);
});

test("a read that waits gives way to a freeze and takes nothing with it", () => {
  const { program, stdin } = make();
  const [buffer, result] = [program.room(8), program.room(4)];
  const args = [0, ...program.vector([buffer, 8]), result];
  program.waits.push("freeze");
  assert.deepEqual(program.begin("fd_read", undefined, ...args), { frozen: undefined });
  stdin.push(bytes("abc"));
  assert.deepEqual(program.begin("fd_read", undefined, ...args), { errno: "success" });
  assert.equal(program.text(buffer, program.u32(result)), "abc");
});

/** Output that takes `room` bytes, then none until the room is widened. */
function narrow(room: number) {
  const state = { room, written: "" };
  const readiness = (): Readiness => ({
    readable: true,
    readableBytes: 0,
    writable: state.room > 0,
    hangup: false,
    retryNs: 5n,
  });
  const terminal: TerminalSession = {
    kind: "pipe",
    size: () => undefined,
    read: () => refusal("badf"),
    write: (source) => {
      const taken = source.slice(0, state.room);
      if (taken.length === 0) return refusal("again");
      state.room -= taken.length;
      state.written += new TextDecoder().decode(taken);
      return success(taken.length);
    },
    readiness,
    capture: () => null,
  };
  return { state, terminal };
}

test("a write to a full pipe waits until all is taken", () => {
  const { state, terminal } = narrow(3);
  const { program } = make({ stdout: terminal });
  program.waits.push("timed-out", () => {
    state.room = 100;
    return "timed-out";
  });
  assert.equal(program.write(1, "hello world"), 11);
  assert.deepEqual([state.written, program.waited], ["hello world", [5n, 5n]]);
});

test("a write that does not block returns what was taken, then again", () => {
  const { terminal } = narrow(3);
  const { program } = make({ stdout: terminal });
  program.call("fd_fdstat_set_flags", 1, FDFLAG.nonblock);
  assert.deepEqual([program.write(1, "hello"), program.write(1, "lo")], [3, "again"]);
});

test("a write gives way to a freeze with the bytes that were taken, and goes on behind them", () => {
  const { state, terminal } = narrow(4);
  const { program } = make({ stdout: terminal });
  const result = program.room(4);
  const args = [1, ...program.vector(program.put("ab"), program.put("cdefgh")), result];
  program.waits.push("freeze");
  assert.deepEqual(program.begin("fd_write", undefined, ...args), { frozen: { moved: 4 } });
  program.waits.push("freeze");
  assert.deepEqual(program.begin("fd_write", { moved: 4 }, ...args), { frozen: { moved: 4 } });
  state.room = 100;
  assert.deepEqual(program.begin("fd_write", { moved: 4 }, ...args), { errno: "success" });
  assert.deepEqual([state.written, program.u32(result)], ["abcdefgh", 8]);
});

test("a write to nobody is pipe; bytes taken before that are told first", () => {
  const { state, terminal } = narrow(4);
  const broken = {
    ...terminal,
    write: (source: Uint8Array) => (state.room > 0 ? terminal.write(source) : refusal("pipe")),
  };
  const { program } = make({ stdout: broken });
  assert.deepEqual([program.write(1, "hello"), program.write(1, "o")], [4, "pipe"]);
});

test("a long write to a file honours a freeze between its pieces", () => {
  const { program } = make();
  program.memory = new Uint8Array(4 << 20);
  const file = program.open(ROOT, "big", { oflags: 1, rights: -1n }) as number;
  const result = program.room(4);
  program.memory.fill(7, 1 << 20);
  const args = [file, ...program.vector([1 << 20, 3 << 20]), result];
  program.waits.push("freeze");
  assert.deepEqual(program.begin("fd_write", undefined, ...args), { frozen: { moved: 1 << 20 } });
  assert.deepEqual(program.begin("fd_write", { moved: 1 << 20 }, ...args), { errno: "success" });
  assert.equal(program.u32(result), 3 << 20);
  const stat = program.room(64);
  program.call("fd_filestat_get", file, stat);
  assert.equal(program.u64(stat + 32), BigInt(3 << 20));
});

test("a terminal is a character device without a position, a pipe is unknown", () => {
  const { terminal } = narrow(0);
  const { program } = make({ stdout: { ...terminal, kind: "terminal" } });
  const stat = program.room(24);
  for (const [fd, type] of [
    [0, 0],
    [1, 2],
    [ROOT, 3],
  ] as const) {
    assert.equal(program.call("fd_fdstat_get", fd, stat), "success");
    assert.equal(program.memory[stat], type);
  }
});

test("progress that cannot be of this call is refused", () => {
  const { program } = make();
  const args = [1, ...program.vector(program.put("abc")), program.room(4)];
  for (const progress of [{ moved: 4 }, { moved: -1 }, { moved: "1" }, {}, [1], 3, null]) {
    assert.throws(() => program.begin("fd_write", progress, ...args), WasiStateFault);
  }
});
