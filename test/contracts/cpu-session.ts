// What every CPU session, its threads and its Native_cpu must do, core's and any interposer's; only contracts are used
// (S24-S30).
import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Capability,
  CPU_QUOTA_SCALE,
  type CpuSession,
  type CpuThread,
  INVALID,
  type NativeThreadState,
  type PdSession,
  type SignalContext,
} from "../../src/session/index.ts";

/** Functions of the program behind `pd`, by their index in its table. */
export const CPU_PROGRAM = { returns: 1, waits: 2, traps: 3, loops: 4 } as const;

/**
 * The program: `waits` waits on the futex at 64 and then logs how that ended, `loops` counts to 1,000 with safe points
 * and logs 1,000. They log with the message buffer below their stack pointer.
 */
export const CPU_PROGRAM_TEXT = `
  (table 5 funcref) (elem (i32.const 1) $returns $waits $traps $loops)
  (func $returns)
  (func $waits (param $sp i32)
    (call $log (i32.sub (local.get $sp) (i32.const 1088)) (call $futex_wait (i32.const 64) (i32.const 0) (i64.const -1))))
  (func $traps unreachable)
  (func $loops (param $sp i32) (local $i i32)
    (loop $l (call $cap_retain (i32.const 0))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
    (call $log (i32.sub (local.get $sp) (i32.const 1088)) (local.get $i)))
  (func (export "rtcr_component_start"))`;

/** Sessions for one test. */
export interface CpuFixture {
  readonly cpu: Capability<CpuSession>;
  /** Another session of the same system, without relation to the first. */
  another(): Capability<CpuSession>;
  /** Runs CPU_PROGRAM_TEXT. */
  readonly pd: Capability<PdSession>;
  /** Lets threads run until all wait or have ended. */
  run(): Promise<void>;
  /** Lets threads run for a while only, when `loops` is under way. */
  runShortly(): Promise<void>;
  /** Wakes those who wait on the futex. */
  wake(): void;
  /** A signal context, and how often something was submitted to it. */
  context(): { readonly capability: Capability<SignalContext>; count(): number };
  /** What threads have logged. */
  logged(): number[];
  close(): void;
}

const WOKEN = 0;
const CANCELED = 3;

