// CPU sessions, their threads' quota, and Native_cpu.
export { CoreNativeCpu } from "./native-cpu.ts";
export { CoreCpuSession, type CpuOptions, THREAD_COST, type ThreadAccount } from "./session.ts";
