// What a component in AssemblyScript imports. It exports `rtcr_component_start` and the stack pointer:
//
//   import { print, start } from ".../guest/assemblyscript/index";
//   export { __stack_pointer } from ".../guest/assemblyscript/index";
//   function construct(): void { print().text("hello").end(); }
//   export function rtcr_component_start(): void { start(construct, 64 << 10); }
export { cpu, cpuThread, dataspace, ioMem, ioPort, irq, nameOfStatus, nativeCpu, parent, pd, regionMap, report, rm, rom, Status, timer, trace, kernelCapBadge, kernelCapRelease, kernelCapRetain, kernelFutexWait, kernelFutexWake, kernelSelf, kernelYield } from "../../build/guest-abi/assemblyscript/abi";
export { Entrypoint, Request, RpcObject } from "./entrypoint";
export { Heap } from "./heap";
export { Event, Mutex, Semaphore } from "./lock";
export { error, Line, log, print, warning } from "./log";
export { allocRam, attach, attachIn, capQuota, cpuSlot, detach, freeRam, lastStatus, mapDataspace, parentSlot, pdSlot, ramQuota, resourceAvailSigh, resourceRequest, spaceSlot, transferCaps, transferRam, usedCaps, usedRam } from "./memory";
export { begin, getSlot, getText, getU32, getU64, invoke, putBytes, putSlot, putText, putU32, putU64, release } from "./message";
export { Response, Root } from "./root";
export { beginScope, Color, endScope, rtcr_profiling } from "./scope";
export { AttachedRom, badgeOf, exit, LogSession, Report, Rm, Session, Timer } from "./session";
export { SlicedHeap } from "./sliced-heap";
export { SignalContext, SignalReceiver, submit } from "./signal";
export { __stack_pointer, ep, start } from "./startup";
export { Thread } from "./thread";
export { stackAlloc, stackFree, stackPointer } from "./thread-block";
export { XmlNode } from "./xml";
