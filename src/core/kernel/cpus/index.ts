// CPUs beside the kernel's own.

export { CpuFault } from "./commands.ts";
export { Cpus } from "./cpus.ts";
export type { NestedCall } from "./nests.ts";
export type { CpuEnd, CpuSetup, StartCpu, StartedCpu } from "./protocol.ts";
export { RemoteEngine } from "./remote-engine.ts";
export { runCpu } from "./worker.ts";
