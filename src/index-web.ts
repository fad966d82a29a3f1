// rtcr in browsers: the embedding API, and WASI programs in workers. Carry checkpoints by image files.
export * from "./index.ts";
export {
  CpuFault,
  type EndingReport,
  type MakeDisk,
  type ProgramSpec,
  type ProgramState,
  type Resumption,
  serveWebCpu,
  type WebCpuOptions,
  WebSupervisor,
  type WebSupervisorOptions,
} from "./machine/index-web.ts";
