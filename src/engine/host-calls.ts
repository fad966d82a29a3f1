// Host functions: wraps them for import, and takes part in freezes on their behalf.
//
// A restartable function that gives way leaves its module, name, arguments and progress; the thaw issues it again.
// An exit unwinds like a freeze, because that is the one way out of a guest that no handler of its own can stop.

import {
  CONTROL,
  type GuestRanges,
  type HostCall,
  type HostFunction,
  type HostValue,
  type PlainData,
  type SavedHostCall,
  type Signature,
  type WaitOutcome,
  WINDOW,
} from "../abi/index.ts";
import type { PlainWriter } from "../util/index.ts";
import { EngineFault } from "./faults.ts";
import type { Group } from "./group.ts";
import { saveValues } from "./values.ts";
import { GuestBytes, type Windows } from "./windows/index.ts";

interface Wrapped {
  readonly module: string;
  readonly name: string;
  readonly instance: number;
  readonly host: HostFunction;
}

/** A host call that gave way: its saved form but for the arguments, and these as they were. */
export interface FrozenCall {
  readonly saved: SavedHostCall;
  readonly args: readonly unknown[];
  readonly parked: Parked | undefined;
}

/** A host call gave way because it would have blocked: how long it wants to wait, undefined for ever. */
export interface Parked {
  readonly timeoutNs: bigint | undefined;
}

