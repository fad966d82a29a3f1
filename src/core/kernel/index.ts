// The kernel: components, threads, calls between them, and who runs when.

export type { PendingCall } from "./calls.ts";
export { CapabilityTable } from "./capability-table.ts";
export { Component } from "./component.ts";
export type { ComponentWasi, NativeRun } from "./component-parts.ts";
export type { StartCpu } from "./cpus/index.ts";
export type { Executor } from "./executor.ts";
export type { HostAnswer, HostRequests } from "./host-requests.ts";
export { Kernel, type KernelOptions } from "./kernel.ts";
export { KERNEL_LIMITS } from "./limits.ts";
export { KernelNativePd } from "./native-pd.ts";
export { componentFor, type PdComponentOptions } from "./pd-component.ts";
export { type LoadRefusal, onCpuOfAll, onOneCpu, SPAWN, threadsOnOneCpu } from "./program.ts";
export type { ScopeColor, ScopedThread, ScopeSink } from "./scopes.ts";
export { KernelThread } from "./thread.ts";
export type { ThreadOwner, ThreadSetup } from "./thread-parts.ts";
export { type KernelTicker, noKernelTicker, type StartKernelTicker, startKernelTicker } from "./ticker.ts";
