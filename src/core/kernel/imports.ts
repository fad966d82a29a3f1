// The functions of KERNEL_MODULE as host functions. Every argument comes from a component: whatever it is, the answer is
// a number, and nothing is thrown.
import {
  type HostCall,
  type HostFunction,
  type HostImports,
  KERNEL_IMPORTS,
  KERNEL_MODULE,
  type Signature,
  type ValueTypeName,
} from "../../abi/index.ts";
import { objectOf, type SignalSource } from "../../session/index.ts";
import type { Component } from "./component.ts";
import type { Kernel } from "./kernel.ts";
import { GuestScopes } from "./scopes.ts";
import { requireHostStack } from "./stack-room.ts";

/** A function of the module: its type, and whether its caller may have to wait. */
export interface KernelFunction {
  readonly signature: Signature;
  readonly waits: boolean;
}

const TYPES: Readonly<Record<string, ValueTypeName>> = { i: "i32", l: "i64" };

/** @param type parameters and result, `iil>i` */
function declare(type: string, waits = false): KernelFunction {
  const [params, results] = type.split(">").map((list) => Array.from(list, (letter) => TYPES[letter]!));
  return { signature: { params: params!, results: results! }, waits };
}

const F = KERNEL_IMPORTS;

/** By name. */
export const KERNEL_FUNCTIONS: Readonly<Record<string, KernelFunction>> = {
  [F.call]: declare("iii>i", true),
  [F.serve]: declare("iii>"),
  [F.serveSignals]: declare("i>"),
  [F.epWakeup]: declare("i>"),
  [F.epWaitWakeup]: declare("i>", true),
  [F.futexWait]: declare("iil>i", true),
  [F.futexWake]: declare("ii>i"),
  [F.capBadge]: declare("i>i"),
  [F.capRetain]: declare("i>"),
  [F.capRelease]: declare("i>"),
  [F.parent]: declare(">i"),
  [F.self]: declare(">i"),
  [F.yield]: declare(">", true),
  [F.scopeBegin]: declare("iii>i"),
  [F.scopeEnd]: declare("i>"),
};

/** The kernel's functions for one component. */
export function kernelImports(kernel: Kernel, component: Component): HostImports {
  const { table } = component;
  const { rpc } = kernel;
  const functions: Record<string, HostFunction> = {
    [F.call]: {
      freeze: "restartable",
      fast: ((slot: number, opcode: number, message: number) =>
        rpc.call(component, slot, opcode, message)) as HostFunction["fast"] & object,
      call: (call, slot, opcode, message) =>
        rpc.issue(component, call, slot as number, opcode as number, message as number),
    },
    [F.serve]: instant((dispatch, argument, message) => {
      component.starts.serve(component.running!, dispatch, argument, message);
      return 0;
    }),
    [F.serveSignals]: instant((slot) => {
      const source = objectOf<SignalSource>(table.lookup(slot), "signal-source");
      if (source) kernel.signals.serve(component.running!, source);
      return 0;
    }),
    [F.epWakeup]: instant((slot) => {
      const thread = kernel.threadOf(table.lookup(slot));
      if (!thread) return 0;
      thread.ep.wakeup = true;
      thread.notify();
      return 0;
    }),
    [F.epWaitWakeup]: restartable(component, () => waitWakeup(component)),
    [F.futexWait]: restartable(component, (address, expected, timeout) =>
      component.waits.futexWait(component.running!, address, expected, timeout as unknown as bigint),
    ),
    [F.futexWake]: instant((address, most) => component.waits.futexWake(address, most)),
    [F.capBadge]: instant((slot) => {
      const capability = table.lookup(slot);
      return capability.valid ? slot : 0;
    }),
    [F.capRetain]: instant((slot) => {
      table.retain(slot);
      return 0;
    }),
    [F.capRelease]: instant((slot) => {
      table.release(slot);
      return 0;
    }),
    [F.parent]: instant(() => component.parentSlot()),
    [F.self]: instant(() => table.insert(component.running!.shown)),
    [F.yield]: { freeze: "restartable", call: (call) => (call.progress === undefined ? call.freeze(true) : 0) },
  };
  const scopes = new GuestScopes(kernel, component);
  functions[F.scopeBegin] = instant((name, bytes, color) => scopes.begin(name, bytes, color));
  functions[F.scopeEnd] = instant((scope) => scopes.end(scope));
  return { [KERNEL_MODULE]: functions };
}

type Numbers = (x: number, y: number, z: number) => number;

/** A function that is over at once. */
function instant(body: Numbers): HostFunction {
  const guarded: Numbers = (x, y, z) => {
    requireHostStack();
    return body(x, y, z);
  };
  return {
    freeze: "instant",
    fast: guarded as HostFunction["fast"] & object,
    call: (_, x, y, z) => guarded(x as number, y as number, z as number),
  };
}

/** The same functions, none of which begins without enough stack. */
export function withStack(imports: HostImports): HostImports {
  const guard = (host: HostFunction): HostFunction => ({
    freeze: host.freeze,
    call: (call, ...args) => {
      requireHostStack();
      return host.call(call, ...args);
    },
  });
  const modules = Object.entries(imports).map(([module, functions]) => [
    module,
    Object.fromEntries(Object.entries(functions).map(([name, host]) => [name, guard(host)])),
  ]);
  return Object.fromEntries(modules);
}

/** A function whose thread waits when `begin` returns undefined; the wait's outcome is its result. */
function restartable(
  component: Component,
  begin: (x: number, y: number, z: number) => number | undefined,
): HostFunction {
  return {
    freeze: "restartable",
    call: (call: HostCall, x, y, z) => {
      requireHostStack();
      const thread = component.running!;
      const outcome = call.progress === undefined ? undefined : thread.takeOutcome();
      if (thread.dead) call.exit(0);
      return outcome ?? begin(x as number, y as number, z as number) ?? call.freeze(true);
    },
  };
}

/** Outcomes of `ep_wait_wakeup`. */
export const WAKEUP = { dispatched: 0, canceled: 1 } as const;

/** Waits until a wake-up has been dispatched; at once "canceled" if the thread is no entrypoint. */
function waitWakeup(component: Component): number | undefined {
  const thread = component.running!;
  if (!thread.entrypoint?.serving) return WAKEUP.canceled;
  thread.wantsWakeup = true;
  thread.outcome = undefined;
  if (!thread.entrypoint.wakeup) thread.block({ kind: "wakeup" });
  return undefined;
}
