// Bytes -> Module: preamble, order and frames of the sections; what is in them is read in sections/.
//
// Whatever the bytes are, the result is a Module or one WasmFault. Nothing is allocated by a count that the bytes
// left could not fill, so memory stays within a constant factor of the input. Instructions are not looked at
// (body.ts), and types of constant expressions and elements are left to the engine's validation.

import { ByteReader } from "../util/index.ts";
import { WasmFault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import { emptyModule } from "./module.ts";
import { type Declared, SectionReader, type SectionSpan } from "./section-reader.ts";
import { CUSTOM, readCustom, SECTIONS } from "./sections/index.ts";
import type { Module } from "./types.ts";
import { hexByte } from "./value-type.ts";

const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const VERSION = 1;

/**
 * Decodes a module. The module's byte slices are views of `input`, which must not be changed while it is in use.
 *
 * A module of garbage-collected objects is decoded, with its obstacles noted: see requireSupported.
 *
 * @throws WasmFault with the byte offset, the section, and what was expected and found
 */
export function decodeModule(input: Uint8Array): Module {
  // Not a Buffer: its subarray is slow, and its slices would be Buffers.
  const bytes = new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  const reader = new ByteReader(bytes);
  requireSize(bytes.length);
  requirePreamble(reader);
  const module = emptyModule();
  const declared: Declared = { type: 0, func: 0, table: 0, memory: 0, global: 0, tag: 0 };
  let last = -1;
  while (!reader.done) {
    const frame = readFrame(reader, last);
    const section = new SectionReader(bytes, frame.span, module, declared);
    readContent(section, frame.order < 0 ? readCustom : SECTIONS[frame.order]!.read);
    reader.skip(frame.span.end - reader.position);
    if (frame.order >= 0) last = frame.order;
  }
  requireComplete(module, reader.offset);
  return module;
}

/** Where a section lies, and its position in SECTIONS: -1 for custom sections. */
interface Frame {
  readonly order: number;
  readonly span: SectionSpan;
}

/** Reads id and size of the next section; `last` is the position in SECTIONS of the last known one. */
function readFrame(reader: ByteReader, last: number): Frame {
  const at = reader.offset;
  const id = inSection("section header", () => reader.u8("the id of a section"));
  const order = SECTIONS.findIndex((section) => section.id === id);
  if (order < 0 && id !== CUSTOM) throw WasmFault.expected(at, "the id of a section (0 to 13)", hexByte(id));
  const name = order < 0 ? "custom section" : SECTIONS[order]!.name;
  if (order >= 0 && order <= last) {
    const problem = order === last ? `a second ${name}` : `the ${name} behind the ${SECTIONS[last]!.name}`;
    throw WasmFault.expected(at, "each section once, in the order of the specification", problem);
  }
  const sizeAt = reader.offset;
  const size = inSection(name, () => reader.u32("the size of the section"));
  if (size > reader.remaining) {
    const found = `${reader.remaining} bytes up to the end of the module`;
    throw WasmFault.from(WasmFault.expected(sizeAt, `${size} bytes of the section`, found), name);
  }
  const start = reader.position;
  const after = last < 0 ? CUSTOM : SECTIONS[last]!.id;
  return { order, span: { name, start, end: start + size, after } };
}

/** Reads the content of a section, which must fill it. */
function readContent(reader: SectionReader, read: (reader: SectionReader) => void): void {
  inSection(reader.span.name, () => {
    read(reader);
    if (reader.done) return;
    throw WasmFault.expected(reader.offset, "the end of the section", `${reader.remaining} more bytes`);
  });
}

/** What code and data sections have to agree with, although they may be missing. */
function requireComplete({ functions, code, data, dataCount }: Module, end: number): void {
  if (code.length !== functions.length) {
    throw WasmFault.expected(end, `a code section with ${functions.length} function bodies`, "none");
  }
  if (dataCount !== undefined && dataCount !== data.length) {
    throw WasmFault.expected(end, `a data section with ${dataCount} segments`, "none");
  }
}

/** Refuses input that no engine would take. */
function requireSize(bytes: number): void {
  if (bytes <= LIMITS.moduleBytes) return;
  throw WasmFault.expected(0, `at most ${LIMITS.moduleBytes} bytes`, `${bytes}`, "too-large");
}

function requirePreamble(reader: ByteReader): void {
  const { bytes } = reader;
  const found = MAGIC.findIndex((byte, i) => bytes[i] !== byte);
  if (found >= 0 && found < bytes.length) throw notWasm(bytes);
  if (bytes.length < 8) throw WasmFault.expected(bytes.length, "a preamble of 8 bytes", `${bytes.length} bytes`);
  reader.skip(8);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const version = view.getUint32(4, true);
  if (version === VERSION) return;
  const layer = view.getUint16(6, true);
  const statement =
    layer === 1
      ? "expected a core module, found a component (component model); give the core module inside it"
      : `expected version ${VERSION} of the binary format, found ${version}; build the module with a current compiler`;
  throw new WasmFault("unsupported", statement, { offset: 4, layer, version });
}

function notWasm(bytes: Uint8Array): WasmFault {
  const start = [...bytes.subarray(0, 4)].map(hexByte).join(" ");
  const text = String.fromCharCode(...bytes.subarray(0, 256)).trimStart();
  const hint = /^[(;]/.test(text) ? " (this looks like the text format: assemble it first)" : "";
  return WasmFault.expected(0, "the magic number 0x00 0x61 0x73 0x6d of a module", `${start}${hint}`);
}

function inSection<T>(section: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw WasmFault.from(thrown, section);
  }
}
