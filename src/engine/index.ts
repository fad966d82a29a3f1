// Runs rewritten programs: threads that freeze and thaw, and their host calls.
export {
  Arenas,
  beginOutside,
  captureGroup,
  captureOutside,
  endOutside,
  memoryBytesOutside,
  prepareWriting,
  restoreAlone,
  restoreGroup,
  restoreOutside,
  restoreUnfilled,
  SAVED_ELEMENTS,
  writeInstance,
  writeOutside,
} from "./capture.ts";
export { checkThread } from "./capture-check.ts";
export { Control } from "./control.ts";
export { EngineFault } from "./faults.ts";
export { type AtomicWait, type DirectCall, Group, type GroupOptions, type PollPolicy } from "./group.ts";
export {
  ELEMENT_BYTES,
  type FramesPolicy,
  type GrowthPolicy,
  type TablePolicy,
  type ThreadFault,
  tableBytes,
} from "./hooks.ts";
export type { Parked } from "./host-calls.ts";
export { Instance } from "./instance.ts";
export { ownedMemories } from "./owners.ts";
export type * from "./rewritten.ts";
export type { Compile } from "./side-modules.ts";
export { type Ending, type Entry, endSaved, saveEntry, stackExhausted, Thread, type ThreadState } from "./thread.ts";
export * from "./windows/index.ts";
