// Element section (9): all eight forms of segments.
//
// The form is a number of three bits: 1 not active, 2 with a table index (active) or declarative (not active),
// 4 elements are constant expressions. Table 0 and funcref need no mention: the shortest form is written.

import type { ByteWriter } from "../../util/index.ts";
import { readConstantExpression } from "../constant-expression.ts";
import { WasmFault } from "../faults.ts";
import { LIMITS } from "../limits.ts";
import type { SectionReader } from "../section-reader.ts";
import { type ConstantExpression, type ElementSegment, FUNCREF, HEAP, type Module, refType } from "../types.ts";
import { hexByte, writeValueType } from "../value-type.ts";

const NOT_ACTIVE = 1;
const EXPLICIT = 2;
const EXPRESSIONS = 4;

/** The type of elements that are given as function indices. */
const FUNCTION_ELEMENT = refType(HEAP.func, false);

/** How many more elements the section may have. */
interface Budget {
  functions: number;
  expressions: number;
}

/** Reads the element section. */
export function readElements(reader: SectionReader): void {
  const left: Budget = { functions: LIMITS.elementFunctions, expressions: LIMITS.elementExpressions };
  for (let count = reader.boundedCount("element segments", LIMITS.elementSegments, 2); count > 0; count--) {
    const segment = readSegment(reader, left);
    left.functions -= segment.functions?.length ?? 0;
    left.expressions -= segment.expressions?.length ?? 0;
    reader.module.elements.push(segment);
  }
}

/** Writes the element section's content. */
export function writeElements(writer: ByteWriter, { elements }: Module): void {
  writer.u32(elements.length);
  for (const segment of elements) writeSegment(writer, segment);
}

function readSegment(reader: SectionReader, left: Budget): ElementSegment {
  const at = reader.offset;
  const form = reader.u32("the form of an element segment");
  if (form > 7) throw WasmFault.expected(at, "a form of element segments (0 to 7)", `${form}`);
  const placement = readPlacement(reader, form);
  // Only the forms 0 and 4 leave the type out: function indices, or expressions of type funcref.
  const typed = (form & (NOT_ACTIVE | EXPLICIT)) !== 0;
  if (form & EXPRESSIONS) {
    const type = typed ? reader.refType() : FUNCREF;
    const expressions = readList(
      reader,
      "more expressions in element segments",
      left.expressions,
      readConstantExpression,
    );
    return { ...placement, type, expressions };
  }
  if (typed) requireFunctionKind(reader);
  const functions = readList(reader, "more functions in element segments", left.functions, readFunctionIndex);
  return { ...placement, type: FUNCTION_ELEMENT, functions };
}

function readPlacement(reader: SectionReader, form: number): Pick<ElementSegment, "mode" | "table" | "offset"> {
  if (form & NOT_ACTIVE) return { mode: form & EXPLICIT ? "declarative" : "passive" };
  const table = form & EXPLICIT ? reader.index("table") : requireFirst(reader);
  return { mode: "active", table, offset: readConstantExpression(reader) };
}

function requireFirst(reader: SectionReader): 0 {
  if (reader.declared.table > 0) return 0;
  throw WasmFault.expected(reader.offset, "a table for the active element segment", "none", "invalid");
}

function requireFunctionKind(reader: SectionReader): void {
  const at = reader.offset;
  const kind = reader.u8("the kind of elements");
  if (kind !== 0) throw WasmFault.expected(at, "the kind of elements 0 (functions)", hexByte(kind));
}

function readFunctionIndex(reader: SectionReader): number {
  return reader.index("func");
}

function readList<T>(reader: SectionReader, what: string, limit: number, readItem: (reader: SectionReader) => T): T[] {
  const list: T[] = [];
  for (let count = reader.boundedCount(what, limit, 1); count > 0; count--) list.push(readItem(reader));
  return list;
}

function writeSegment(writer: ByteWriter, segment: ElementSegment): void {
  const { mode, table = 0, offset, type, functions, expressions } = segment;
  const implied = expressions === undefined || type === FUNCREF;
  const explicit = mode === "declarative" || (mode === "active" && (table !== 0 || !implied));
  const form =
    (mode === "active" ? 0 : NOT_ACTIVE) | (explicit ? EXPLICIT : 0) | (expressions === undefined ? 0 : EXPRESSIONS);
  writer.u32(form);
  if (mode === "active") {
    if (explicit) writer.u32(table);
    writer.bytes(offset!);
  }
  if (form & (NOT_ACTIVE | EXPLICIT)) {
    if (expressions === undefined) writer.u8(0);
    else writeValueType(writer, type);
  }
  if (expressions === undefined) writeFunctionIndices(writer, functions!);
  else writeExpressions(writer, expressions);
}

function writeFunctionIndices(writer: ByteWriter, functions: readonly number[]): void {
  writer.u32(functions.length);
  for (const index of functions) writer.u32(index);
}

function writeExpressions(writer: ByteWriter, expressions: readonly ConstantExpression[]): void {
  writer.u32(expressions.length);
  for (const expression of expressions) writer.bytes(expression);
}
