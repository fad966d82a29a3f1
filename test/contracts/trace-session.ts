// What every TRACE session must do, by its contract alone (spec 2.14). Implementations call traceSessionSuite from their own
// tests; this file runs nothing by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Dataspace, TraceSession } from "../../src/session/index.ts";

export interface TraceUnderTest {
  /** With an argument buffer of one page, and room for four pages more. */
  readonly session: TraceSession;
  /** Another session that sees the same threads. */
  readonly other: TraceSession;
  /** Starts a thread that belongs to the session with that label; the result ends it. */
  startThread(label: string, name: string): () => void;
  /** The label that the sessions see threads below. */
  readonly scope: string;
  close(): void;
}

export function traceSessionSuite(label: string, make: () => TraceUnderTest): void {
  const on = (title: string, body: (trace: TraceUnderTest) => void): void => {
    test(`${label}: S59: ${title}`, () => {
      const trace = make();
      try {
        body(trace);
      } finally {
        trace.close();
      }
    });
  };
  const names = (session: TraceSession) => subjectsOf(session).map(({ name }) => name);

  on("subjects are the threads below the tracer's label", ({ session, scope, startThread }) => {
    assert.equal(session.subjects(), 0);
    startThread(scope, "own");
    startThread(`${scope} -> child`, "below");
    startThread(`${scope} -> child -> grandchild`, "deep");
    startThread(`${scope}x`, "stranger");
    startThread("elsewhere", "stranger");
    assert.deepEqual(names(session), ["own", "below", "deep"]);
    assert.deepEqual(names(session), ["own", "below", "deep"], "ids stay");
    const id = firstOf(session);
    const info = session.subjectInfo(id);
    assert.ok(info.ok);
    assert.deepEqual([info.value.label, info.value.state, info.value.policy], [scope, "untraced", 0]);
    assert.ok(info.value.executionUs >= 0 && info.value.affinity.width >= 1);
  });

  on("a dead thread's subject stays until it is freed", ({ session, scope, startThread }) => {
    const end = startThread(scope, "mortal");
    const id = firstOf(session);
    const policy = policyOf(session, "rpc_call");
    assert.equal(outcome(session.trace(id, policy, 4096)), "ok");
    end();
    assert.equal(stateOf(session, id), "dead");
    assert.equal(outcome(session.buffer(id)), "ok", "its buffer can be read");
    assert.equal(outcome(session.trace(id, policy, 4096)), "source-is-dead");
    assert.deepEqual(names(session), ["mortal"]);
    assert.equal(outcome(session.free(id)), "ok");
    assert.deepEqual(names(session), []);
    assert.equal(outcome(session.subjectInfo(id)), "nonexistent-subject");
  });

  on("tracing, pausing and freeing change the state", ({ session, other, scope, startThread }) => {
    startThread(scope, "t");
    const [id, foreign] = [firstOf(session), firstOf(other)];
    const policy = policyOf(session, "rpc_call");
    assert.equal(outcome(session.buffer(id)), "subject-not-traced");
    assert.equal(outcome(session.trace(id, policy, 5000)), "ok");
    assert.deepEqual([stateOf(session, id), stateOf(other, foreign)], ["traced", "foreign"]);
    const info = session.subjectInfo(id);
    assert.equal(info.ok && info.value.policy, policy);
    const buffer = session.buffer(id);
    assert.equal(buffer.ok && buffer.value.object?.size(), 8192);
    assert.equal(outcome(session.trace(id, policy, 4096)), "already-traced");
    assert.equal(outcome(other.trace(foreign, policyOf(other, ""), 4096)), "traced-by-other-session");
    assert.deepEqual([outcome(session.pause(id)), outcome(session.resume(id))], ["ok", "ok"]);
    session.free(id);
    assert.equal(buffer.ok && buffer.value.valid, false, "its buffer is gone");
    assert.equal(stateOf(other, foreign), "untraced");
    assert.equal(outcome(other.trace(foreign, policyOf(other, ""), 4096)), "ok");
  });

  on("what does not exist is refused by name", ({ session, scope, startThread }) => {
    startThread(scope, "t");
    const id = firstOf(session);
    const policy = policyOf(session, "");
    for (const none of [0, id + 1, 2 ** 32 - 1]) {
      const subject = [session.trace(none, policy, 4096), session.pause(none), session.resume(none)];
      const more = [session.buffer(none), session.free(none), session.subjectInfo(none)];
      for (const attempt of [...subject, ...more]) assert.equal(outcome(attempt), "nonexistent-subject");
    }
    assert.equal(outcome(session.unloadPolicy(policy)), "ok");
    assert.equal(outcome(session.unloadPolicy(policy)), "nonexistent-policy");
    assert.equal(outcome(session.policy(policy)), "nonexistent-policy");
    assert.equal(outcome(session.trace(id, policy, 4096)), "nonexistent-policy");
  });

  on("policies hold what lay in the argument buffer, and can be written", ({ session }) => {
    session.dataspace().object?.write(0, new TextEncoder().encode("rpc_call"));
    const id = session.allocPolicy(8);
    assert.ok(id.ok);
    const policy = session.policy(id.value);
    assert.ok(policy.ok);
    const text = new Uint8Array(8);
    policy.value.object?.read(0, text);
    assert.equal(new TextDecoder().decode(text), "rpc_call");
    assert.equal(policy.value.object?.write(0, new Uint8Array(8)), 8);
  });

  on("policies and buffers cost the session's donation", ({ session, scope, startThread }) => {
    assert.equal(outcome(session.allocPolicy(4097)), "out-of-ram", "larger than the argument buffer");
    startThread(scope, "t");
    const id = firstOf(session);
    const first = policyOf(session, "");
    assert.equal(outcome(session.trace(id, first, 4 * 4096)), "out-of-ram");
    assert.equal(stateOf(session, id), "untraced", "a refusal leaves nothing behind");
    assert.equal(outcome(session.trace(id, first, 3 * 4096)), "ok");
    assert.equal(outcome(session.allocPolicy(1)), "out-of-ram");
    session.free(id);
    assert.equal(outcome(session.allocPolicy(1)), "ok");
  });
}

function outcome(attempt: { readonly ok: true } | { readonly ok: false; readonly reason: string }): string {
  return attempt.ok ? "ok" : attempt.reason;
}

function subjectsOf(session: TraceSession): { readonly id: number; readonly name: string }[] {
  const ids = new Uint8Array(session.subjects() * 4);
  (session.dataspace().object as Dataspace).read(0, ids);
  const view = new DataView(ids.buffer);
  return Array.from({ length: ids.length / 4 }, (_, i) => {
    const id = view.getUint32(i * 4, true);
    const info = session.subjectInfo(id);
    assert.ok(info.ok);
    return { id, name: info.value.thread };
  });
}

function firstOf(session: TraceSession): number {
  return subjectsOf(session)[0]!.id;
}

function stateOf(session: TraceSession, id: number): string {
  const info = session.subjectInfo(id);
  return info.ok ? info.value.state : info.reason;
}

function policyOf(session: TraceSession, text: string): number {
  session.dataspace().object?.write(0, new TextEncoder().encode(text.padEnd(16, " ")));
  const id = session.allocPolicy(16);
  assert.ok(id.ok);
  return id.value;
}
