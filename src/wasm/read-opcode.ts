// Reads an opcode, as the one number that opcode.ts has for it; what rtcr does not support is refused by name.

import type { ByteReader } from "../util/index.ts";
import { WasmFault } from "./faults.ts";
import { opcodeDefined } from "./opcode.ts";

/** @throws WasmFault "malformed" for an opcode that no proposal has been given, "unsupported" */
export function readOpcode(reader: ByteReader): number {
  const at = reader.offset;
  const byte = reader.u8("an instruction");
  let code = byte;
  if (byte >= 0xfb && byte <= 0xfe) {
    const sub = reader.u32("an instruction behind its prefix");
    if (byte === 0xfb) throw gcInstruction(sub, at);
    const limit = byte === 0xfd ? 0x200 : 0x100;
    code = sub < limit ? sub + (byte === 0xfc ? 0x100 : byte === 0xfd ? 0x200 : 0x400) : 0xffff;
    if (byte === 0xfe && sub >= 0x50) code = 0xffff;
  }
  if (opcodeDefined(code)) return code;
  if (byte === 0xd3) throw gcInstruction(-1, at);
  if (byte >= 0xe0 && byte <= 0xe6) throw stackSwitching(byte, at);
  throw new WasmFault("malformed", `expected an instruction, found opcode 0x${byte.toString(16)}`, {
    offset: at,
    section: "code section",
  });
}

function gcInstruction(sub: number, offset: number): WasmFault {
  const name = sub < 0 ? "ref.eq" : (GC_NAMES[sub] ?? `gc instruction 0x${sub.toString(16)}`);
  return new WasmFault("unsupported", `${name} is an instruction of garbage collection, which rtcr does not save`, {
    offset,
    section: "code section",
    instruction: name,
  });
}

/** The proposal has been given these opcodes and is no part of WebAssembly 3.0. */
function stackSwitching(byte: number, offset: number): WasmFault {
  const statement = `opcode 0x${byte.toString(16)} belongs to the proposal "stack switching", which is not supported`;
  return new WasmFault("unsupported", statement, { offset, section: "code section", proposal: "stack switching" });
}

const GC_NAMES = (
  "struct.new struct.new_default struct.get struct.get_s struct.get_u struct.set array.new array.new_default " +
  "array.new_fixed array.new_data array.new_elem array.get array.get_s array.get_u array.set array.len array.fill " +
  "array.copy array.init_data array.init_elem ref.test ref.test_null ref.cast ref.cast_null br_on_cast " +
  "br_on_cast_fail any.convert_extern extern.convert_any ref.i31 i31.get_s i31.get_u"
).split(" ");
