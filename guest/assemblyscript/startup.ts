// The bootstrap (spec 4.1, steps 7 to 17), as guest/cpp/src/startup.cpp does it. The program
// calls `start` from its export `rtcr_component_start` (index.ts shows how).
import { kernelServe, parent, Status } from "../../build/guest-abi/assemblyscript/abi";
import { Entrypoint, Request, RpcObject } from "./entrypoint";
import { Event } from "./lock";
import { error, setLog } from "./log";
import { allocRam, attachIn, initMemory, parentSlot, sessionCap, setResourceWait, stackAreaSlot } from "./memory";
import { begin, invoke } from "./message";
import { openHeap } from "./runtime";
import { eventContext, SignalContext, SignalThread } from "./signal";
import { BLOCK_BYTES, SLOT_BYTES, setStackPointer, slotTop } from "./thread-block";
import { sessionEvent } from "./upgrade";

export { stackPointer as __stack_pointer } from "./thread-block";

@lazy const INITIAL_STACK: usize = 16 << 10;
@lazy const resourceEvent = new Event();
@lazy let entrypoint: Entrypoint | null = null;
let construct: (() => void) | null = null;

/** The component's first entrypoint. */
export function ep(): Entrypoint {
  return entrypoint!;
}

class Heartbeat extends SignalContext {
  handle(count: u32): void {
    parent.heartbeatResponse(parentSlot);
  }
}

/** What the initial thread calls on `ep`. */
class Constructor extends RpcObject {
  dispatch(opcode: u32, request: Request): u32 {
    parent.sessionSigh(parentSlot, eventContext(sessionEvent));
    parent.resourceAvailSigh(parentSlot, eventContext(resourceEvent));
    setResourceWait(
      () => resourceEvent.count,
      (seen: u32) => resourceEvent.wait(seen),
    );
    // the last call of the parent before the program
    parent.heartbeatSigh(parentSlot, ep().manage(new Heartbeat()));
    construct!();
    return request.ok().done;
  }
}

function rest(argument: u32, kind: u32, object: u32, value: u32): u32 {
  return Status.InvalidOpcode;
}

@lazy const restMessage: usize = memory.data(1064, 4);

/** The whole life of the initial thread; called by the program's `rtcr_component_start`. */
export function start(program: () => void, stackBytes: usize): void {
  construct = program;
  initMemory();
  setLog(sessionCap(3));
  const stack = allocRam(INITIAL_STACK);
  if (!stack || !attachIn(stackAreaSlot, stack, 0, 0, true, SLOT_BYTES - INITIAL_STACK)) {
    error("start: no stack for the initial thread");
    parent.exit(parentSlot, -1);
    return;
  }
  setStackPointer(slotTop(0) - BLOCK_BYTES);
  openHeap();
  entrypoint = new Entrypoint("ep", stackBytes);
  const signals = new SignalThread();
  signals.start();
  if (!signals.waitUntilReady()) error("start: no signal source");
  const constructor = ep().manageObject(new Constructor());
  begin();
  invoke(constructor, 0, 0, 0);
  const dispatch: (a: u32, k: u32, o: u32, v: u32) => u32 = rest;
  kernelServe(dispatch.index, 0, restMessage);
}
