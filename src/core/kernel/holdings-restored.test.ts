// What a program holds, as its PD is charged for it when states are taken up: nothing is left of a state that was refused, of
// frames that went on, and nothing that is there is free (S14).
import assert from "node:assert/strict";
import { test } from "node:test";
import { deserialize, serialize } from "node:v8";
import { diver, log, main } from "../../../test/support/guest-code.ts";
import { type TestComponent, TestSystem } from "../../../test/support/kernel-system.ts";
import type { SavedGroup, SavedInstance } from "../../abi/index.ts";
import type { SessionState } from "../../session/index.ts";
import { plainOf } from "../../util/index.ts";
import type { KernelThread } from "./thread.ts";

const GROWS = `(table $t 1 funcref) (memory $m 1) ${main(`(drop (table.grow $t (ref.null func) (i32.const 20000)))
  (drop (memory.grow $m (i32.const 20))) ${log("(i32.const 1)")}`)}`;

const stateOf = ({ pd }: TestComponent) =>
  plainOf((to) => assert.ok(pd.nativePd().object!.captureInstance(to).ok)) as unknown as { readonly group: SavedGroup };

const restore = ({ pd }: TestComponent, state: object) =>
  pd.nativePd().object!.restoreInstance(state as unknown as SessionState);

/** A system with a program that has grown, and its state. */
async function grown() {
  const system = new TestSystem();
  const guest = system.component("grown", GROWS);
  const before = guest.pd.usedRam();
  guest.start("main");
  await system.rest();
  return { system, guest, held: guest.pd.usedRam() - before, state: stateOf(guest) };
}

/** A state whose first instance says something else. */
function damaged({ group, ...rest }: { readonly group: SavedGroup }, change: (first: SavedInstance) => object) {
  const [first, ...others] = group.instances;
  return { ...rest, group: { ...group, instances: [{ ...first!, ...change(first!) }, ...others] } };
}

const DAMAGES: Record<string, (first: SavedInstance) => object> = {
  "pages that are no number": ({ memories }) => ({ memories: memories.map((memory) => ({ ...memory, pages: "x" })) }),
  "pages that are NaN": ({ memories }) => ({ memories: memories.map((memory) => ({ ...memory, pages: Number.NaN })) }),
  "pages below none": ({ memories }) => ({ memories: memories.map((memory) => ({ ...memory, pages: -(2 ** 30) })) }),
  "pages of no memory": ({ memories }) => ({ memories: memories.map((memory) => ({ ...memory, index: 2 ** 20 })) }),
  "a table without end": ({ tables }) => ({
    tables: tables.map((table) => ({ ...table, elements: { length: 2 ** 60 } })),
  }),
  "a table that it has not": ({ tables }) => ({ tables: tables.map((table) => ({ ...table, index: 77 })) }),
  "globals that are none": () => ({ globals: "no" }),
};

for (const [what, damage] of Object.entries(DAMAGES)) {
  test(`S14, S26: nothing stays charged of a state that is refused: ${what}`, async () => {
    const { system, state } = await grown();
    const guest = system.component("restored", GROWS);
    const before = guest.pd.usedRam();
    assert.deepEqual(restore(guest, damaged(state, damage)), { ok: false, reason: "mismatch" });
    assert.equal(guest.pd.usedRam(), before);
    assert.equal(guest.component.growth.memory(undefined as never, 1, 64), "grow");
    assert.equal(guest.pd.usedRam(), before + (64 << 16), "it is charged as before");
    guest.pd.destroy();
    assert.equal(guest.pd.budget.ram.used, 16 << 10, "what the session itself costs");
    system.close();
  });
}

test("S14, S26: what is restored stays charged while descriptors of WASI are", async () => {
  const { system, held, state } = await grown();
  const guest = system.component("restored", GROWS);
  const { holdings } = guest.component;
  const restoreWasi = (bytes: unknown) => assert.ok(holdings.holdDescriptors(bytes as number));
  guest.component.wasi = { imports: {}, writeState: (to) => to.plain(8_192), restore: restoreWasi };
  const before = guest.pd.usedRam();
  let others = 0;
  const { parts } = guest.component;
  const { restoreOutside } = parts;
  parts.restoreOutside = (group) => {
    others = guest.pd.ramQuota() - guest.pd.usedRam(); // takes all that is left
    assert.ok(guest.pd.budget.ram.withdraw(others));
    restoreOutside.call(parts, group);
  };
  assert.deepEqual(restore(guest, { ...state, wasi: 8_192 }), { ok: true, value: undefined });
  assert.equal(guest.pd.usedRam() - before - others, held + 8_192);
  assert.ok(holdings.holdDescriptors(4_096));
  assert.equal(guest.pd.usedRam() - before - others, held + 4_096);
  system.close();
});

