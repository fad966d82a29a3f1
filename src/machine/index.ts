// The embedding API, for Node and browsers alike.
export { MachineFault } from "./faults.ts";
export type { GuestInstance } from "./guest-instance.ts";
export type { GuestThread, ThreadOutcome } from "./guest-thread.ts";
export type { Link, Links } from "./links.ts";
export {
  type CheckpointOptions,
  FREEZE_DEADLINE_MS,
  type LoadOptions,
  Machine,
  type MachineOptions,
  type RestoreOptions,
  type Session,
} from "./machine.ts";
export type { StartTicker, Ticker } from "./ticker.ts";
