// Core's TRACE under the common suite, and what is recorded.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesDataspace } from "../../../test/contracts/bytes-dataspace.ts";
import { traceSessionSuite } from "../../../test/contracts/trace-session.ts";
import { refusal, required, success } from "../../util/index.ts";
import type { MakeDataspace } from "../service/dataspaces.ts";
import { CoreTrace, readTraceBuffer, TRACE_BUFFER, TraceControl, type TraceSource } from "./index.ts";

/** Memory up to a number of pages. */
function pages(count: number): MakeDataspace {
  let left = count;
  return (size) => {
    const used = Math.ceil(Math.max(1, size) / 4096);
    if (used > left) return refusal("out-of-ram");
    left -= used;
    const dataspace = bytesDataspace(size);
    let disposed = false;
    const dispose = () => {
      if (!disposed) left += used;
      disposed = true;
      dataspace.dispose();
    };
    return success({ ...dataspace, dispose });
  };
}

function system() {
  const threads = new Set<TraceSource>();
  const startThread = (label: string, thread: string) => {
    let alive = true;
    const source: TraceSource = {
      label,
      thread,
      alive: () => alive,
      affinity: () => ({ x: 0, y: 0, width: 1, height: 1 }),
      executionUs: () => 5,
      control: new TraceControl(),
    };
    threads.add(source);
    const end = () => {
      alive = false;
      threads.delete(source);
    };
    return { control: source.control, end };
  };
  const open = (scope: string, room: number) => {
    const argumentBuffer = bytesDataspace(4096);
    return new CoreTrace({ scope, sources: () => threads, make: pages(room), argumentBuffer });
  };
  return { startThread, open };
}

traceSessionSuite("core trace", () => {
  const { startThread, open } = system();
  const [session, other] = [open("init", 4), open("init", 4)];
  const close = () => {
    session.dispose();
    other.dispose();
  };
  return { session, other, startThread: (label, name) => startThread(label, name).end, scope: "init", close };
});

/** A session that traces one thread with a policy, and the thread's end of it. */
function traced(policy: string, bufferSize = 4096) {
  const { startThread, open } = system();
  const session = open("", 8);
  const { control } = startThread("init", "t");
  session.subjects();
  session.dataspace().object?.write(0, new TextEncoder().encode(policy));
  const id = session.allocPolicy(policy.length);
  assert.ok(id.ok && session.trace(1, id.value, bufferSize).ok);
  const buffer = session.buffer(1);
  assert.ok(buffer.ok);
  return {
    session,
    control,
    policy: id.value,
    entries: () => readTraceBuffer(required(buffer.value.object, "buffer")),
  };
}

test("S59: events that the policy names are recorded, others are not", () => {
  const { control, entries } = traced("rpc_call\nrpc_dispatch");
  control.record("rpc_call", "log.write");
  control.record("signal_received", "7 1");
  control.record("rpc_dispatch", "3");
  control.record("rpc_call", "");
  assert.deepEqual(entries(), ["rpc_call log.write", "rpc_dispatch 3", "rpc_call"]);
});

test("S59: nothing is recorded while paused, without a policy, or after the end", () => {
  const { session, control, policy, entries } = traced("rpc_call");
  session.pause(1);
  control.record("rpc_call", "paused");
  session.resume(1);
  control.record("rpc_call", "resumed");
  session.unloadPolicy(policy);
  control.record("rpc_call", "unloaded");
  session.resume(1);
  control.record("rpc_call", "no policy");
  assert.deepEqual(entries(), ["rpc_call resumed"]);
  session.dispose();
  control.record("rpc_call", "disposed");
  assert.equal(control.owner, undefined);
});

test("S59: the ring begins anew when it is full, and never holds half an entry", () => {
  const { control, entries, session } = traced("rpc_call");
  for (let i = 0; i < 1000; i++) {
    control.record("rpc_call", `${"x".repeat(i % 37)} ${i}`);
    const all = entries();
    assert.ok(all.at(-1)!.endsWith(` ${i}`), `entry ${i} is the last one`);
    for (const entry of all) assert.match(entry, /^rpc_call x* \d+$/);
  }
  control.record("rpc_call", "y".repeat(5000));
  const head = new Uint8Array(TRACE_BUFFER.entries);
  const buffer = session.buffer(1);
  assert.ok(buffer.ok);
  buffer.value.object?.read(0, head);
  const words = new Uint32Array(head.buffer);
  assert.ok(words[1]! > 5);
  assert.deepEqual([words[2], words[3]], [4080, 1]);
});
