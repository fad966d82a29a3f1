// Running WASI programs in a browser: a supervisor in the page and its CPU in a worker.
export { MachineFault } from "./faults.ts";
export type { EndingReport, ProgramSpec, Resumption } from "./protocol.ts";
export type { MakeDisk } from "./sessions-web.ts";
export { CpuFault, FREEZE_DEADLINE_MS } from "./supervisor.ts";
export { WebSupervisor, type WebSupervisorOptions } from "./supervisor-web.ts";
export type { ProgramState } from "./wasi-program.ts";
export { serveWebCpu, type WebCpuOptions } from "./web-cpu.ts";
