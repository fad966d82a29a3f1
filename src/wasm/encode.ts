// Module -> bytes, in one buffer of exactly the size that is needed.
//
// Small sections are written to a scratch buffer first, to learn their sizes; code, data and custom sections, which
// are nearly all of a large module, compute theirs and are copied once. All numbers take their shortest form, so
// the same module gives the same bytes, and encoding what was decoded from them gives them again.

import { assert, ByteWriter } from "../util/index.ts";
import { CUSTOM, SECTIONS, type Section, sizeOfU32, writeCustom } from "./sections/index.ts";
import type { CustomSection, Module } from "./types.ts";

/** A section whose size is known. */
interface Part {
  readonly id: number;
  readonly size: number;
  readonly write: (writer: ByteWriter) => void;
}

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** Encodes a module. The bytes are new and share no memory with it. */
export function encodeModule(module: Module): Uint8Array<ArrayBuffer> {
  const parts = layOut(module);
  let total = PREAMBLE.length;
  for (const { size } of parts) total += 1 + sizeOfU32(size) + size;
  const writer = new ByteWriter(total);
  writer.bytes(PREAMBLE);
  for (const { id, size, write } of parts) {
    writer.u8(id);
    writer.u32(size);
    const start = writer.length;
    write(writer);
    assert(writer.length - start === size, `section ${id} has the size that was announced`);
  }
  return writer.view();
}

/** All sections in their order, custom sections behind the section that they followed. */
function layOut(module: Module): Part[] {
  const scratch = new ByteWriter(1 << 16);
  const parts = customsAfter(module, CUSTOM);
  for (const section of SECTIONS) {
    if (section.present(module)) parts.push(knownPart(section, module, scratch));
    parts.push(...customsAfter(module, section.id));
  }
  return parts;
}

function knownPart(section: Section, module: Module, scratch: ByteWriter): Part {
  const { id } = section;
  if (section.size !== undefined) {
    return { id, size: section.size(module), write: (writer) => section.write(writer, module) };
  }
  const start = scratch.length;
  section.write(scratch, module);
  const end = scratch.length;
  return { id, size: end - start, write: (writer) => writer.copy(scratch.view(), start, end) };
}

function customsAfter({ customs }: Module, id: number): Part[] {
  return customs.filter((custom) => custom.after === id).map(customPart);
}

function customPart(custom: CustomSection): Part {
  const name = new ByteWriter(64);
  name.name(custom.name);
  const size = name.length + custom.bytes.length;
  return { id: CUSTOM, size, write: (writer) => writeCustom(writer, custom) };
}