export function cpuSessionSuite(name: string, make: () => CpuFixture): void {
  const open = () => {
    const fixture = make();
    const session = fixture.cpu.object!;
    let slot = 0;
    const create = (threadName: string): Capability<CpuThread> => {
      const made = session.createThread(fixture.pd, { name: threadName });
      ok(made.ok);
      return made.value;
    };
    const start = (ip: number): Capability<CpuThread> => {
      const thread = create(`t${slot}`);
      thread.object!.start(ip, 65_536 - 4096 * slot++);
      return thread;
    };
    const activity = (thread: Capability<CpuThread>): NativeThreadState["activity"] | "refused" => {
      const state = session.nativeCpu().object!.threadState(thread);
      return state.ok ? state.value.activity : "refused";
    };
    return { ...fixture, session, create, start, activity };
  };

  describe(`CPU session: ${name}`, () => {
    test("S24: threads are made in a PD; what is none is refused", () => {
      const { session, pd, cpu, activity, close } = open();
      for (const options of [
        { name: "a" },
        { name: "b".repeat(100) },
        { name: "", weight: 0 },
        { name: "c", weight: 1_000_000, affinity: { x: 9, y: 9, width: 9, height: 9 }, utcb: 4096 },
      ]) {
        const made = session.createThread(pd, options);
        ok(made.ok);
        equal(made.value.object?.kind, "cpu-thread");
        equal(activity(made.value), "new");
      }
      for (const bad of [INVALID, cpu as never]) {
        deepEqual(session.createThread(bad, { name: "t" }), { ok: false, reason: "thread-creation-failed" });
      }
      close();
    });

    test("S4, S24: a killed thread denotes nothing; foreign and invalid capabilities are ignored", async () => {
      const { session, another, start, run, activity, close } = open();
      const [first, second] = [start(CPU_PROGRAM.waits), start(CPU_PROGRAM.waits)];
      await run();
      another().object!.killThread(first);
      session.killThread(INVALID);
      deepEqual([activity(first), activity(second)], ["blocked", "blocked"]);
      session.killThread(first);
      session.killThread(first);
      equal(first.valid, false);
      equal(activity(first), "refused");
      equal(activity(second), "blocked");
      close();
    });

    test("S24: a thread whose function has returned is dead, and there until it is killed", async () => {
      const { session, start, run, activity, close } = open();
      const thread = start(CPU_PROGRAM.returns);
      await run();
      const object = thread.object!;
      equal(activity(thread), "dead");
      for (const call of ["pause", "resume", "cancelBlocking"] as const) object[call]();
      object.start(CPU_PROGRAM.loops, 65_536);
      await run();
      equal(activity(thread), "dead");
      const state = object.state();
      ok(state.ok);
      equal(state.value.frames, 0);
      session.killThread(thread);
      equal(thread.valid, false);
      close();
    });

    test("S26: a thread that has ended can take up the state of another, and the end of one", async () => {
      const { start, run, activity, wake, logged, close } = open();
      const [ended, waiting] = [start(CPU_PROGRAM.returns), start(CPU_PROGRAM.waits)];
      await run();
      const [end, wait] = [ended.object!.state(), waiting.object!.state()];
      ok(end.ok && wait.ok);
      ok(ended.object!.setState(wait.value).ok);
      ok(waiting.object!.setState(end.value).ok);
      await run();
      deepEqual([activity(ended), activity(waiting)], ["blocked", "dead"]);
      wake();
      await run();
      deepEqual(logged(), [WOKEN]);
      equal(activity(ended), "dead");
      close();
    });

    test("S25: pause is idempotent, at once, and loses nothing", async () => {
      const { start, run, runShortly, activity, logged, close } = open();
      const thread = start(CPU_PROGRAM.loops);
      await runShortly();
      const object = thread.object!;
      for (let round = 0; round < 5; round++) {
        object.pause();
        object.pause();
        equal(activity(thread), "paused");
        await run();
        deepEqual(logged(), []);
        object.resume();
        await runShortly();
      }
      await run();
      deepEqual(logged(), [1000]);
      close();
    });

    test("S26: the state of a waiting thread is plain data, and another thread can take it up", async () => {
      const { create, start, run, wake, logged, close } = open();
      const thread = start(CPU_PROGRAM.waits);
      await run();
      const state = thread.object!.state();
      ok(state.ok);
      equal(state.value.frames, 1);
      equal(state.value.stackPointer, 65_536);
      deepEqual([state.value.paused, state.value.exception, state.value.unresolvedPageFault], [false, false, false]);
      const copy = create("copy");
      ok(copy.object!.setState({ saved: structuredClone(state.value.saved) }).ok);
      await run();
      wake();
      await run();
      deepEqual(logged(), [WOKEN, WOKEN]);
      close();
    });

    test("S26, S27: a thread that was stopped, at its start, by a trap or by a step, is taken up as it stands", async () => {
      const { session, create, start, run, activity, logged, close } = open();
      const stopped = [start(CPU_PROGRAM.traps), start(99), create("stepped")];
      stopped[2]!.object!.singleStep(true);
      stopped[2]!.object!.start(CPU_PROGRAM.loops, 65_536);
      await run();
      for (const thread of stopped) {
        equal(activity(thread), "faulted");
        const state = thread.object!.state();
        ok(state.ok && state.value.exception);
        const copy = create("copy");
        ok(copy.object!.setState({ saved: structuredClone(state.value.saved) }).ok);
        await run();
        equal(activity(copy), "faulted");
        const facts = session.nativeCpu().object!.threadState(copy);
        equal(facts.ok && facts.value.exceptions, 1);
      }
      deepEqual(logged(), []);
      close();
    });

    test("S26: a state that is none is refused", async () => {
      const { start, run, wake, logged, close } = open();
      const thread = start(CPU_PROGRAM.waits);
      await run();
      for (const saved of [7, "state", [], { version: 99 }]) {
        deepEqual(thread.object!.setState({ saved }), { ok: false, reason: "state-access-failed" });
      }
      wake();
      await run();
      deepEqual(logged(), [WOKEN]);
      close();
    });

    test("S27: traps tell the thread's own handler, else the session's; the thread stays stopped", async () => {
      const { session, create, start, run, context, activity, close } = open();
      const [own, common] = [context(), context()];
      const before = start(CPU_PROGRAM.waits);
      session.exceptionSigh(common.capability);
      const plain = start(CPU_PROGRAM.traps);
      const special = create("special");
      special.object!.exceptionSigh(own.capability);
      special.object!.start(CPU_PROGRAM.traps, 8192);
      await run();
      deepEqual([own.count(), common.count()], [1, 1]);
      plain.object!.resume();
      await run();
      deepEqual([activity(plain), activity(special), activity(before)], ["faulted", "faulted", "blocked"]);
      const state = plain.object!.state();
      ok(state.ok && state.value.exception);
      close();
    });

    test("S28: affinity is within the session's space", () => {
      const { session, create, close } = open();
      const { width, height } = session.affinitySpace();
      ok(width >= 1 && height >= 1);
      create("t").object!.affinity({ x: 100, y: 100, width: 100, height: 100 });
      close();
    });

    test("S28: quota moves between a session and its reference account only, and its sum stays", () => {
      const { session, cpu, another, close } = open();
      const [parent, stranger] = [another(), another()];
      const total = () => session.quota().us + parent.object!.quota().us;
      equal(session.refAccount(INVALID), -1);
      equal(session.refAccount(cpu), -3);
      equal(session.transferQuota(INVALID, 1), -1);
      equal(session.transferQuota(parent, 1), -2);
      equal(session.refAccount(parent), 0);
      equal(session.refAccount(stranger), -2);
      equal(session.transferQuota(stranger, 1), -2);
      equal(parent.object!.transferQuota(cpu, CPU_QUOTA_SCALE + 1), -3);
      const before = total();
      equal(parent.object!.transferQuota(cpu, CPU_QUOTA_SCALE / 2), 0);
      equal(session.transferQuota(parent, CPU_QUOTA_SCALE / 4), 0);
      ok(Math.abs(total() - before) <= 2, "up to rounding to microseconds");
      ok(session.quota().us <= session.quota().superPeriodUs);
      close();
    });

    test("S29: Native_cpu knows the session's threads by the capabilities that the session gave", async () => {
      const { session, start, run, activity, close } = open();
      const native = session.nativeCpu();
      equal(native, session.nativeCpu(), "the same capability each time");
      const thread = start(CPU_PROGRAM.waits);
      await run();
      const real = native.object!.nativeCap(thread);
      equal(real.object?.kind, "cpu-thread");
      const state = native.object!.threadState(thread);
      deepEqual(state, { ok: true, value: { activity: "blocked", waitsFor: "wait at 0x40", exceptions: 0 } });
      equal(activity(INVALID), "refused");
      close();
    });

    test("S30: cancel_blocking ends a wait, once, and nothing else", async () => {
      const { create, start, run, logged, close } = open();
      const thread = start(CPU_PROGRAM.waits);
      create("not started").object!.cancelBlocking();
      await run();
      thread.object!.cancelBlocking();
      thread.object!.cancelBlocking();
      await run();
      deepEqual(logged(), [CANCELED]);
      close();
    });
  });
}
