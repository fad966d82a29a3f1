// The module that instrumented code is written into: its index spaces, and the functions that the code shares.
//
// Two modules are written: the shipped one (the original with instrumentation) and side modules with continuations,
// which import everything from an instance of the shipped one. Both keep the original's indices of types, memories,
// tables, globals, locals; what is added stands behind. Functions keep theirs in the shipped module only, tags are
// shifted by the imported freeze tag where the original defines tags.
//
// Shared functions are made when the first code asks for them: the poll, one saver for each list of value types,
// helpers for operations in pieces.

import { CONTROL, HOOK } from "../abi/index.ts";
import { ByteWriter } from "../util/index.ts";
import {
  asNullable,
  BLOCK_EMPTY,
  BLOCK_VALUE,
  type Body,
  blockSignature,
  type FunctionType,
  I32,
  I64,
  type IndexSpaces,
  type Module,
  OP,
  opcodeBytes,
  plainFunctionTypes,
  pushedTypes,
  signatureKey,
  type ValueType,
  writeValueType,
} from "../wasm/index.ts";
import type { MarkSpace } from "./marks.ts";
import type { Plan } from "./plan.ts";

/** What differs between the shipped module and a side module. */
export interface SpaceOptions {
  /** Whether the original uses legacy exceptions: the two forms cannot be mixed. */
  readonly legacy: boolean;
  /** Whether functions have other indices than in the original. */
  readonly relocated: boolean;
  readonly functionIndex: (original: number) => number;
  /** Index of the function to call instead of a segment instruction, -1 to keep the instruction. */
  readonly segmentFunction: (code: number, a: number, b: number) => number;
  readonly controlMemory: number;
  readonly freezeTag: number;
  /** Whether the tag of what JavaScript throws is imported behind it. */
  readonly thrownTag: boolean;
  /** Tags of the original in front of the freeze tag. */
  readonly importedTags: number;
  readonly hooksTable: number;
  readonly instanceGlobal: number;
  /** Index of the reference table for a nullable reference type. */
  readonly referenceTable: (type: ValueType) => number;
  /** Index of the first function that is added. */
  readonly firstAdded: number;
  /** The most turns of a loop between two polls. */
  readonly mostTurns: number;
  /** The most bytes of a bulk operation between two polls. */
  readonly pieceBytes: number;
  /** Whether the host is asked before tables grow. */
  readonly growth: boolean;
  /** Undefined for programs without windows. */
  readonly windows?: WindowSpace | undefined;
  /** Undefined for programs without marks. */
  readonly marks?: MarkSpace | undefined;
  /** Index of the mirror of memory 0 (mirror.ts); undefined for programs that write it once. */
  readonly mirror?: number | undefined;
}

/** How an access finds its bytes without the page table (windows.ts). */
export type Way = "direct" | "pool";

/** Globals of a run of pages that was used: first address, bytes less 8, distance to the pool. */
export const RUN = { start: 0, bytes: 1, distance: 2, count: 3 } as const;

/** What windows need of the module. */
export interface WindowSpace {
  /** Indices of the memories behind the control memory. */
  readonly pool: number;
  readonly pages: number;
  /** Index of the global with the limit; those of the runs follow, see RUN. */
  readonly limitGlobal: number;
  /** How accesses are tried before they become slow, the likeliest first. */
  readonly ways: readonly Way[];
  /** The same for guarded loops. */
  readonly loopWays: readonly Way[];
  /** Whether accesses of memory 0 are translated in a function of the original. */
  readonly windowed: (functionIndex: number) => boolean;
}

/** A function that was added: its type index and its body as the code section has it. */
export interface AddedFunction {
  readonly type: number;
  readonly body: Uint8Array;
}

export class Space {
  readonly original: Module;
  readonly spaces: IndexSpaces;
  /** Types of the module: the original's and those added. */
  readonly types: Module["types"];
  readonly added: AddedFunction[] = [];
  /** Lists of types by number, for the keys of shared functions. */
  readonly lists = new TypeLists();
  readonly #options: SpaceOptions;
  readonly #typeIndex: Map<string, number>;
  readonly #shared = new Map<string, number>();

  constructor(original: Module, spaces: IndexSpaces, types: Module["types"], options: SpaceOptions) {
    this.original = original;
    this.spaces = spaces;
    this.types = types;
    this.#options = options;
    this.#typeIndex = plainFunctionTypes(types, original.typeGroups);
  }

  get legacy(): boolean {
    return this.#options.legacy;
  }

  get relocated(): boolean {
    return this.#options.relocated;
  }

  get freezeTag(): number {
    return this.#options.freezeTag;
  }

  get controlMemory(): number {
    return this.#options.controlMemory;
  }

  get instanceGlobal(): number {
    return this.#options.instanceGlobal;
  }

  get hooksTable(): number {
    return this.#options.hooksTable;
  }

  get windows(): WindowSpace | undefined {
    return this.#options.windows;
  }

  get marks(): MarkSpace | undefined {
    return this.#options.marks;
  }

