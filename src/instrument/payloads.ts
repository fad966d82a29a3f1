// The payload accessor: a module through which the host reads and makes exceptions whose payload JavaScript cannot hold
// exactly: v128 and exception references have no JavaScript value, floats may change the bits of a NaN.
//
//   values                 a memory: the number at place k of a payload lies at 16 * k
//   read<tag>()            calls HOOK.raise, which throws the exception; leaves the numbers in `values` and returns the
//                          references to functions and to objects of the host, in order
//   read<tag>-<k>()        calls HOOK.raise, and throws the exception that place k of the payload refers to; null traps
//   make<tag>(references)  takes the numbers out of `values`, calls HOOK.raise once for each exception reference (null
//                          if it returns), and throws an exception of them all
//
// `tag` counts as the original does. Imports tags and hooks from an instance of the shipped module.

import { EXPORT, HOOK } from "../abi/index.ts";
import { ByteWriter } from "../util/index.ts";
import {
  asNullable,
  EXNREF,
  emptyModule,
  encodeModule,
  F32,
  F64,
  FUNCREF,
  type FunctionType,
  HEAP,
  isRef,
  type Module,
  OP,
  opcodeBytes,
  V128,
  type ValueType,
  writeHeapType,
  writeValueType,
} from "../wasm/index.ts";
import type { Program } from "./program.ts";
import { loadOf, storeOf } from "./saver.ts";
import { SIDE_IMPORT } from "./side-module.ts";
import { typeName } from "./type-names.ts";

const VALUE_BYTES = 16;
const CATCH = 0;
const CATCH_ALL_REF = 3;

/** The accessor; undefined if JavaScript can read and make all exceptions of the program. */
export function payloadAccessor(program: Program): Uint8Array | undefined {
  const { module, spaces } = program;
  const tags = spaces.tags.flatMap((type, tag) => {
    const { params } = module.types[type] as FunctionType;
    return params.some(beyondJavaScript) ? [{ tag, type, payload: params }] : [];
  });
  return tags.length === 0 ? undefined : new Accessor(module, tags).write();
}

interface Tag {
  readonly tag: number;
  readonly type: number;
  readonly payload: readonly ValueType[];
}

class Accessor {
  readonly #tags: readonly Tag[];
  readonly #original: Module;
  readonly #types: Module["types"];
  readonly #functions: number[] = [];
  readonly #code: Module["code"] = [];
  readonly #exports: Module["exports"] = [{ name: "values", kind: "memory", index: 0 }];

  constructor(original: Module, tags: readonly Tag[]) {
    this.#original = original;
    this.#tags = tags;
    this.#types = [...original.types, { kind: "func", params: [], results: [] }];
  }

