// Type section (1): recursion groups of function, struct and array types, with their place in subtyping.
//
// Struct and array types are read to their end and kept by kind only. The groups are kept as bytes and written back
// unchanged; function types added to a module later are written behind them, each as a group of its own.

import { assert, type ByteWriter } from "../../util/index.ts";
import { WasmFault } from "../faults.ts";
import { LIMITS } from "../limits.ts";
import type { SectionReader } from "../section-reader.ts";
import type { FunctionType, Module, Subtyping, TypeDefinition, ValueType } from "../types.ts";
import { hexByte, writeValueType } from "../value-type.ts";

const FUNC = 0x60;
const STRUCT = 0x5f;
const ARRAY = 0x5e;
const SUB = 0x50;
const SUB_FINAL = 0x4f;
const REC = 0x4e;
const PACKED_I8 = 0x78;
const PACKED_I16 = 0x77;

/** Forms of types that belong to proposals: refused by the proposal's name. */
const PROPOSALS: ReadonlyMap<number, string> = new Map([
  [0x5d, "stack switching"],
  [0x65, "shared-everything threads"],
  [0x4d, "custom descriptors"],
  [0x4c, "custom descriptors"],
]);

/** Reads the type section. */
export function readTypes(reader: SectionReader): void {
  const { types } = reader.module;
  const groups = reader.boundedCount("recursion groups", LIMITS.types, 2);
  const { offset, position } = reader;
  const recursive: { first: number; count: number }[] = [];
  for (let group = 0; group < groups; group++) {
    const first = types.length;
    const count = readGroup(reader);
    if (count > 1) recursive.push({ first, count });
  }
  const bytes = reader.bytes.subarray(position, reader.position);
  reader.module.typeGroups = { bytes, offset, groups, types: types.length, recursive };
}

/** Writes the type section's content. */
export function writeTypes(writer: ByteWriter, { types, typeGroups: kept }: Module): void {
  writer.u32(kept.groups + types.length - kept.types);
  writer.bytes(kept.bytes);
  for (let index = kept.types; index < types.length; index++) writeFunctionType(writer, types[index]!);
}

/** Reads one recursion group and returns how many types it has. */
function readGroup(reader: SectionReader): number {
  const { declared } = reader;
  const explicit = !reader.done && reader.bytes[reader.position] === REC;
  if (explicit) reader.skip(1);
  const count = explicit ? reader.count("types in a recursion group", 2) : 1;
  const total = reader.module.types.length + count;
  if (total > LIMITS.types) {
    throw WasmFault.expected(reader.offset, `at most ${LIMITS.types} types`, `${total}`, "too-large");
  }
  // Types of a group may refer to all types of the same group.
  declared.type = total;
  for (let i = 0; i < count; i++) reader.module.types.push(readSubType(reader));
  return count;
}

function readSubType(reader: SectionReader): TypeDefinition {
  const at = reader.offset;
  const form = reader.u8("a type");
  if (form !== SUB && form !== SUB_FINAL) return readCompositeType(reader, form, at, {});
  const supertypes = reader.boundedCount("supertypes", LIMITS.supertypes, 1);
  const open = form === SUB ? ({ open: true } as const) : {};
  const subtyping = supertypes === 0 ? open : { ...open, supertype: readSupertype(reader) };
  return readCompositeType(reader, reader.u8("a type"), reader.offset - 1, subtyping);
}

function readSupertype(reader: SectionReader): number {
  const at = reader.offset;
  const index = reader.u32("the index of a supertype");
  const own = reader.module.types.length;
  if (index < own) return index;
  throw WasmFault.expected(at, `a supertype in front of type ${own}`, `${index}`, "invalid");
}

function readCompositeType(reader: SectionReader, form: number, at: number, subtyping: Subtyping): TypeDefinition {
  switch (form) {
    case FUNC:
      return { kind: "func", ...readFunctionType(reader), ...subtyping };
    case STRUCT:
      noteGarbageCollected(reader, at, "struct");
      for (let fields = reader.boundedCount("fields", LIMITS.fields, 2); fields > 0; fields--) skipField(reader);
      return { kind: "struct", ...subtyping };
    case ARRAY:
      noteGarbageCollected(reader, at, "array");
      skipField(reader);
      return { kind: "array", ...subtyping };
    default: {
      const proposal = PROPOSALS.get(form);
      if (proposal === undefined) throw WasmFault.expected(at, "a function, struct or array type", hexByte(form));
      const statement = `type ${reader.module.types.length} belongs to the proposal "${proposal}", which is not supported`;
      throw new WasmFault("unsupported", statement, { offset: at, proposal });
    }
  }
}

function readFunctionType(reader: SectionReader): FunctionType {
  const params = readTypeList(reader, "parameters", LIMITS.parameters);
  const results = readTypeList(reader, "results", LIMITS.results);
  return { params, results };
}

function readTypeList(reader: SectionReader, what: string, limit: number): ValueType[] {
  const list: ValueType[] = [];
  for (let count = reader.boundedCount(what, limit, 1); count > 0; count--) list.push(reader.valueType());
  return list;
}

function skipField(reader: SectionReader): void {
  const storage = reader.bytes[reader.position];
  if (storage === PACKED_I8 || storage === PACKED_I16) reader.u8("a storage type");
  else reader.valueType();
  const at = reader.offset;
  const mutability = reader.u8("the mutability of a field");
  if (mutability > 1) throw WasmFault.expected(at, "mutability 0 or 1", hexByte(mutability));
}

function noteGarbageCollected(reader: SectionReader, at: number, kind: string): void {
  reader.obstacle(at, `type ${reader.module.types.length} is a${kind === "array" ? "n" : ""} ${kind} type`);
}

function writeFunctionType(writer: ByteWriter, type: TypeDefinition): void {
  assert(type.kind === "func" && !type.open && type.supertype === undefined, "added types are plain function types");
  writer.u8(FUNC);
  writer.u32(type.params.length);
  for (const param of type.params) writeValueType(writer, param);
  writer.u32(type.results.length);
  for (const result of type.results) writeValueType(writer, result);
}