export class HostCalls {
  /** Host functions on the stack. A poll that finds any was reached through a callback: no freeze can pass them. */
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
  wrap(module: string, name: string, host: HostFunction, instance: number): (...args: never[]) => unknown {
    const wrapped: Wrapped = { module, name, instance, host };
    this.#wrapped.set(`${instance} ${module} ${name}`, wrapped);
    if (host.freeze === "instant") {
      const call = new Call(this.#group, this, wrapped, [], undefined);
      const enter = (...args: HostValue[]) => this.#enter(host, call, args);
      return host.fast ? quick(host.fast as Fast, enter, enter, this.#group.control.words) : enter;
    }
    const enter = (...args: HostValue[]) =>
      this.#enter(host, new Call(this.#group, this, wrapped, args, undefined), args);
    const slow = (...args: HostValue[]) => {
      if (this.#group.giveWay(0)) this.freeze(wrapped, args, undefined, undefined);
      return enter(...args);
    };
    return host.fast ? quick(host.fast as Fast, slow, enter, this.#group.control.words) : slow;
  }

  #enter(host: HostFunction, call: Call, args: readonly HostValue[]): unknown {
    this.depth++;
    let result: unknown;
    try {
      result = host.call(call, ...args);
    } catch (thrown) {
      if (this.#exit === undefined) throw thrown;
    } finally {
      this.depth--;
    }
    if (this.#exit !== undefined) throw this.#freeze; // a host function in between cannot hold it up
    return result;
  }

  /** The type of the host function of a saved call; undefined if its instance imports none of that name. */
  typeOf(saved: SavedHostCall): Signature | undefined {
    return this.#find(saved) && this.#group.instances[saved.instance ?? 0]!.importType(saved.module, saved.name);
  }

  #find({ instance = 0, module, name }: SavedHostCall): Wrapped | undefined {
    return this.#wrapped.get(`${instance} ${module} ${name}`);
  }

  /** Prepares a saved call to be issued again. */
  reissue(saved: SavedHostCall, args: readonly unknown[]): { readonly type: Signature; readonly call: () => unknown } {
    const found = this.#find(saved);
    if (!found)
      throw new EngineFault("mismatch", `saved state waits in ${saved.module}.${saved.name}, which is not imported`);
    const call = new Call(this.#group, this, found, args as HostValue[], saved.progress);
    return {
      type: this.#group.instances[found.instance]!.importType(saved.module, saved.name),
      call: () => this.#enter(found.host, call, args as HostValue[]),
    };
  }

  /** Ends the call for a freeze. */
  freeze(
    wrapped: Wrapped,
    args: readonly HostValue[],
    progress: PlainData | undefined,
    parked: Parked | undefined,
  ): never {
    const { module, name, instance } = wrapped;
    this.#frozen = {
      saved: {
        kind: "host",
        ...(instance === 0 ? {} : { instance }),
        module,
        name,
        args: [],
        ...(progress === undefined ? {} : { progress }),
      },
      args,
      parked,
    };
    throw this.#freeze;
  }

  /**
   * Begins the fields of a call that gave way: all but its progress. Arguments are saved here, because a freeze must not
   * fail on them.
   */
  beginSaved({ kind, instance, module, name }: SavedHostCall, args: readonly unknown[], to: PlainWriter): void {
    const { params } = this.#group.instances[instance ?? 0]!.importType(module, name);
    to.fields();
    to.put("kind", kind);
    if (instance !== undefined) to.put("instance", instance);
    to.put("module", module);
    to.put("name", name);
    to.field("args");
    saveValues(args, params, this.#group.references, to);
  }

  exit(code: number): never {
    if (!this.#group.running) {
      throw new EngineFault(
        "busy",
        `exit with code ${code}: expected a thread that ends, found a call by the embedder`,
      );
    }
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

type Fast = (x: HostValue, y: HostValue, z: HostValue) => HostValue;
type Slow = (...args: HostValue[]) => unknown;

/**
 * No allocation: a call that its `fast` form can do costs little more than the crossing.
 *
 * @param slow taken when a freeze is asked for @param enter goes on with a call that its `fast` form has begun
 */
function quick(
  fast: Fast,
  slow: Slow,
  enter: Slow,
  words: Int32Array,
): (x: HostValue, y: HostValue, z: HostValue) => unknown {
  return (x, y, z) => {
    if (words[CONTROL.flag >> 2] !== 0) return slow(x, y, z);
    const result = fast(x, y, z);
    return result === undefined ? enter(x, y, z) : result;
  };
}

class Call implements HostCall {
  readonly progress: PlainData | undefined;
  readonly #group: Group;
  readonly #calls: HostCalls;
  readonly #wrapped: Wrapped;
  readonly #args: readonly HostValue[];
  #seen: number;
  #parked: Parked | undefined;

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

  get guest(): GuestRanges | undefined {
    const instance = this.#group.instances[this.#wrapped.instance]!;
    const { windows, notes } = instance;
    if (!windows && !notes) return undefined;
    const bytes = new GuestBytes(instance.memories[0], windows, notes);
    return {
      pieces: (address, length, write) => bytes.pieces(address, length, write),
      reach: (address, length, write) => this.#reach(bytes, windows, address, length, write),
    };
  }

  #reach(bytes: GuestBytes, windows: Windows | undefined, address: number, length: number, write: boolean): boolean {
    // A policy that takes back what it has just given would be asked for ever.
    for (let tries = 2 + length / WINDOW.pageBytes; tries > 0; tries--) {
      const pieces = bytes.pieces(address, length, write);
      if (!("kind" in pieces)) return true;
      if (pieces.kind === "bounds" || !windows) return false;
      const fault = windows.fault(write ? WINDOW.write : WINDOW.read, pieces.address);
      if (!fault) continue;
      if (this.#wrapped.host.freeze !== "restartable" || this.#calls.depth > 1) return false;
      this.#group.noteFault({ ...fault, instance: this.#wrapped.instance });
      this.#calls.freeze(this.#wrapped, this.#args, this.progress, undefined);
    }
    return false;
  }

  wait(timeoutNs: bigint | undefined): WaitOutcome {
    this.#requireRestartable("wait");
    if (this.#group.giveWay(1)) return "freeze";
    if (timeoutNs !== undefined && timeoutNs <= 0n) return "timed-out";
    if (this.#events() !== this.#seen) {
      this.#seen = this.#events();
      return "woken";
    }
    if (this.#group.parks && this.#calls.depth === 1) {
      this.#parked = { timeoutNs };
      return "freeze";
    }
    const { words } = this.#group.control;
    const limitMs = timeoutNs === undefined ? Infinity : Number(timeoutNs) / 1e6;
    const outcome = Atomics.wait(words, CONTROL.event >> 2, this.#seen, limitMs);
    this.#seen = this.#events();
    if (this.#group.giveWay(1)) return "freeze";
    return outcome === "timed-out" ? "timed-out" : "woken";
  }

  freeze(progress?: PlainData): never {
    this.#requireRestartable("freeze");
    if (this.#calls.depth > 1) {
      const { module, name } = this.#wrapped;
      throw new EngineFault("busy", `${module}.${name} cannot freeze: another host function has called the guest back`);
    }
    return this.#calls.freeze(this.#wrapped, this.#args, progress, this.#parked);
  }

  #requireRestartable(what: string): void {
    const { module, name, host } = this.#wrapped;
    if (host.freeze === "restartable") return;
    throw new EngineFault(
      "busy",
      `${module}.${name} may not ${what}: it is declared "instant", expected "restartable"`,
    );
  }

  exit(code: number): never {
    return this.#calls.exit(code);
  }
}
