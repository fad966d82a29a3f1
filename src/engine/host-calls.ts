// Host functions: wraps them for import, and takes part in freezes on their behalf.
//
// A restartable function that gives way leaves its module, name, arguments and progress; the thaw issues it again.
// An exit unwinds like a freeze, because that is the one way out of a guest that no handler of its own can stop.

import {
  CONTROL,
  type HostCall,
  type HostFunction,
  type HostValue,
  type PlainData,
  type SavedHostCall,
  type Signature,
  type WaitOutcome,
} from "../abi/index.ts";
import { EngineFault } from "./faults.ts";
import type { Group } from "./group.ts";
import { toSaved } from "./values.ts";

interface Wrapped {
  readonly module: string;
  readonly name: string;
  readonly instance: number;
  readonly host: HostFunction;
}

/** A host call that gave way: its saved form and its arguments as they were. */
export interface FrozenCall {
  readonly saved: SavedHostCall;
  readonly args: readonly unknown[];
}

export class HostCalls {
  /** Host functions on the stack that have called back into the guest. */
  depth = 0;
  readonly #group: Group;
  readonly #freeze: WebAssembly.Exception;
  readonly #wrapped = new Map<string, Wrapped>();
  #frozen: FrozenCall | undefined;
  #exit: number | undefined;

  constructor(group: Group, freeze: WebAssembly.Exception) {
    this.#group = group;
    this.#freeze = freeze;
  }

  /** The JavaScript function to import for a host function. */
  wrap(module: string, name: string, host: HostFunction, instance: number): (...args: HostValue[]) => unknown {
    const wrapped: Wrapped = { module, name, instance, host };
    this.#wrapped.set(`${instance} ${module} ${name}`, wrapped);
    if (host.freeze === "instant") {
      const call = new Call(this.#group, this, wrapped, [], undefined);
      return (...args) => host.call(call, ...args);
    }
    return (...args) => {
      if (this.#group.giveWay()) this.freeze(wrapped, args, undefined);
      return host.call(new Call(this.#group, this, wrapped, args, undefined), ...args);
    };
  }

  /** The type of an imported host function; undefined if there is none of that name. */
  typeOf(module: string, name: string): Signature | undefined {
    const found = [...this.#wrapped.values()].find((entry) => entry.module === module && entry.name === name);
    return found && this.#group.instances[found.instance]!.importType(module, name);
  }

  /** Prepares a saved call to be issued again. */
  reissue(saved: SavedHostCall, args: readonly unknown[]): { readonly type: Signature; readonly call: () => unknown } {
    const found = [...this.#wrapped.values()].find(
      (entry) => entry.module === saved.module && entry.name === saved.name,
    );
    if (!found)
      throw new EngineFault("mismatch", `saved state waits in ${saved.module}.${saved.name}, which is not imported`);
    const call = new Call(this.#group, this, found, args as HostValue[], saved.progress);
    return {
      type: this.#group.instances[found.instance]!.importType(saved.module, saved.name),
      call: () => found.host.call(call, ...(args as HostValue[])),
    };
  }

  /** Ends the call for a freeze. */
  freeze(wrapped: Wrapped, args: readonly HostValue[], progress: PlainData | undefined): never {
    const { module, name, instance } = wrapped;
    const { params } = this.#group.instances[instance]!.importType(module, name);
    const saved = params.map((type, index) => toSaved(args[index], type, this.#group.references));
    this.#frozen = {
      saved: { kind: "host", module, name, args: saved, ...(progress === undefined ? {} : { progress }) },
      args,
    };
    throw this.#freeze;
  }

  exit(code: number): never {
    this.#exit = code;
    throw this.#freeze;
  }

  takeFrozen(): FrozenCall | undefined {
    const frozen = this.#frozen;
    this.#frozen = undefined;
    return frozen;
  }

  takeExit(): number | undefined {
    const exit = this.#exit;
    this.#exit = undefined;
    return exit;
  }
}

class Call implements HostCall {
  readonly progress: PlainData | undefined;
  readonly #group: Group;
  readonly #calls: HostCalls;
  readonly #wrapped: Wrapped;
  readonly #args: readonly HostValue[];
  #seen: number;

  constructor(
    group: Group,
    calls: HostCalls,
    wrapped: Wrapped,
    args: readonly HostValue[],
    progress: PlainData | undefined,
  ) {
    this.#group = group;
    this.#calls = calls;
    this.#wrapped = wrapped;
    this.#args = args;
    this.progress = progress;
    this.#seen = this.#events();
  }

  /** The event word: read before the function looks whether it can go on, so that no wake is missed. */
  #events(): number {
    return Atomics.load(this.#group.control.words, CONTROL.event >> 2);
  }

  get memory(): Uint8Array {
    const instance = this.#group.instances[this.#wrapped.instance]!;
    return instance.bytes();
  }

  wait(timeoutNs: bigint | undefined): WaitOutcome {
    if (this.#group.giveWay()) return "freeze";
    const { words } = this.#group.control;
    const limitMs = timeoutNs === undefined ? Infinity : Number(timeoutNs) / 1e6;
    const outcome = Atomics.wait(words, CONTROL.event >> 2, this.#seen, limitMs);
    this.#seen = this.#events();
    if (this.#group.giveWay()) return "freeze";
    return outcome === "timed-out" ? "timed-out" : "woken";
  }

  freeze(progress?: PlainData): never {
    return this.#calls.freeze(this.#wrapped, this.#args, progress);
  }

  exit(code: number): never {
    return this.#calls.exit(code);
  }
}
