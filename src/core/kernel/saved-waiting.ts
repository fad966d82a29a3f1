// What a thread waits for as plain data, with its place among those that wait for the same, and back.
import { objectOf, type SignalSource } from "../../session/index.ts";
import type { PlainWriter } from "../../util/index.ts";
import type { Kernel } from "./kernel.ts";
import { type Fields, number } from "./saved-fields.ts";
import type { KernelThread } from "./thread.ts";
import { SERVE, type Waiting } from "./thread-parts.ts";

/** Absent places: of states of older builds, which come last. */
export type SavedWaiting = Waiting & { readonly place: number };

/** @param waiting of the thread */
export function writeWaiting(thread: KernelThread, waiting: Waiting, to: PlainWriter): void {
  const place = thread.component.waits.placeOf(thread) ?? thread.component.home?.placeOf(thread);
  to.fields();
  to.fieldsOf(waiting as unknown as Fields);
  if (place !== undefined) to.put("place", place);
  to.end();
}

/** @throws TypeError for what is none */
export function readWaiting(fields: Fields): SavedWaiting {
  return { ...read(fields), place: fields["place"] === undefined ? Infinity : number(fields["place"]) };
}

function read(fields: Fields): Waiting {
  const { kind } = fields;
  const field = (name: string, otherwise?: number) => {
    const value = number(fields[name] ?? otherwise);
    if (!Number.isInteger(value)) throw new TypeError(name);
    return value;
  };
  switch (kind) {
    case "serve":
      return SERVE;
    case "call":
      return { kind, call: field("call") };
    case "futex":
      return { kind, address: field("address") };
    case "fault": {
      const { access } = fields;
      if (access === undefined) return { kind, address: field("address") };
      if (access !== "read" && access !== "write" && access !== "exec") throw new TypeError("access");
      return { kind, address: field("address"), access };
    }
    case "atomic":
      return { kind, memory: field("memory"), address: field("address"), width: field("width", 0) };
    case "signal":
      return { kind, slot: field("slot", 0) };
    case "wakeup":
    case "host":
      return { kind };
    default:
      throw new TypeError("waiting");
  }
}

/**
 * A thread whose state was loaded waits as the state says, as far as that still exists; if it does not, the thread does
 * again what it waits in.
 *
 * @param remainingMs negative: for ever
 * @param calls numbers that calls under way have now
 */
export function waitAgain(
  thread: KernelThread,
  kernel: Kernel,
  waiting: SavedWaiting,
  remainingMs: number,
  calls: ReadonlyMap<number, number>,
): void {
  const { place, ...plain } = waiting;
  const deadlineMs = remainingMs < 0 ? Infinity : kernel.now() + remainingMs;
  const { component, outcome } = thread;
  const { waits, home, table } = component;
  switch (waiting.kind) {
    case "call": {
      const number = calls.get(waiting.call) ?? waiting.call;
      const call = kernel.calls.get(number);
      if (call?.caller === thread && call.state !== "done") thread.block({ kind: "call", call: number });
      return;
    }
    case "signal": {
      const source = objectOf<SignalSource>(table.lookup(waiting.slot), "signal-source");
      if (source?.empty) kernel.signals.wait(thread, source, waiting.slot);
      return;
    }
    case "atomic":
      return waits.atomicAgain(thread, waiting, deadlineMs, place);
    case "futex":
      waits.enlist(thread, waiting.address, place);
      break;
    case "fault":
      if (waiting.access === undefined || !home?.faultAgain(thread, waiting.address, waiting.access, place)) return;
  }
  thread.block(waiting.kind === "serve" ? SERVE : (plain as Waiting), deadlineMs);
  thread.outcome = outcome;
  if (thread.entrypoint?.hasWork) thread.notify();
}
