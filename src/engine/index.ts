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
export { type DirectCall, Group, type GroupOptions, type PollPolicy } from "./group.ts";
export {
  ELEMENT_BYTES,
  type GrowthPolicy,
  type TablePolicy,
  type ThreadFault,
  tableBytes,
} from "./hooks.ts";
export type { Parked } from "./host-calls.ts";
export { Instance } from "./instance.ts";
export { Marks, notesOf, type WriteNotes } from "./marks.ts";
export * from "./mirror/index.ts";
export { ownedMemories } from "./owners.ts";
export type * from "./rewritten.ts";
export { beginSaved, endSaved, saveEntry } from "./saved-thread.ts";
export type { Compile } from "./side-modules.ts";
export { bytesToAsk, type FramesPolicy } from "./stacks.ts";
export { type Ending, type Entry, stackExhausted, Thread, type ThreadState } from "./thread.ts";
export type { AtomicWait } from "./wait.ts";
export * from "./windows/index.ts";
