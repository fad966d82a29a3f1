// Whatever can happen to a caller or its server happens within their calls, on every pair of CPUs: the kernel and what else
// runs on these CPUs go on, and no call is left.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { KernelThread } from "../../src/core/kernel/thread.ts";
import { type Capability, INVALID } from "../../src/session/index.ts";
import { PlainWriter } from "../../src/util/index.ts";
import { counter, machine, until } from "../support/cpus.ts";
import { answerPlus, ask, dispatch, log, main, onOpcode, SERVES, tableOf } from "../support/guest-code.ts";
import { SLOT, type TestComponent, type TestSystem } from "../support/kernel-system.ts";

const CPUS = 3;
const AT = 0x1a00_0000;
const SPIN = main(`(loop $l (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1))) (br $l))`);
/** Opcode 1 answers plus one, 2 calls what is at the free slot first, 3 does so and fails. */
const SERVER = `${tableOf("d")} ${SERVES} ${dispatch(
  "d",
  `${onOpcode(2, `(drop ${ask(SLOT.free, 0)})`)} ${onOpcode(3, `(drop ${ask(SLOT.free, 0)}) (return (i32.const 1))`)}
   ${answerPlus(1)}`,
)}`;
/** Calls the object at the free slot: the server is the caller's own for a while, then something happens, then again. */
const client = (opcode: number) =>
  main(
    `${[1, 1, 1, opcode, 1, 1, opcode, 1].map((each) => `(drop ${ask(SLOT.free, each, 41)})`).join(" ")} ${log("(i32.const 1)")}`,
  );

interface Side {
  readonly made: TestComponent;
  readonly thread: KernelThread;
  readonly system: TestSystem;
}

const moveTo =
  (cpu: number) =>
  ({ made: { component }, system }: Side) =>
    system.kernel.moves.order(component, { x: cpu, y: 0, width: 1, height: 1 });

const attachAgain = ({ made: { pd, component } }: Side): void => {
  pd.addressSpaceMap.attach(component.home!.data, { address: AT });
};

/** By name, what happens to one side. */
const EVENTS: Readonly<Record<string, (side: Side) => void>> = {
  "its PD ends": ({ made }) => made.pd.destroy(),
  "its thread is killed": ({ made, thread }) => made.cpu.killThread(thread.capability),
  "its thread is paused": ({ thread }) => thread.pause(),
  "its thread is paused and goes on": ({ thread }) => {
    thread.pause();
    thread.resume();
  },
  "its thread is asked for its state": ({ thread }) => void thread.state(),
  "its thread gets an empty state": ({ thread }) => void thread.setState({ saved: null }),
  "its thread is canceled": ({ thread }) => thread.cancelBlocking(),
  "its thread makes single steps": ({ thread }) => thread.singleStep(true),
  "its slots are taken": ({ made }) => made.component.clearSlots(),
  "its memory goes behind windows": attachAgain,
  "its memory is detached": ({ made }) => void made.pd.addressSpaceMap.detach(0),
  "its memory goes behind windows, and it ends": (side) => {
    attachAgain(side);
    side.made.pd.destroy();
  },
  "its instance is captured": ({ made }) =>
    void made.pd.nativePd().object!.captureInstance(new PlainWriter(new Uint8Array(1 << 16))),
  "it goes to CPU 0": moveTo(0),
  "it goes to CPU 1": moveTo(1),
  "it goes to CPU 2": moveTo(2),
  "it goes elsewhere, and ends": (side) => {
    moveTo(2)(side);
    moveTo(1)(side);
    side.made.pd.destroy();
  },
};

async function happens(system: TestSystem, cpus: readonly [number, number], opcode: number, who: string, what: string) {
  const load = { load: { windows: true } };
  const server = system.component("server", SERVER, { cpu: cpus[1], ...load });
  const ep = server.start("ep") as KernelThread;
  await system.rest();
  const caller = system.component("caller", client(opcode), { cpu: cpus[0], ...load });
  const thread = caller.thread("main") as KernelThread;
  const sides: Readonly<Record<string, Side>> = {
    server: { made: server, thread: ep, system },
    caller: { made: caller, thread, system },
  };
  let times = 0;
  server.component.table.insert(hook(system, () => (times++ === 0 ? EVENTS[what]!(sides[who]!) : undefined)));
  caller.component.table.insert(system.object(server, ep.capability));
  thread.start(0, 0);
  await system.rest();
  assert(times > 0, "something has happened");
  for (const { pd } of [caller, server]) pd.destroy();
  await system.rest();
  assert.equal(system.kernel.calls.size, 0);
}

/** An object in TypeScript: whoever calls opcode 0 of it has `body` done within the call. */
function hook(system: TestSystem, body: () => void): Capability {
  return system.capability({
    kind: "rom" as const,
    dataspace: () => {
      body();
      return INVALID;
    },
  });
}

for (const cpus of [
  [1, 1],
  [1, 2],
  [0, 1],
  [1, 0],
] as const) {
  for (const who of ["server", "caller"]) {
    test(`S14: caller on CPU ${cpus[0]}, server on CPU ${cpus[1]}: whatever happens to the ${who} harms nobody else`, async (t) => {
      const failures: unknown[] = [];
      const system = await machine(CPUS, { failed: (thrown) => failures.push(thrown) });
      t.after(() => system.close());
      for (const what of Object.keys(EVENTS)) {
        for (const opcode of [2, 3]) {
          await happens(system, cpus, opcode, who, what).catch((thrown) => {
            throw new Error(`${what}, opcode ${opcode}: ${thrown}`, { cause: thrown });
          });
          assert.deepEqual(failures, [], what);
        }
      }
      for (const cpu of [0, 1, 2]) {
        const bystander = system.component(`bystander${cpu}`, SPIN, { cpu });
        bystander.start("main");
        await until(() => counter(bystander) !== 0 || failures.length > 0);
        assert.deepEqual(failures, []);
        bystander.pd.destroy();
      }
    });
  }
}
