// What the command and the worker that a system runs in say to each other.
import type { Quota } from "../../session/index.ts";

/** Given to the worker at its start. */
export interface SystemSpec {
  readonly config: string;
  /** ROM modules by name. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  readonly quota: Quota;
  readonly cpus: number;
}

export type ToSystem =
  /** Init's configuration has changed. */
  | { readonly type: "config"; readonly text: string }
  /** Ends all components; "ended" follows. */
  | { readonly type: "stop" };

export type FromSystem =
  /** A line of core's LOG service, `[label] text`. */
  | { readonly type: "line"; readonly text: string }
  /** What core has to say to people. */
  | { readonly type: "warning"; readonly text: string }
  /** A report that was sent to core. */
  | { readonly type: "report"; readonly label: string; readonly text: string }
  /** Init has exited, or the system was stopped. */
  | { readonly type: "ended"; readonly value: number }
  /** It could not be started, or a bug has ended it. */
  | {
      readonly type: "failed";
      readonly exitCode: number;
      readonly message: string;
      readonly hint?: string | undefined;
    };