  write(): Uint8Array {
    this.#tags.forEach((tag, place) => {
      this.#read(tag, place);
      for (const k of placesOf(tag, exception)) this.#readException(tag, place, k);
      this.#make(tag, place);
    });
    const limits = { shared: false, index64: false };
    const hooks = { element: FUNCREF, limits: { min: HOOK.count, ...limits } };
    const { main } = SIDE_IMPORT;
    return encodeModule({
      ...emptyModule(),
      types: this.#types,
      typeGroups: this.#original.typeGroups,
      imports: [
        { module: main, name: EXPORT.hooks, kind: "table", table: hooks },
        ...this.#tags.map(
          ({ tag, type }) => ({ module: main, name: `${EXPORT.tag}${tag}`, kind: "tag", type }) as const,
        ),
      ],
      functions: this.#functions,
      memories: [{ min: 1, ...limits }],
      exports: this.#exports,
      code: this.#code,
    });
  }

  #read(tag: Tag, place: number): void {
    const places = placesOf(tag, reference);
    this.#function(
      `read${tag.tag}`,
      [],
      places.map((k) => asNullable(tag.payload[k]!)),
      tag.payload,
      (writer) => {
        this.#catchPayload(writer, tag, place);
        for (const k of placesOf(tag, number)) {
          writer.bytes([OP.i32Const, 0]);
          instruction(writer, OP.localGet, k);
          memoryAccess(writer, storeOf(tag.payload[k]!), k);
        }
        for (const k of places) instruction(writer, OP.localGet, k);
      },
    );
  }

  #readException(tag: Tag, place: number, k: number): void {
    this.#function(`read${tag.tag}-${k}`, [], [], tag.payload, (writer) => {
      this.#catchPayload(writer, tag, place);
      instruction(writer, OP.localGet, k);
      writer.u8(OP.throwRef);
    });
  }

  #make(tag: Tag, place: number): void {
    const places = placesOf(tag, reference);
    this.#function(
      `make${tag.tag}`,
      places.map((k) => tag.payload[k]!),
      [],
      [],
      (writer) => {
        tag.payload.forEach((type, k) => {
          if (number(type)) {
            writer.bytes([OP.i32Const, 0]);
            memoryAccess(writer, loadOf(type), k);
          } else if (reference(type)) instruction(writer, OP.localGet, places.indexOf(k));
          else this.#catchRaised(writer, type);
        });
        instruction(writer, OP.throw, place);
      },
    );
  }

  /** Lets the host raise an exception of the tag; its payload goes to the locals. */
  #catchPayload(writer: ByteWriter, { payload }: Tag, place: number): void {
    writer.u8(OP.block);
    if (payload.length === 1) writeValueType(writer, payload[0]!);
    else writer.s32(this.#type([], payload));
    writer.bytes([OP.tryTable, 0x40, 1, CATCH]);
    writer.u32(place);
    writer.u8(0);
    this.#raise(writer);
    writer.bytes([OP.end, OP.unreachable, OP.end]);
    for (let k = payload.length - 1; k >= 0; k--) instruction(writer, OP.localSet, k);
  }

  /** Leaves a reference to what the host raises, null if it does not. */
  #catchRaised(writer: ByteWriter, type: ValueType): void {
    writer.u8(OP.block);
    writeValueType(writer, EXNREF);
    writer.bytes([OP.tryTable, 0x40, 1, CATCH_ALL_REF, 0]);
    this.#raise(writer);
    writer.bytes([OP.end, OP.refNull]);
    writeHeapType(writer, HEAP.exn);
    writer.u8(OP.end);
    if (type !== EXNREF) writer.u8(OP.refAsNonNull);
  }

  #raise(writer: ByteWriter): void {
    writer.bytes([OP.i32Const, HOOK.raise, OP.callIndirect]);
    writer.u32(this.#original.types.length);
    writer.u8(0);
  }

  #type(params: readonly ValueType[], results: readonly ValueType[]): number {
    return this.#types.push({ kind: "func", params, results }) - 1;
  }

  #function(
    name: string,
    params: readonly ValueType[],
    results: readonly ValueType[],
    locals: readonly ValueType[],
    write: (writer: ByteWriter) => void,
  ): void {
    const writer = new ByteWriter(64);
    writer.u32(locals.length);
    for (const type of locals) {
      writer.u8(1);
      writeValueType(writer, asNullable(type));
    }
    write(writer);
    writer.u8(OP.end);
    this.#exports.push({ name, kind: "func", index: this.#functions.length });
    this.#functions.push(this.#type(params, results));
    this.#code.push({ bytes: writer.toBytes(), offset: 0 });
  }
}

const number = (type: ValueType) => !isRef(type);
const exception = (type: ValueType) => isRef(type) && typeName(type) === "exnref";
const reference = (type: ValueType) => isRef(type) && typeName(type) !== "exnref";

function beyondJavaScript(type: ValueType): boolean {
  return type === V128 || type === F32 || type === F64 || exception(type);
}

function placesOf({ payload }: Tag, which: (type: ValueType) => boolean): number[] {
  return payload.flatMap((type, k) => (which(type) ? [k] : []));
}

function instruction(writer: ByteWriter, code: number, index: number): void {
  writer.bytes(opcodeBytes(code));
  writer.u32(index);
}

function memoryAccess(writer: ByteWriter, code: number, place: number): void {
  writer.bytes(opcodeBytes(code));
  writer.u8(0);
  writer.u32(VALUE_BYTES * place);
}
