// Services behind the contracts of session/ that run anywhere; those that need Node are in index-node.ts.
export { ClockFault, createClock, type HostClocks, webClocks } from "./clock.ts";
export { createCountingClock } from "./clock-counting.ts";
export { createFileSystem, FilesFault, type Volume, volumeStates } from "./files/index.ts";
export * from "./memory/index.ts";
export { type Disk, type MemoryOptions, MemoryVolume } from "./memory-files/index.ts";
export * from "./pd/index.ts";
export { createRandom, createSeededRandom, RandomFault } from "./random.ts";
export { ByteRing } from "./ring.ts";
export { type HeldOutput, type HeldOutputOptions, holdOutput } from "./terminal-held.ts";
export {
  createMemoryInput,
  createMemoryOutput,
  type MemoryInput,
  type MemoryInputOptions,
  type MemoryOutputOptions,
} from "./terminal-memory.ts";
export { createRingInput, type RingInputOptions } from "./terminal-ring.ts";
export { TerminalFault } from "./terminal-state.ts";
