// Atomic waits as the kernel keeps them while the engine has not yet said what has become of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../../test/assemble.ts";
import { logged, main, tableOf } from "../../../test/support/guest-code.ts";
import { PRELUDE, TestSystem } from "../../../test/support/kernel-system.ts";
import { closeWithTest } from "../../../test/support/left-open.ts";
import { until } from "../../../test/support/until.ts";
import type { KernelThread } from "./thread.ts";

/** The first thread waits at 64 for ever; the other one notifies it, notes at 68 how many there were, and counts at 72. */
const NOTIFIES = assemble(`(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (func (export "wasi_thread_start") (param i32 i32)
    (i32.store (i32.const 68) (memory.atomic.notify (i32.const 64) (i32.const 1)))
    (loop $again (drop (i32.atomic.rmw.add (i32.const 72) (i32.const 1))) (br $again)))
  (func (export "rtcr_component_start")
    (drop (call $spawn (i32.const 0)))
    (drop (memory.atomic.wait32 (i32.const 64) (i32.const 0) (i64.const -1)))
    (i32.store (i32.const 76) (i32.const 1))))`);

test("S24, S26, S88: a state says of a wait that has just been notified that it is over", async () => {
  const system = new TestSystem();
  const { kernel } = system;
  closeWithTest(kernel);
  const a = system.component("a", NOTIFIES);
  const { words } = a.component;
  let state: Record<string, unknown> | undefined;
  kernel.everyPoint = true;
  kernel.scheduler.between = () => {
    if (state || words[17] !== 1) return; // nothing that the engine tells can have come since
    const taken = first.state();
    assert(taken.ok);
    state = taken.value.saved as Record<string, unknown>;
  };
  const first = a.start("main") as KernelThread;
  await until(() => state !== undefined);
  assert.deepEqual([state!["waiting"], state!["outcome"]], [undefined, 0]);
  await until(() => words[19] === 1);
  system.close();
});

const AT = 0x4000_0000;
const SHARED = PRELUDE.replace('(memory (export "memory") 2)', '(memory (export "memory") 2 65536 shared)');
/** Waits at AT for ever, and logs how that ended; another thread notifies one of those who wait there, and logs how many that were. */
const WAITS = assemble(`(module ${SHARED} ${tableOf("notify")}
  (func $notify (call $log (i32.const 4096) (i32.add (i32.const 16) (memory.atomic.notify (i32.const ${AT}) (i32.const 1)))))
  ${main(`(call $log (i32.const 2048) (memory.atomic.wait32 (i32.const ${AT}) (i32.const 0) (i64.const -1)))`)})`);

/** Two components that wait at one word of a dataspace that both have. */
async function waitTogether() {
  const system = new TestSystem();
  closeWithTest(system.kernel);
  const allocated = system.root.alloc(4096);
  assert(allocated.ok);
  const [a, b] = ["a", "b"].map((label) => {
    const made = system.component(label, WAITS, { load: { windows: true } });
    assert(made.pd.addressSpaceMap.attach(allocated.value, { address: AT }).ok);
    const thread = made.start("waits") as KernelThread;
    return { ...made, thread };
  });
  await until(() => [a, b].every((each) => each!.thread.waiting?.kind === "atomic"));
  return { system, a: a!, b: b! };
}

const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test("S24: looking whether a component's waits are over ends none of another's at the same word", async () => {
  const { system, a, b } = await waitTogether();
  for (const { component } of [a, b, a]) {
    component.waits.look();
    await turns();
    assert.deepEqual(system.lines, []);
  }
  system.close();
});

for (const looks of ["a", "b"] as const) {
  test(`S24, S26: of two components that wait at a word the first is woken, once, though ${looks} looks before the engine has said so`, async () => {
    const { system, a, b } = await waitTogether();
    const told = () => logged(system, "b").includes(17);
    let looked = false;
    system.kernel.scheduler.between = () => {
      if (!looked && told()) ({ a, b })[looks].component.waits.look(); // nothing that the engine tells can have come since
      looked = told();
    };
    b.start("notifies", 1, 8192);
    await until(() => looked && system.lines.length >= 2);
    await turns();
    assert.deepEqual(system.lines, ["[b] 00000011", "[a] 00000000"]);
    b.start("notifies again", 1, 8192);
    await until(() => system.lines.length >= 4);
    assert.deepEqual(system.lines.slice(2), ["[b] 00000011", "[b] 00000000"]);
    system.close();
  });
}
