// Functional objects (thesis 4.4): each owns one capability, cannot be copied (S68), and is found and removed by as many
// steps among many as among few (S69). Steps are looks at capabilities and what is noted of them, at entries of maps, and
// elements of lists gone through.
import { equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import { main } from "../../test/support/guest-code.ts";
import { TestSystem } from "../../test/support/kernel-system.ts";
import { createCoreContext, createPd, createRm, createRootPd } from "../core/index.ts";
import { Capability, DONATION, INVALID, Notes, type SignalSource } from "../session/index.ts";
import { RtcrCpu } from "./cpu.ts";
import { RtcrPd } from "./pd.ts";
import { RtcrRm } from "./rm.ts";
import { ChildContext } from "./tracked.ts";

function value<T>(attempt: { readonly ok: boolean; readonly value?: T; readonly reason?: string }): T {
  if (!attempt.ok) throw new Error(attempt.reason);
  return attempt.value as T;
}

function required<T>(found: T | undefined): T {
  ok(found !== undefined);
  return found;
}

function system() {
  const core = createCoreContext({ warn: () => {} });
  const context = new ChildContext(core.badges);
  const root = createRootPd(core, { label: "core", donation: { ram: 2 ** 34, caps: 10_000_000 } });
  const real = value(createPd(core, { label: "child", donation: DONATION.PD }));
  value(real.refAccount(root.capability));
  value(root.transferRamQuota(real.capability, 2 ** 33));
  value(root.transferCapQuota(real.capability, 5_000_000));
  const pd = new RtcrPd(context, { id: 1, args: "", real: real.capability });
  return { core, context, real, pd };
}

/** An object and what takes it away again. */
interface Functional {
  readonly object: { dispose(): void };
  readonly end: () => void;
}

const OF_PD: Readonly<Record<string, (pd: RtcrPd, source: Capability<SignalSource>) => Functional>> = {
  dataspace: (pd) => {
    const capability = value(pd.alloc(4096));
    return { object: required(pd.dataspaces.get(capability)), end: () => pd.free(capability) };
  },
  "signal source": (pd) => {
    const capability = value(pd.allocSignalSource());
    return { object: required(pd.sources.get(capability)), end: () => pd.freeSignalSource(capability) };
  },
  "signal context": (pd, source) => {
    const capability = value(pd.allocContext(source, 1));
    return { object: required(pd.contexts.get(capability)), end: () => pd.freeContext(capability) };
  },
  "RPC object": (pd) => {
    const capability = value(pd.allocRpcCap(INVALID));
    return { object: required(pd.rpcObjects.get(capability)), end: () => pd.freeRpcCap(capability) };
  },
};

/** What the language copies of an object has no function of it; with its functions put back, what it owns is missing. */
function refusesCopies(object: object, withFunctions = true): void {
  const copy = { ...object } as Partial<Functional["object"]>;
  equal(copy.dispose, undefined);
  if (!withFunctions) return;
  Object.setPrototypeOf(copy, Object.getPrototypeOf(object) as object);
  throws(() => copy.dispose!(), TypeError);
}

for (const [name, make] of Object.entries(OF_PD)) {
  test(`S68: a ${name} costs one capability as long as it lives, and copies of it are nothing`, () => {
    const { real, pd } = system();
    const source = value(pd.allocSignalSource());
    const before = real.usedCaps();
    const { object, end } = make(pd, source);
    equal(real.usedCaps(), before + 1);
    refusesCopies(object);
    equal(real.usedCaps(), before + 1, "what copies tried has freed nothing");
    end();
    equal(real.usedCaps(), before);
  });
}

test("S68: neither sessions, region maps nor threads can be copied", () => {
  const { core, context, pd } = system();
  const rm = new RtcrRm(context, {
    id: 2,
    args: "",
    real: value(createRm(core, { label: "rm", donation: { ram: 64 << 10, caps: 30 } })).capability,
  });
  const map = value(rm.create(1 << 20));
  refusesCopies(required(rm.map(map)));
  for (const session of [pd, rm]) refusesCopies(session, false);
  ok(map.valid && pd.base.capability.valid && rm.base.capability.valid);
  const kernel = new TestSystem();
  const child = kernel.component("child", main(""));
  const cpu = new RtcrCpu(new ChildContext(kernel.core.badges), {
    id: 3,
    args: "",
    real: kernel.capability(child.cpu),
  });
  const thread = value(cpu.createThread(child.pd.capability, { name: "t" }));
  refusesCopies(required(cpu.threads.get(thread)));
  ok(thread.valid);
  kernel.close();
});

let steps = 0;
const undo: (() => void)[] = [];

/** Counts `weight` with each call of a method, until `undo`. */
function counting(of: object, name: PropertyKey, weight: (self: never) => number): void {
  const original = required(Object.getOwnPropertyDescriptor(of, name));
  const method = (original.get ?? original.value) as (...args: unknown[]) => unknown;
  const counted = function (this: never, ...args: unknown[]) {
    steps += weight(this);
    return method.apply(this, args);
  };
  Object.defineProperty(of, name, { ...original, ...(original.get ? { get: counted } : { value: counted }) });
  undo.push(() => Object.defineProperty(of, name, original));
}

/** One step each; whatever else arrays, maps and sets can do is as many as they have elements. */
const AT_ONCE: readonly PropertyKey[] = ["get", "set", "has", "add", "delete", "push", "pop", "at"];

/** Loops by an index are not seen; and a method that stops early has gone through all of its elements. */
function countSteps(): void {
  counting(Capability.prototype, "object", () => 1);
  for (const name of ["get", "set", "delete"] as const) counting(Notes.prototype, name, () => 1);
  for (const { prototype } of [Map, Set, WeakMap, WeakSet, Array] as readonly { readonly prototype: object }[]) {
    for (const name of Reflect.ownKeys(prototype)) {
      const { value: method } = required(Object.getOwnPropertyDescriptor(prototype, name)) as { value?: unknown };
      if (typeof method !== "function" || name === "constructor") continue;
      const all = ({ size, length }: { readonly size?: number; readonly length?: number }) => size ?? length ?? 1;
      counting(prototype, name, AT_ONCE.includes(name) ? () => 1 : all);
    }
  }
}

function stepsOf(work: () => void): number {
  steps = 0;
  work();
  return steps;
}

/** The most steps of each operation of RTCR's registries among so many objects. */
function stepsAmong(live: number): Readonly<Record<string, number>> {
  const { pd } = system();
  const source = value(pd.allocSignalSource());
  const made = Array.from({ length: live }, () => {
    for (const make of Object.values(OF_PD)) make(pd, source);
    const dataspace = value(pd.alloc(3 * 4096));
    const at = value(required(pd.addressSpace().object).attach(dataspace));
    return { dataspace, at };
  });
  const { dataspace, at } = required(made[live >> 1]);
  const entry = required([...pd.sources][live >> 1]);
  const contexts = [...pd.contexts];
  const rpc = [...pd.rpcObjects];
  const map = pd.maps.addressSpace;
  return {
    "dataspace found": stepsOf(() => pd.dataspaces.get(dataspace)),
    "inside of a region detached": stepsOf(() => map.detach(at + 5000)),
    "nothing detached": stepsOf(() => map.detach(at)),
    "dataspace freed": stepsOf(() => pd.free(dataspace)),
    "context freed": stepsOf(() => pd.freeContext(required(contexts[live >> 1]).capability)),
    "RPC object freed": stepsOf(() => pd.freeRpcCap(required(rpc[live >> 1]).capability)),
    "newest source freed": stepsOf(() => pd.freeSignalSource(source)),
    "a source in the middle ended": stepsOf(() => pd.endSource(entry)),
    "next newest source found": stepsOf(() => pd.sources.get(source)),
  };
}

test("S69: objects are found and removed by no more steps among 10,000 than among 10", () => {
  countSteps();
  const [few, many] = [stepsAmong(10), stepsAmong(10_000)];
  for (const each of undo.splice(0)) each();
  for (const [name, count] of Object.entries(few)) {
    ok(count > 0, `${name}: something is counted`);
    ok(required(many[name]) <= count, `${name}: ${many[name]} steps, ${count} among 10`);
  }
});
