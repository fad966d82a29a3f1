// What a thread does, for people: monitors and `rtcr inspect`.
import type { NativeThreadState } from "../../session/index.ts";
import { functionName } from "../rpc/index.ts";
import type { Calls } from "./calls.ts";
import type { KernelThread } from "./thread.ts";

/** Of a thread that nobody has leased (`Stops.reclaim`). */
export function activityOf(thread: KernelThread): NativeThreadState["activity"] {
  if (thread.dead) return "dead";
  if (!thread.started) return "new";
  if (thread.exception) return "faulted";
  // one of another CPU may not have come to a safe point yet
  if (thread.paused) return thread.onStack && thread.cpu !== 0 ? "running" : "paused";
  if (thread.callee || thread.waiting) return "blocked";
  return thread.onStack ? "running" : "ready";
}

/** A few words; empty: for nothing. */
export function waitsFor({ waiting, callee }: KernelThread, calls: Calls): string {
  if (callee) return `call to ${callee.component.label} ${callee.name}`;
  switch (waiting?.kind) {
    case "call": {
      const call = calls.get(waiting.call);
      return call ? `call ${functionName(call.target.object?.kind ?? "dead object", call.opcode)}` : "call";
    }
    case "futex":
    case "atomic":
      return `wait at 0x${waiting.address.toString(16)}`;
    case "fault":
      return `page fault at 0x${waiting.address.toString(16)}`;
    default:
      return waiting?.kind ?? "";
  }
}
