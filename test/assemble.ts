// Modules for tests: from the text format, by wabt or Binaryen, and from bytes in a short notation.

import binaryen from "binaryen";
import loadWabt from "wabt";
import { messageOf } from "../src/util/index.ts";

const wabt = await loadWabt();

/** Binaryen's number of that feature, which its types do not list. */
const COMPACT_IMPORTS = 1 << 26;

const WABT_FEATURES = {
  annotations: true,
  exceptions: true,
  extended_const: true,
  function_references: true,
  memory64: true,
  multi_memory: true,
  relaxed_simd: true,
  tail_call: true,
  threads: true,
};

/** Assembles WAT with wabt: exactly what is written, names included. */
export function assemble(wat: string): Uint8Array<ArrayBuffer> {
  const module = parse(wat);
  try {
    return new Uint8Array(module.toBinary({ write_debug_names: true }).buffer);
  } finally {
    module.destroy();
  }
}

function parse(wat: string) {
  try {
    return wabt.parseWat("test.wat", wat, WABT_FEATURES);
  } catch (thrown) {
    // Not the original: its trace quotes wabt's one line of source, a megabyte long.
    throw new Error(messageOf(thrown));
  }
}

/** All but the encoding of imports that engines do not know yet. */
const BINARYEN_FEATURES = binaryen.Features.All & ~COMPACT_IMPORTS;

/** Assembles WAT with Binaryen, for what wabt does not know: recursion groups, table initialisers, 64-bit tables, GC. */
export function assembleWithBinaryen(wat: string): Uint8Array<ArrayBuffer> {
  const module = parseWithBinaryen(wat);
  try {
    module.setFeatures(BINARYEN_FEATURES);
    return new Uint8Array(module.emitBinary());
  } finally {
    module.dispose();
  }
}

function parseWithBinaryen(wat: string): binaryen.Module {
  try {
    return binaryen.parseText(wat);
  } catch (thrown) {
    // Binaryen throws an object of its own, not an Error.
    throw new Error((thrown as { message: string }).message);
  }
}

/**
 * A module of sections in hexadecimal: `bytes("1: 01 60 00 00", "3: 01 00")` has a type and a function section; ids
 * are decimal, sizes are added. Text in single quotes stands for its characters.
 */
export function bytes(...sections: string[]): Uint8Array<ArrayBuffer> {
  const parts = [hex("00 'asm' 01 00 00 00")];
  for (const section of sections) {
    const [id, content] = section.split(/:(.*)/s);
    const data = hex(content!);
    parts.push([Number(id), ...leb(data.length), ...data]);
  }
  return new Uint8Array(parts.flat());
}

/** The bytes of `60 'abc' 00`; `*1000 7f` repeats one byte. */
export function hex(text: string): number[] {
  const result: number[] = [];
  for (const [, quoted, times, byte] of text.matchAll(/'([^']*)'|(?:\*(\d+)\s+)?([0-9a-f]{2})/g)) {
    if (quoted !== undefined) result.push(...Buffer.from(quoted));
    else for (let i = Number(times ?? 1); i > 0; i--) result.push(Number.parseInt(byte!, 16));
  }
  return result;
}

/** Unsigned LEB128. */
export function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...leb(Math.floor(value / 0x80))];
}
