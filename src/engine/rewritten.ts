// What the engine needs of a rewritten program: given to it, so that it depends on no instrumenter.

import type { ProgramInfo, Signature, ValueTypeName } from "../abi/index.ts";

/** How one value lies in a frame record. */
export interface RecordValue {
  readonly type: ValueTypeName;
  readonly offset: number;
  readonly table: number;
}

export interface RecordSite {
  readonly number: number;
  readonly kind: "entry" | "loop" | "call" | "operation";
  readonly position: number;
  readonly values: readonly RecordValue[];
}

export interface RecordLayout {
  readonly number: number;
  readonly function: number;
  readonly bytes: number;
  readonly sites: readonly RecordSite[];
}

export interface ContinuationBytes {
  readonly bytes: Uint8Array;
  readonly continuations: readonly { readonly layout: number; readonly site: number; readonly name: string }[];
}

/** A rewritten program, and the means to read its frames and to continue them. */
export interface Rewritten {
  readonly module: WebAssembly.Module;
  readonly info: ProgramInfo;
  layout(number: number): RecordLayout;
  /** Undefined if no frame can stand at `position` (a byte offset in the original body) of the function. */
  at(functionIndex: number, position: number): { readonly layout: RecordLayout; readonly site: RecordSite } | undefined;
  /** Parameters and results of a function of the original. */
  signature(functionIndex: number): Signature;
  /** A side module that continues frames at the given sites. */
  continuations(requests: readonly { readonly function: number; readonly site: number }[]): ContinuationBytes;
  /** A module with a reference table that the program itself lacks, and what belongs to it; imports the hooks. */
  references(number: number): Uint8Array;
  /** Reads and writes the globals that JavaScript cannot hold exactly; undefined if there are none. */
  readonly globals?: GlobalAccess | undefined;
  /** A module that reads and makes exceptions whose payload JavaScript cannot hold; undefined if there are none. */
  readonly payloads?: Uint8Array | undefined;
}

/**
 * A module that copies globals to and from the control memory's scratch area: it exports `read<index>` and
 * `write<index>`, and imports from `main` what the instance exports.
 */
export interface GlobalAccess {
  readonly bytes: Uint8Array;
  /** Indices of the globals it copies. */
  readonly indices: readonly number[];
}
