// A cursor over one section that knows what the sections in front of it have declared, and notes what rtcr refuses.
//
// Every readX of sections/ takes one and adds what it reads to `module`. Counts are checked against the bytes left
// and against LIMITS before anything is allocated; indices are checked against what has been declared.

import { ByteReader } from "../util/index.ts";
import { WasmFault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { ExternKind, Module, ValueType } from "./types.ts";
import { describeType, isGarbageCollected, readRefType, readValueType } from "./value-type.ts";

/** How many of each kind the index spaces hold so far, imports included. */
export type Declared = Record<ExternKind | "type", number>;

const INDEX_NAME: Readonly<Record<ExternKind | "type", string>> = {
  type: "a type index",
  func: "a function index",
  table: "a table index",
  memory: "a memory index",
  global: "a global index",
  tag: "a tag index",
};

/** Where a section lies in the input, and what it is. */
export interface SectionSpan {
  /** `import section` and so on, for messages. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Id of the last known section in front of it. */
  readonly after: number;
}

/** A cursor over the content of one section; faults do not name the section yet (WasmFault.from adds it). */
export class SectionReader extends ByteReader {
  readonly span: SectionSpan;
  readonly module: Module;
  readonly declared: Declared;

  constructor(bytes: Uint8Array, span: SectionSpan, module: Module, declared: Declared) {
    super(bytes, span.start, span.end);
    this.span = span;
    this.module = module;
    this.declared = declared;
  }

  /** A count of items of at least `itemBytes` each, at most `limit`. */
  boundedCount(what: string, limit: number, itemBytes: number): number {
    const at = this.offset;
    const count = this.count(what, itemBytes);
    if (count > limit) throw WasmFault.expected(at, `at most ${limit} ${what}`, `${count}`, "too-large");
    return count;
  }

  /** An index into what has been declared so far. */
  index(space: keyof Declared): number {
    const at = this.offset;
    const index = this.u32(INDEX_NAME[space]);
    if (index < this.declared[space]) return index;
    throw WasmFault.expected(at, `${INDEX_NAME[space]} below ${this.declared[space]}`, `${index}`, "invalid");
  }

  /** The index of a function type. */
  functionTypeIndex(): number {
    const at = this.offset;
    const index = this.index("type");
    const kind = this.module.types[index]!.kind;
    if (kind === "func") return index;
    throw WasmFault.expected(at, "the index of a function type", `${index}, ${kind} type`, "invalid");
  }

  /** A value type; one of garbage-collected objects is noted as obstacle. */
  valueType(): ValueType {
    const at = this.offset;
    return this.#noted(readValueType(this, this.declared.type), at);
  }

  /** A reference type; one of garbage-collected objects is noted as obstacle. */
  refType(): ValueType {
    const at = this.offset;
    return this.#noted(readRefType(this, this.declared.type), at);
  }

  /** Notes something that the format allows and rtcr cannot save. */
  obstacle(offset: number, statement: string): void {
    const { obstacles } = this.module;
    if (obstacles.length < LIMITS.obstacles) obstacles.push({ offset, section: this.span.name, statement });
  }

  #noted(type: ValueType, offset: number): ValueType {
    if (isGarbageCollected(type)) this.obstacle(offset, `${describeType(type)} is a type of garbage-collected objects`);
    return type;
  }
}
