// The embedding API, for Node and browsers alike.
export { MachineFault } from "./faults.ts";
export type { GuestInstance } from "./guest-instance.ts";
export type { GuestThread, ThreadOutcome } from "./guest-thread.ts";
export type { Link, Links } from "./links.ts";
export { FREEZE_DEADLINE_MS, Machine } from "./machine.ts";
export type { CheckpointOptions, LoadOptions, MachineOptions, RestoreOptions, Session } from "./machine-options.ts";
export type { StartTicker, Ticker } from "./ticker.ts";
