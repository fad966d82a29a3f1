// Running WASI programs under Node: a supervisor and its CPU.
export { MachineFault } from "./faults.ts";
export type { EndingReport, ProgramSpec, Resumption, RunSpec } from "./protocol.ts";
export { openVolumes } from "./sessions-node.ts";
export { type Captured, CpuFault, type FillMemory, FREEZE_DEADLINE_MS } from "./supervisor.ts";
export { SpareCpu, Supervisor, type SupervisorOptions } from "./supervisor-node.ts";
export { type ProgramState, WasiProgram } from "./wasi-program.ts";