  get mirror(): number | undefined {
    return this.#options.mirror;
  }

  get pieceBytes(): number {
    return this.#options.pieceBytes;
  }

  get growth(): boolean {
    return this.#options.growth;
  }

  get mostTurns(): number {
    return this.#options.mostTurns;
  }

  functionIndex(original: number): number {
    return this.#options.functionIndex(original);
  }

  segmentFunction(code: number, a: number, b: number): number {
    return this.#options.segmentFunction(code, a, b);
  }

  /** The index of a tag of the original, or of what JavaScript throws (caught.ts). */
  tagIndex(original: number): number {
    const { importedTags, freezeTag, thrownTag } = this.#options;
    if (original === this.spaces.tags.length) return freezeTag + 1;
    return original < importedTags ? original : original + (thrownTag ? 2 : 1);
  }

  referenceTable(type: ValueType): number {
    return this.#options.referenceTable(asNullable(type));
  }

  pushedTypes(plan: Plan, at: number): readonly ValueType[] {
    return pushedTypes(this.original, this.spaces, plan.body, at);
  }

  /** The index of a function type of its own (see plainFunctionTypes), which is added if the module has none like it. */
  typeIndex(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = signatureKey({ params, results });
    let index = this.#typeIndex.get(key);
    if (index === undefined) {
      index = this.types.length;
      this.types.push({ kind: "func", params, results });
      this.#typeIndex.set(key, index);
    }
    return index;
  }

  /** Parameters and results of the block opened at `at`. */
  signature(body: Body, at: number): FunctionType {
    return blockSignature(this.original, body, at);
  }

  /** The block type of a block without parameters. */
  blockType(results: readonly ValueType[]): number {
    if (results.length === 0) return BLOCK_EMPTY;
    return results.length === 1 ? BLOCK_VALUE + results[0]! : this.typeIndex([], results);
  }

  writeBlockType(writer: ByteWriter, blockType: number): void {
    if (blockType === BLOCK_EMPTY) writer.u8(0x40);
    else if (blockType >= BLOCK_VALUE) writeValueType(writer, blockType - BLOCK_VALUE);
    else writer.s32(blockType);
  }

  /** A load or store in the control memory at a static offset. */
  writeControlAccess(writer: ByteWriter, code: number, offset: number): void {
    writeAccess(writer, code, this.controlMemory, offset === CONTROL.flag ? 2 : 0, offset);
  }

  /** The function that polls call when the flag is set. */
  get poll(): number {
    return this.shared("poll", (writer) => {
      writer.bytes([0, OP.i32Const, HOOK.poll, OP.callIndirect]);
      writer.u32(this.typeIndex([], []));
      writer.u32(this.hooksTable);
      writer.u8(OP.end);
      return this.typeIndex([], []);
    });
  }

  /**
   * A function that code shares, made when it is first asked for.
   *
   * @param make writes locals, instructions and the final end; returns the function's type index
   */
  shared(key: string, make: (writer: ByteWriter) => number): number {
    let index = this.#shared.get(key);
    if (index === undefined) {
      const writer = new ByteWriter();
      const type = make(writer);
      index = this.#options.firstAdded + this.added.length;
      this.added.push({ type, body: writer.toBytes() });
      this.#shared.set(key, index);
    }
    return index;
  }
}

/** Writes a load, store or atomic operation of any memory. */
export function writeAccess(writer: ByteWriter, code: number, memory: number, align: number, offset: number): void {
  for (const byte of opcodeBytes(code)) writer.u8(byte);
  if (memory === 0) {
    writer.u8(align);
  } else {
    writer.u8(align | 0x40);
    writer.u32(memory);
  }
  writer.u32(offset);
}

interface ListNode {
  readonly number: number;
  readonly longer: Map<ValueType, ListNode>;
}

/** Numbers lists of types; quicker than keys that spell them out, which lists of frames make long. */
class TypeLists {
  readonly #empty: ListNode = { number: 0, longer: new Map() };
  #count = 1;

  /** The number of a list: equal for equal lists. */
  number(types: readonly ValueType[]): number {
    let node = this.#empty;
    for (let i = 0; i < types.length; i++) {
      let longer = node.longer.get(types[i]!);
      if (!longer) {
        longer = { number: this.#count++, longer: new Map() };
        node.longer.set(types[i]!, longer);
      }
      node = longer;
    }
    return node.number;
  }
}

/** Types of the three operands of a bulk operation. */
export function bulkTypes({ spaces }: Space, operation: number, a: number, b: number): readonly ValueType[] {
  const { memories } = spaces;
  const wide = memories[operation === OP.memoryInit ? b : a]!.index64;
  const sourceWide = operation === OP.memoryCopy && memories[b]!.index64;
  const lengthWide = operation === OP.memoryCopy ? wide && sourceWide : operation === OP.memoryFill && wide;
  return [wide ? I64 : I32, sourceWide ? I64 : I32, lengthWide ? I64 : I32];
}
