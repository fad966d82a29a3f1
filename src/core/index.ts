// Services behind the contracts of session/ that run anywhere; those that need Node are in index-node.ts.
export { ClockFault, createClock, type HostClocks, webClocks } from "./clock.ts";
export { createCountingClock } from "./clock-counting.ts";
export {
  createDevice,
  type Device,
  DeviceBus,
  DeviceFault,
  type DeviceHost,
  type DeviceSpec,
  InterruptLine,
  Serial16550,
  SerialFault,
  type SerialOptions,
  SharedMemoryDevice,
} from "./devices/index.ts";
export { createFileSystem, FilesFault, type Volume, volumeStates } from "./files/index.ts";
export {
  Component,
  type ComponentWasi,
  type HostAnswer,
  type HostRequests,
  KERNEL_LIMITS,
  Kernel,
  type KernelOptions,
  type KernelThread,
  noKernelTicker,
  type StartCpu,
  startKernelTicker,
} from "./kernel/index.ts";
export {
  CoreLog,
  createLogTerminal,
  type LineSink,
  type LogTerminal,
  logLength,
  logLines,
  logPieces,
} from "./log/index.ts";
export * from "./memory/index.ts";
export { type Disk, type MemoryOptions, MemoryVolume } from "./memory-files/index.ts";
export {
  createEnv,
  type EnvOptions,
  type NativeComponent,
  NativeFault,
  type NativeProgram,
  type NativePrograms,
  nativeBinary,
  nativeProgramName,
  type OwnedEnv,
  TaskQueue,
  writeLine,
} from "./native/index.ts";
export * from "./pd/index.ts";
export { createRandom, createSeededRandom, RandomFault } from "./random.ts";
export { CoreReport } from "./report/index.ts";
export { ByteRing } from "./ring.ts";
export { CoreRom, RomModule, RomModules, type RomSource, type SavedRom, Watched } from "./rom/index.ts";
export { type MakeDataspace, type OwnedDataspace, pdDataspace, pdDataspaces } from "./service/dataspaces.ts";
export type { ProvideFiles, ProvideTerminal } from "./service/small-roots.ts";
export {
  type ComponentInfo,
  Core,
  CoreFault,
  type CoreOptions,
  type DeviceParts,
  type First,
  type FirstOptions,
  type Grid,
  inspectComponents,
  type ThreadInfo,
} from "./system/index.ts";
export { type HeldOutput, type HeldOutputOptions, holdOutput } from "./terminal-held.ts";
export {
  createMemoryInput,
  createMemoryOutput,
  type MemoryInput,
  type MemoryInputOptions,
  type MemoryOutputOptions,
} from "./terminal-memory.ts";
export { createRingInput, type RingInputOptions } from "./terminal-ring.ts";
export { createSharedInput, type SharedInput } from "./terminal-shared.ts";
export { TerminalFault } from "./terminal-state.ts";
export { type AlarmClock, Alarms, CoreTimer, createRealClock, VirtualClock } from "./timer/index.ts";
export { readTraceBuffer, TraceControl, type TraceSource } from "./trace/index.ts";