const DEPTH = 500;

for (const how of ["the component is made anew", "the threads take up their states"]) {
  test(`S14, S94: nothing is charged for frames that have gone on since ${how}`, async () => {
    const system = new TestSystem();
    const guest = system.component("deep", diver(DEPTH));
    const before = guest.pd.usedRam();
    const threads = Array.from({ length: 12 }, (_, number) => guest.start(`deep${number}`) as KernelThread);
    await system.rest();
    const held = guest.pd.usedRam() - before;
    assert.ok(held > 11 * DEPTH * 64 - (64 << 10));
    if (how.startsWith("the component")) guest.component.recreate((saved) => deserialize(serialize(saved)));
    else {
      for (const thread of threads) {
        const state = thread.state();
        assert.ok(state.ok && thread.setState(state.value).ok);
      }
      assert.equal(guest.pd.usedRam() - before, held, "all but one");
    }
    guest.component.waits.futexWake(68, threads.length);
    await system.rest();
    assert.deepEqual([guest.component.view.getInt32(64, true), guest.pd.usedRam()], [threads.length, before]);
    system.close();
  });
}

/** The state of a thread that waits in a stack of this depth. */
async function deepState() {
  const system = new TestSystem();
  const thread = system.component("deep", diver(DEPTH)).start("deep") as KernelThread;
  await system.rest();
  const state = thread.state();
  assert.ok(state.ok);
  system.close();
  return state.value;
}

test("S14, S94: of threads that take up states all but the deepest are charged, and nothing when they have gone on", async () => {
  const state = await deepState();
  const system = new TestSystem();
  const guest = system.component("restored", diver(DEPTH));
  const before = guest.pd.usedRam();
  const held = () => guest.pd.usedRam() - before;
  const threads = Array.from({ length: 8 }, (_, number) => guest.start(`deep${number}`) as KernelThread);
  const charges = threads.map((thread) => {
    assert.ok(thread.setState(state).ok);
    return held();
  });
  assert.equal(charges[0], 0, "one may have the area");
  const each = (charges[7]! - charges[3]!) / 4;
  assert.ok(each >= DEPTH * 64 && each < DEPTH * 128, `${each} bytes a thread`);
  for (const thread of threads) assert.ok(thread.setState(state).ok, "the same once more");
  assert.equal(held(), charges[7]);
  for (const thread of threads.slice(4)) assert.ok(thread.setState({ saved: null }).ok);
  assert.ok(held() === charges[3] || held() === charges[4], "the deepest may be among those that are left, or not");
  guest.component.waits.futexWake(68, threads.length);
  await system.rest();
  assert.deepEqual([guest.component.view.getInt32(64, true), held()], [4, 0]);
  guest.pd.destroy();
  assert.equal(guest.pd.budget.ram.used, 16 << 10, "what the session itself costs");
  system.close();
});

test("S14, S26: a state whose frames its PD cannot pay for is refused, and the thread is as it was", async () => {
  const state = await deepState();
  const system = new TestSystem();
  const guest = system.component("restored", diver(DEPTH));
  const before = guest.pd.usedRam();
  const threads = Array.from({ length: 6 }, (_, number) => guest.start(`deep${number}`) as KernelThread);
  await system.rest();
  const another = guest.start("another") as KernelThread;
  another.pause();
  const full = guest.pd.usedRam();
  const left = guest.pd.ramQuota() - full;
  assert.ok(guest.pd.budget.ram.withdraw(left));
  for (const thread of threads) assert.ok(thread.setState(state).ok, "instead of as many");
  assert.deepEqual(another.setState(state), { ok: false, reason: "out-of-ram" });
  guest.pd.budget.ram.replenish(left);
  assert.equal(guest.pd.usedRam(), full);
  another.resume();
  await system.rest();
  guest.component.waits.futexWake(68, threads.length + 1);
  await system.rest();
  assert.deepEqual([guest.component.view.getInt32(64, true), guest.pd.usedRam()], [threads.length + 1, before]);
  system.close();
});
