// What a host must know of a rewritten module to instantiate, freeze and restore it: plain data beside the bytes.

/** Value types at the JavaScript boundary and in saved state. */
export type ValueTypeName = "i32" | "i64" | "f32" | "f64" | "v128" | "funcref" | "externref" | "exnref";

export interface Signature {
  readonly params: readonly ValueTypeName[];
  readonly results: readonly ValueTypeName[];
}

export interface ProgramMemory {
  /** Import name of a memory that the original defines: the host makes it and gives it as `rtcr` `memory<index>`. */
  readonly defined: boolean;
  /** Pages of 64 KiB. */
  readonly min: number;
  readonly max?: number;
  readonly shared: boolean;
  readonly index64: boolean;
  /** Whether another instance or the host may hold it: it is imported or exported. */
  readonly visible: boolean;
}

export interface ProgramGlobal {
  readonly type: ValueTypeName;
  readonly mutable: boolean;
  readonly imported: boolean;
}

export interface ProgramTable {
  readonly element: ValueTypeName;
  readonly imported: boolean;
  /** Elements that it begins with. */
  readonly min: number;
  /** Elements; absent: unbounded. */
  readonly max?: number;
  /** Whether elements may differ from what the module's own segments put there. */
  readonly changes: boolean;
}

export interface ProgramExport {
  readonly name: string;
  readonly kind: "func" | "table" | "memory" | "global" | "tag";
  readonly index: number;
}

export interface ProgramImport {
  readonly module: string;
  readonly name: string;
  readonly kind: "func" | "table" | "memory" | "global" | "tag";
  /** Index in its index space. */
  readonly index: number;
  /** Of functions. */
  readonly signature?: Signature;
  /** The program was rewritten for a function that is over soon: a freeze cannot leave through its callers. */
  readonly instant?: true;
}

/** A rewritten module described. All indices are those of the original. */
export interface ProgramInfo {
  /** SHA-256 of the original, hexadecimal; filled in by whoever has hashed it. */
  readonly module: string;
  readonly imports: readonly ProgramImport[];
  readonly exports: readonly ProgramExport[];
  readonly memories: readonly ProgramMemory[];
  readonly globals: readonly ProgramGlobal[];
  readonly tables: readonly ProgramTable[];
  /** Types of every tag's payload. */
  readonly tags: readonly (readonly ValueTypeName[])[];
  /** The start function, which the host calls as the first thread: it is no start function any more. */
  readonly start: number | undefined;
  /** Number of functions, imported ones included. */
  readonly functions: number;
  readonly importedFunctions: number;
  /** How many reference tables `rtcr:refs<n>` there are, and what each holds. */
  readonly references: readonly ValueTypeName[];
  /** Segments that may be dropped after instantiation; active ones too, if the host writes them (EXPORT.initialise). */
  readonly droppableData: readonly number[];
  readonly droppableElements: readonly number[];
  /** Accesses of memory 0 are translated: it imports the pool and a page table. */
  readonly windows?: true;
  /** Writes of memory 0 are marked: it imports the marks. */
  readonly marks?: true;
  /** With marks: instantiating it writes data to memory 0, which nothing marks. */
  readonly writesData?: true;
  /** What it writes into memory 0 it writes twice: it imports a mirror. */
  readonly mirror?: true;
  /** memory.grow is a request to the host, and it is asked before table.grow. */
  readonly growth?: true;
}
