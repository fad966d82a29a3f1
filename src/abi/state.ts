// The state of stopped programs as plain data, in terms of the original modules only: what freezing produces, what
// thawing consumes and what an image stores. Nothing here depends on options, engine or host.
//
// Numbers keep their bits: floats are carried as bit patterns, so that NaN payloads survive.

/** One value of a frozen frame, a global or a table. `instance` counts the instances of a group from 0. */
export type SavedValue =
  | { readonly type: "i32"; readonly value: number }
  | { readonly type: "i64"; readonly value: bigint }
  | { readonly type: "f32"; readonly bits: number }
  | { readonly type: "f64"; readonly bits: bigint }
  /** 16 bytes as 32 lower-case hexadecimal digits, in memory order. */
  | { readonly type: "v128"; readonly hex: string }
  | { readonly type: "null" }
  | { readonly type: "func"; readonly instance: number; readonly index: number }
  /** An exception reference: its tag (index in the instance's tag space) and payload. */
  | { readonly type: "exn"; readonly instance: number; readonly tag: number; readonly payload: readonly SavedValue[] };

/** One activation of a Wasm function. */
export interface SavedFrame {
  readonly kind: "wasm";
  readonly instance: number;
  /** Function index in the original module. */
  readonly function: number;
  /**
   * Where it stands: the byte offset of the instruction in the original function body (local declarations included);
   * 0 is the function's entry. At a call the callee is running; at a loop the turn is about to begin; at an operation
   * that is cut into pieces (bulk memory, atomic wait) the rest of it is on the operand stack.
   */
  readonly position: number;
  /** The values that are still needed, in the order of the frame's layout (see docs/FORMAT.md). */
  readonly values: readonly SavedValue[];
}

/** A host function that was blocked, or could not begin, when the thread froze: it is issued again by the thaw. */
export interface SavedHostCall {
  readonly kind: "host";
  /** The instance whose import it is; absent: 0. */
  readonly instance?: number;
  readonly module: string;
  readonly name: string;
  readonly args: readonly SavedValue[];
  /** What the host function noted about its progress: JSON data, bigint allowed. */
  readonly progress?: PlainData;
}

/** Data that JSON can carry, and bigint and bytes. */
export type PlainData =
  | null
  | boolean
  | number
  | string
  | bigint
  | Uint8Array
  | readonly PlainData[]
  | { readonly [key: string]: PlainData | undefined };

/** A frozen thread: what was called, and its activations, outermost first. */
export interface SavedThread {
  readonly id: number;
  /** The call that began the thread: an export's function, or the start function. */
  readonly entry: { readonly instance: number; readonly function: number; readonly name: string };
  /** Absent or empty: the call has not begun; then `args` are its arguments. */
  readonly frames: readonly SavedFrame[];
  readonly hostCall?: SavedHostCall;
  readonly args: readonly SavedValue[];
}

/** A linear memory. Its content is kept apart from the description: it is large. */
export interface SavedMemory {
  /** Size in Wasm pages of 64 KiB. */
  readonly pages: number;
  readonly content: Uint8Array;
}

/** A mutable global, by its index in the instance's global index space. */
export interface SavedGlobal {
  readonly index: number;
  readonly value: SavedValue;
}

/** A table whose elements may differ from the module's own: all its elements. */
export interface SavedTable {
  readonly index: number;
  readonly elements: readonly SavedValue[];
}

/** One instance of a group. Memories, globals and tables imported from a sibling are saved with their owner. */
export interface SavedInstance {
  /** SHA-256 of the original module, 64 hexadecimal digits. */
  readonly module: string;
  readonly name: string;
  readonly memories: readonly (SavedMemory & { readonly index: number })[];
  readonly globals: readonly SavedGlobal[];
  readonly tables: readonly SavedTable[];
  /** Segments that have been dropped; also active ones where writing them is left to the host (ProgramInfo). */
  readonly droppedData: readonly number[];
  readonly droppedElements: readonly number[];
}

/** A whole stopped group of linked instances. */
export interface SavedGroup {
  /** Version of the frame layout (ABI_VERSION) that positions and values follow. */
  readonly abi: number;
  readonly instances: readonly SavedInstance[];
  readonly threads: readonly SavedThread[];
}
