// What the embedding API is given: plain options, each optional.

import type { HostImports, PlainData } from "../abi/index.ts";
import type { Sha256 } from "../checkpoint/index.ts";
import type { Compile } from "../engine/index.ts";
import type { Links } from "./links.ts";
import type { StartTicker } from "./ticker.ts";

/** State of the embedder's own that belongs to a checkpoint: what host functions keep for the guest. */
export interface Session {
  /** The state now; called while the machine stands still. */
  readonly capture: () => PlainData;
  /** Takes up a state; called before any thread goes on. */
  readonly restore: (state: PlainData) => void;
}

export interface MachineOptions {
  /** How long guests run before the event loop has its turn, in milliseconds (default 10); Infinity: until they block. */
  readonly sliceMs?: number;
  /** By name; their states are part of every checkpoint. */
  readonly sessions?: Readonly<Record<string, Session>>;
  /** Replaces the worker that ends slices. */
  readonly ticker?: StartTicker;
  /** A faster SHA-256 than the portable one, for large modules. */
  readonly sha256?: Sha256;
  /** How continuations are compiled: see docs/RATIONALE.md on tiers. */
  readonly compile?: Compile;
}

export interface LoadOptions {
  /** Unique in its machine; default `instance-0` and so on. */
  readonly name?: string;
  readonly imports?: HostImports;
  /** By import module: an instance whose exports are imported, or values (memories, tables, globals, tags). */
  readonly links?: Links;
}

export interface CheckpointOptions {
  /** Name to publish it under; default "machine". */
  readonly name?: string;
  /** Id of the checkpoint it derives from. */
  readonly parent?: string;
  /** Whether it carries the modules (default: true); without them a restore is given them. */
  readonly carryModules?: boolean;
  /** As for `freeze`. */
  readonly deadlineMs?: number;
}

export interface RestoreOptions extends MachineOptions {
  /** Modules that the checkpoint does not carry; found by their hashes. */
  readonly modules?: readonly Uint8Array[];
  /** Host functions of all instances. */
  readonly imports?: HostImports;
  /** Linked values of all instances; links between instances are restored by themselves. */
  readonly links?: Links;
  /** Instances, by name, that need others than the above. */
  readonly instances?: Readonly<Record<string, Pick<LoadOptions, "imports" | "links">>>;
}
