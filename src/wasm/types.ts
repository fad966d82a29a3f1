// Value types and the module as data. Index spaces, names and limits follow the WebAssembly 3.0 core specification.
//
// A value type is one number, so that stacks of types live in typed arrays and equality is ===:
//   0x7f i32, 0x7e i64, 0x7d f32, 0x7c f64, 0x7b v128             as in the binary format
//   reference types: REFERENCE | nullable | heap                  heap: a type index, or ABSTRACT | binary code

export type ValueType = number;

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;
/** The type of a value in unreachable code: it stands for every type. */
export const BOTTOM = 0;

const REFERENCE = 1 << 28;
const NULLABLE = 1 << 27;
const ABSTRACT = 1 << 26;
const HEAP_MASK = ABSTRACT | (ABSTRACT - 1);

/** Heap types of the binary format that are not type indices, by their one-byte code. */
export const HEAP = {
  noexn: ABSTRACT | 0x74,
  nofunc: ABSTRACT | 0x73,
  noextern: ABSTRACT | 0x72,
  none: ABSTRACT | 0x71,
  func: ABSTRACT | 0x70,
  extern: ABSTRACT | 0x6f,
  any: ABSTRACT | 0x6e,
  eq: ABSTRACT | 0x6d,
  i31: ABSTRACT | 0x6c,
  struct: ABSTRACT | 0x6b,
  array: ABSTRACT | 0x6a,
  exn: ABSTRACT | 0x69,
} as const;

/** Type indices and counts stay below this (the JavaScript API's limit is 1,000,000). */
export const MAX_TYPES = 1_000_000;

export function refType(heap: number, nullable: boolean): ValueType {
  return REFERENCE | (nullable ? NULLABLE : 0) | heap;
}

export const FUNCREF = refType(HEAP.func, true);
export const EXTERNREF = refType(HEAP.extern, true);
export const EXNREF = refType(HEAP.exn, true);

export function isRef(type: ValueType): boolean {
  return (type & REFERENCE) !== 0;
}

export function isNullable(type: ValueType): boolean {
  return (type & NULLABLE) !== 0;
}

/** The heap type of a reference type: a type index, or one of HEAP. */
export function heapOf(type: ValueType): number {
  return type & HEAP_MASK;
}

/** Whether a heap type is abstract; otherwise it is a type index. */
export function isAbstractHeap(heap: number): boolean {
  return (heap & ABSTRACT) !== 0;
}

/** The same reference type, nullable. */
export function asNullable(type: ValueType): ValueType {
  return isRef(type) ? type | NULLABLE : type;
}

export interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** How a type takes part in subtyping. Absent: final, without a supertype, as every type without `sub` is. */
export interface Subtyping {
  readonly open?: true;
  /** Type index of the supertype. */
  readonly supertype?: number;
}

/** A type of the type section. Struct and array types are kept only by name: rtcr refuses modules that use them. */
export type TypeDefinition = Subtyping &
  (
    | ({ readonly kind: "func" } & FunctionType)
    | { readonly kind: "struct" | "array"; readonly params?: undefined; readonly results?: undefined }
  );

/**
 * The types of the type section as read: its recursion groups as bytes, so that they can be written back unchanged.
 * Types behind the first `types` were added later, each is a group of its own.
 */
export interface TypeGroups {
  readonly bytes: Uint8Array;
  /** Absolute offset of `bytes` in the input, for messages. */
  readonly offset: number;
  readonly groups: number;
  readonly types: number;
  /** The groups of more than one type, in order. */
  readonly recursive: readonly { readonly first: number; readonly count: number }[];
}

/** `max` absent: unbounded. Units: pages of 64 KiB for memories, elements for tables. */
export interface Limits {
  readonly min: number;
  readonly max?: number;
  /** The maximum again when `max` had to be rounded: a 64-bit table may announce more than 2^53 elements. */
  readonly exactMax?: bigint;
  readonly shared: boolean;
  readonly index64: boolean;
}

export interface TableType {
  readonly element: ValueType;
  readonly limits: Limits;
}

export interface GlobalType {
  readonly type: ValueType;
  readonly mutable: boolean;
}

export type ExternKind = "func" | "table" | "memory" | "global" | "tag";

export type Import = { readonly module: string; readonly name: string } & (
  | { readonly kind: "func"; readonly type: number }
  | { readonly kind: "table"; readonly table: TableType }
  | { readonly kind: "memory"; readonly memory: Limits }
  | { readonly kind: "global"; readonly global: GlobalType }
  | { readonly kind: "tag"; readonly type: number }
);

export interface Export {
  readonly name: string;
  readonly kind: ExternKind;
  readonly index: number;
}

/** A constant expression: its bytes, the final `end` included. */
export type ConstantExpression = Uint8Array;

export interface Table {
  readonly type: TableType;
  readonly init?: ConstantExpression;
}

export interface Global {
  readonly type: GlobalType;
  readonly init: ConstantExpression;
}

export interface ElementSegment {
  readonly mode: "active" | "passive" | "declarative";
  /** Table index and offset of an active segment. */
  readonly table?: number;
  readonly offset?: ConstantExpression;
  /** Of the elements; `(ref func)` where functions are listed by index. */
  readonly type: ValueType;
  /** Function indices, or constant expressions: exactly one of the two. */
  readonly functions?: readonly number[];
  readonly expressions?: readonly ConstantExpression[];
}

export interface DataSegment {
  readonly mode: "active" | "passive";
  readonly memory?: number;
  readonly offset?: ConstantExpression;
  readonly bytes: Uint8Array;
}

/** A function body: local declarations and instructions as bytes, and where they stood in the input. */
export interface FunctionBody {
  /** Everything behind the size: the vector of locals, the instructions, the final `end`. */
  readonly bytes: Uint8Array;
  /** Absolute offset of `bytes` in the input, for messages. */
  readonly offset: number;
}

export interface CustomSection {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The id of the last known section in front of it, 0 when there is none: it is written back there. */
  readonly after: number;
}

/** Something in the module's structure that rtcr cannot save (garbage-collected objects); see requireSupported. */
export interface Obstacle {
  /** Absolute offset in the input. */
  readonly offset: number;
  /** `type section` and so on. */
  readonly section: string;
  /** `type 3 is a struct type` and so on. */
  readonly statement: string;
}

/** A module, decoded. Index spaces list imports first, as the specification has it. */
export interface Module {
  readonly types: TypeDefinition[];
  typeGroups: TypeGroups;
  readonly imports: Import[];
  /** Type index of each defined function. */
  readonly functions: number[];
  readonly tables: Table[];
  readonly memories: Limits[];
  /** Type index of each defined tag. */
  readonly tags: number[];
  readonly globals: Global[];
  readonly exports: Export[];
  start: number | undefined;
  readonly elements: ElementSegment[];
  dataCount: number | undefined;
  readonly code: FunctionBody[];
  readonly data: DataSegment[];
  readonly customs: CustomSection[];
  /** In the order of the input, at most LIMITS.obstacles. */
  readonly obstacles: Obstacle[];
}
