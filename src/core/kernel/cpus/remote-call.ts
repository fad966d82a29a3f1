// A host call of a thread that runs on another CPU, made by the kernel on its behalf.
import type { GuestRanges, HostCall, HostFunction, HostValue, PlainData, WaitOutcome } from "../../../abi/index.ts";
import type { GrowthPolicy, Parked, ThreadFault } from "../../../engine/index.ts";
import type { Component } from "../component.ts";
import type { KernelThread } from "../thread.ts";
import { type CpuBlock, GROWTH, REQUEST } from "./protocol.ts";

/** How a host call has come out. */
export type CallOutcome =
  | { readonly kind: "result"; readonly value: HostValue }
  | {
      readonly kind: "freeze";
      readonly progress: PlainData | undefined;
      readonly parked: Parked | undefined;
      /** Bytes that the call needs and that are not there. */
      readonly fault?: ThreadFault | undefined;
    }
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "threw"; readonly error: unknown };

/** A call that is over at once, of a function that has a way for such calls; undefined: it must be made by `makeCall`. */
export function quickCall({ fast }: HostFunction, args: readonly HostValue[]): CallOutcome | undefined {
  try {
    const value = (fast as ((...args: readonly HostValue[]) => HostValue) | undefined)?.(...args);
    return value === undefined ? undefined : { kind: "result", value };
  } catch (error) {
    return { kind: "threw", error };
  }
}

/** Of a function that has no quicker way, or could not take it. @param progress of a call that is issued again */
export function makeCall(
  component: Component,
  host: HostFunction,
  args: readonly HostValue[],
  progress: PlainData | undefined,
): CallOutcome {
  const call = new RemoteCall(component, progress);
  try {
    return { kind: "result", value: host.call(call, ...args) as HostValue };
  } catch (thrown) {
    return call.outcome ?? { kind: "threw", error: thrown };
  }
}

/** What a component asks itself for, and for its PD: its CPU's block has the question, and gets the answer. */
export function askComponent({ component, partNumber }: KernelThread, block: CpuBlock, request: number): void {
  if (request === REQUEST.wait) return atomicWait(component, block);
  const [number] = block.numbers;
  if (request === REQUEST.frames)
    block.setParam(0, component.growth.frames(block.param(0), number!, partNumber) ? 1 : 0);
  else if (request === REQUEST.growTable) block.setParam(0, component.growth.tables(number!, partNumber) ? 1 : 0);
  else {
    const decision = growMemory(component, block.param(0), number!);
    block.setParam(0, GROWTH.indexOf(typeof decision === "number" ? "grown" : decision));
    if (typeof decision === "number") block.numbers[0] = decision;
  }
}

/** memory.grow of a component. */
function growMemory(component: Component, memory: number, pages: number): ReturnType<GrowthPolicy> {
  const decision = component.growth.memory(undefined as never, memory, pages);
  if (decision !== "grow" || memory !== 0) return decision;
  // The kernel has views of memory 0: it must know when it has grown.
  try {
    return component.engine.memories(0)![0]!.grow(pages);
  } catch {
    return "refuse";
  } finally {
    component.memoryChanges();
  }
}

function atomicWait({ waits }: Component, block: CpuBlock): void {
  const [address, expected, timeout] = block.wides;
  const [outcome, left] = waits.atomicWait(
    undefined as never,
    ...([block.param(0), address!, expected!, timeout!, block.param(1)] as const),
  );
  block.setParam(0, outcome);
  block.wides[0] = left;
}

/** How a call of a component has come out. @param status undefined: the caller gives way, as its `progress` says */
export function outcomeOf(caller: KernelThread, status: number | undefined): CallOutcome {
  const { dead, progress } = caller;
  if (dead) return { kind: "exit", code: 0 };
  if (status !== undefined) return { kind: "result", value: status };
  caller.progress = undefined;
  return { kind: "freeze", progress, parked: undefined };
}

/** What ends a call that does not return. */
const UNWIND = new Error("the call ends here");

class RemoteCall implements HostCall {
  readonly progress: PlainData | undefined;
  outcome: CallOutcome | undefined;
  readonly #component: Component;
  readonly #wakes: number;
  #parked: Parked | undefined;
  #fault: ThreadFault | undefined;

  constructor(component: Component, progress: PlainData | undefined) {
    this.#component = component;
    this.progress = progress;
    this.#wakes = component.wakes;
  }

  get memory(): Uint8Array {
    return new Uint8Array(this.#component.view.buffer);
  }

  get guest(): GuestRanges | undefined {
    const { windows, marks, mirror, bytes } = this.#component;
    if (!windows && !marks && !mirror) return undefined;
    return {
      pieces: (address, length, write) => bytes.pieces(address, length, write),
      reach: (address, length, write) => {
        const pieces = bytes.pieces(address, length, write);
        if (!("kind" in pieces)) return true;
        if (pieces.kind === "bounds") return false;
        this.#fault = { type: pieces.type, address: pieces.address, instance: 0 };
        return this.freeze(this.progress);
      },
    };
  }

  wait(timeoutNs: bigint | undefined): WaitOutcome {
    if (timeoutNs !== undefined && timeoutNs <= 0n) return "timed-out";
    if (this.#component.wakes !== this.#wakes) return "woken";
    this.#parked = { timeoutNs };
    return "freeze";
  }

  freeze(progress?: PlainData): never {
    this.outcome = { kind: "freeze", progress, parked: this.#parked, fault: this.#fault };
    throw UNWIND;
  }

  exit(code: number): never {
    this.outcome = { kind: "exit", code };
    throw UNWIND;
  }
}
