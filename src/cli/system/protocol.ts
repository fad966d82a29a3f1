// What the command and the worker that a system runs in say to each other.

import type { HostDirectory } from "../../core/host-files/index-node.ts";
import type { ComponentInfo, DeviceSpec } from "../../core/index.ts";
import type { Quota } from "../../session/index.ts";

/** What a system has. */
export const SYSTEM_QUOTA: Quota = { ram: 1 << 30, caps: 100_000 };

/** Given to the worker at its start. */
export interface SystemSpec {
  readonly config: string;
  /** ROM modules by name. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  readonly quota: Quota;
  readonly cpus: number;
  /** What File_system sessions show; none: there is no such service. */
  readonly directories: readonly HostDirectory[];
  readonly devices: readonly DeviceSpec[];
  /** Time and random numbers are made up, slices are counted: the same run every time. */
  readonly deterministic: boolean;
}

export type ToSystem =
  /** Init's configuration has changed. */
  | { readonly type: "config"; readonly text: string }
  /** Standard input, asked for by "wants-input"; undefined: there is no more. */
  | { readonly type: "input"; readonly bytes: Uint8Array | undefined }
  /** Asks for "components". */
  | { readonly type: "inspect" }
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
  /** Init has exited, or the system was stopped. */
  | { readonly type: "ended"; readonly value: number }
  /** It could not be started, or a bug has ended it. */
  | {
      readonly type: "failed";
      readonly exitCode: number;
      readonly message: string;
      readonly hint?: string | undefined;
    };
