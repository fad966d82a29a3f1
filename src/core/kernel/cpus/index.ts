// CPUs beside the kernel's own.
export { Cpus } from "./cpus.ts";
export type { NestedCall } from "./nests.ts";
export type { CpuEnd, CpuSetup, StartCpu, StartedCpu } from "./protocol.ts";
export { CpuFault } from "./remote-cpu.ts";
export { RemoteEngine } from "./remote-engine.ts";
export { runCpu } from "./worker.ts";
