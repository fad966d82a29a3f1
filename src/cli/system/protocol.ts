// What the command and the worker that a system runs in say to each other.

import type { SystemCheckpoint } from "../../checkpoint/index.ts";
import type { HostDirectory } from "../../core/host-files/index-node.ts";
import type { ComponentInfo, DeviceSpec, Grid } from "../../core/index.ts";
import type { Scope } from "../../profile/index.ts";
import type { LogOptions, RepairReport } from "../../rtcr/index.ts";
import type { Quota } from "../../session/index.ts";
import type { SystemRestore } from "./supervisors.ts";

/** What a system has. */
export const SYSTEM_QUOTA: Quota = { ram: 1 << 30, caps: 100_000 };

/** Given to the worker at its start. */
export interface SystemSpec {
  readonly config: string;
  /** ROM modules by name. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  readonly quota: Quota;
  readonly cpus: number | Grid;
  /** What File_system sessions show; none: there is no such service. */
  readonly directories: readonly HostDirectory[];
  readonly devices: readonly DeviceSpec[];
  /** Time and random numbers are made up, slices are counted: the same run every time. */
  readonly deterministic: boolean;
  /** RTCR's own messages; absent: silence. */
  readonly log?: Pick<LogOptions, "level" | "coloured"> | undefined;
  /** Scopes are recorded: "scopes" comes before "ended". */
  readonly profile: boolean;
  /** What one of its supervisors takes up. */
  readonly restore?: SystemRestore | undefined;
}

export interface WantedCheckpoint {
  readonly name: string;
  /** None: all of the only supervisor that is not itself a child of another one. */
  readonly children: readonly string[];
  readonly parent: string | undefined;
  /** Nothing goes on afterwards, until "resume" or "stop". */
  readonly stop: boolean;
}

/** A checkpoint that is not stored yet. Its contents lie in memory that both sides see, until "release". */
export interface SentCheckpoint {
  /** As `sendable` gave it. */
  readonly system: SystemCheckpoint;
  /** The number of its storage. */
  readonly held: number;
}

export interface MadeCheckpoint extends SentCheckpoint {
  readonly pausedMs: number;
}

/** A failure on its way between threads. */
export interface SentFailure {
  readonly exitCode: number;
  readonly message: string;
  readonly hint?: string | undefined;
}

export type ToSystem =
  /** Init's configuration has changed. */
  | { readonly type: "config"; readonly text: string }
  /** Standard input, asked for by "wants-input"; undefined: there is no more. */
  | { readonly type: "input"; readonly bytes: Uint8Array | undefined }
  /** Asks for "components". */
  | { readonly type: "inspect" }
  /** Asks for "checkpoint". */
  | ({ readonly type: "checkpoint" } & WantedCheckpoint)
  /** The checkpoint is stored, or given up: its storage may be used again. */
  | { readonly type: "release"; readonly held: number }
  /** Another checkpoint for what stands by (`SystemRestore.follows`). */
  | { readonly type: "renew"; readonly system: SystemCheckpoint }
  /** What stands by goes on. */
  | { readonly type: "proceed" }
  /** Goes on after a checkpoint that was to stop. */
  | { readonly type: "resume" }
  /** Ends all components; "ended" follows. */
  | { readonly type: "stop" };

export type FromSystem =
  /** A line of core's LOG service, `[label] text`. */
  | { readonly type: "line"; readonly text: string }
  /** What a component has written to its terminal. */
  | { readonly type: "output"; readonly stream: 1 | 2; readonly bytes: Uint8Array }
  /** A component reads standard input. */
  | { readonly type: "wants-input" }
  /** What core has to say to people. */
  | { readonly type: "warning"; readonly text: string }
  /** A report that was sent to core. */
  | { readonly type: "report"; readonly label: string; readonly text: string }
  /** What was asked for by "inspect": one answer a question, in order. */
  | { readonly type: "components"; readonly components: readonly ComponentInfo[] }
  /** What was asked for by "checkpoint": one answer a question, in order. */
  | { readonly type: "checkpoint"; readonly made?: MadeCheckpoint; readonly refused?: SentFailure }
  /** A component has asked its supervisor for a checkpoint: to be stored. */
  | { readonly type: "made"; readonly checkpoint: SentCheckpoint }
  /** One of RTCR's own messages. */
  | { readonly type: "log"; readonly text: string }
  /** What it takes up stands by, and all is ready. */
  | { readonly type: "standing-by" }
  /** The restored children go on. */
  | { readonly type: "restored"; readonly repairs: readonly RepairReport[] }
  | { readonly type: "scopes"; readonly scopes: readonly Scope[]; readonly dropped: number }
  /** Init has exited, or the system was stopped. */
  | { readonly type: "ended"; readonly value: number }
  /** It could not be started, or a bug has ended it. */
  | ({ readonly type: "failed" } & SentFailure);
