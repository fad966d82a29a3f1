// One run of a thread on another CPU: what the kernel knows of it, and how it has ended.

import type { PlainData } from "../../../abi/index.ts";
import { EngineFault, type Parked, type Thread, type ThreadFault } from "../../../engine/index.ts";
import type { Component } from "../component.ts";
import type { KernelThread } from "../thread.ts";
import { ANSWER, type CpuBlock, ENDED, type EndingReport, FAULTS, FROZEN } from "./protocol.ts";
import type { CallOutcome } from "./remote-call.ts";
import type { RemoteEngine } from "./remote-engine.ts";

/** What the CPU's thread does: an activation goes on, or a dispatch for a role. */
export interface Run {
  readonly thread: KernelThread;
  readonly component: Component;
  readonly engine: RemoteEngine;
  /** Undefined: a dispatch that has not frozen. */
  activation: Thread | undefined;
  /** Of the activation; of a nested dispatch known when it becomes one. */
  role: number;
  /** Of the host call that gave way last. */
  progress: PlainData | undefined;
  parked: Parked | undefined;
  fault: ThreadFault | undefined;
  /** `component.wakes` when that call was made. */
  wakes: number;
  /** What a host function has thrown. */
  error: unknown;
  /** It gives way at memory.grow, which is to be done again. */
  growAgain: boolean;
}

export function beginRun(thread: KernelThread, activation: Thread | undefined, role: number): Run {
  const { component } = thread;
  const engine = thread.engine as RemoteEngine;
  return {
    thread,
    component,
    engine,
    activation,
    role,
    progress: activation?.hostCall?.progress,
    parked: undefined,
    fault: undefined,
    wakes: 0,
    error: undefined,
    growAgain: false,
  };
}

/** What a host call has come to, for the CPU: an ANSWER, and what belongs to it in the block. @param type of a result */
export function writeOutcome(run: Run, outcome: CallOutcome, type: string | undefined, block: CpuBlock): number {
  run.progress = undefined;
  run.fault = undefined;
  switch (outcome.kind) {
    case "result":
      if (type !== undefined) block.setValue(0, type, outcome.value);
      return ANSWER.result;
    case "freeze":
      run.progress = outcome.progress;
      run.parked = outcome.parked;
      run.fault = outcome.fault;
      block.setParam(0, outcome.progress === undefined ? 0 : 1);
      return ANSWER.freeze;
    case "exit":
      block.setParam(0, outcome.code);
      return ANSWER.exit;
    default:
      run.error = outcome.error;
      return ANSWER.threw;
  }
}

/** A dispatch has returned; an activation has frozen or ended; it stands where it stood, this stack is too small for it. */
export type RunEnd =
  | { readonly kind: "returned"; readonly result: number }
  | { readonly kind: "ended"; readonly image: Thread }
  | { readonly kind: "deep"; readonly message: string };

/** What a dispatch has returned that has just ended; undefined: it has not returned. */
export function returnedBy(block: CpuBlock): number | undefined {
  return block.param(0) === ENDED.returned ? block.param(1) : undefined;
}

/** @param report what the CPU says about an ending by an error */
export function endOf(run: Run, block: CpuBlock, report: () => EndingReport): RunEnd {
  const ending = block.param(0);
  if (ending === ENDED.returned && !run.activation) return { kind: "returned", result: block.param(1) };
  if (ending === ENDED.frozen) {
    const image = imageOf(run, block.param(2));
    noteFrozen(run, image, block);
    return { kind: "ended", image };
  }
  const image = imageOf(run, NO_THREAD);
  if (ending === ENDED.returned) image.ending = { kind: "returned", results: [block.param(1)] };
  else if (ending === ENDED.exited) image.ending = { kind: "exited", code: block.param(1) };
  else {
    const { kind, message, stack, bug } = report();
    if (kind === "deep") {
      image.state = "frozen";
      return { kind, message };
    }
    const error = bug ? (run.error ?? new Error(message)) : new EngineFault("busy", message);
    if (error instanceof Error && !bug) error.stack = stack;
    image.ending = { kind, error: error as Error };
  }
  run.engine.ended(image);
  return { kind: "ended", image };
}

/** For a dispatch that has ended without having been a thread. */
const NO_THREAD = -1;

/** The image of the thread that runs; a dispatch becomes one. */
function imageOf(run: Run, id: number): Thread {
  const { thread, engine, role } = run;
  if (!run.activation) {
    run.activation = engine.became(id, thread.entrypoint!.serving!.call.entry);
    thread.activations.push({ engine: run.activation, role });
  }
  return run.activation;
}

function noteFrozen(run: Run, image: Thread, block: CpuBlock): void {
  const bits = block.param(1);
  const call = (bits & FROZEN.call) !== 0;
  image.state = "frozen";
  if (call) image.fault = run.fault;
  else image.fault = (bits & FROZEN.fault) !== 0 && !run.growAgain ? faultIn(block) : undefined;
  const progress = run.progress === undefined ? {} : { progress: run.progress };
  // Which call it is, and with which arguments, the CPU knows.
  image.hostCall = call ? { kind: "host", module: "", name: "", args: [], ...progress } : undefined;
  // Somebody has woken the component since the call looked: it looks again.
  image.parked = call && run.component.wakes === run.wakes ? run.parked : undefined;
}

function faultIn(block: CpuBlock): ThreadFault {
  const type = FAULTS[block.param(3)]!;
  const instance = block.param(4);
  if (type === "grow") return { type, instance, memory: block.param(5), delta: block.param(6) };
  return { type, instance, address: block.param(5) >>> 0 };
}
