// Arguments and environment: lists of NUL-terminated strings.

import type { HostFunction } from "../abi/index.ts";
import type { WasiContext } from "./context.ts";
import { instant } from "./function.ts";
import type { GuestMemory } from "./memory.ts";

const ENCODER = new TextEncoder();

export function args(wasi: WasiContext): Record<string, HostFunction> {
  return {
    args_sizes_get: sizes(() => wasi.program.args),
    args_get: strings(() => wasi.program.args),
    environ_sizes_get: sizes(() => wasi.program.environment),
    environ_get: strings(() => wasi.program.environment),
  };
}

function sizes(list: () => readonly string[]): HostFunction {
  return instant(["u32", "u32"], ({ memory }, count, sizeBytes) => {
    memory.require(count, 4);
    memory.require(sizeBytes, 4);
    memory.setU32(count, list().length);
    memory.setU32(
      sizeBytes,
      list().reduce((sum, text) => sum + ENCODER.encode(text).length + 1, 0),
    );
  });
}

function strings(list: () => readonly string[]): HostFunction {
  return instant(["u32", "u32"], ({ memory }, pointers, buffer) => {
    memory.require(pointers, list().length * 4);
    let at = buffer;
    for (const [index, text] of list().entries()) {
      memory.setU32(pointers + index * 4, at);
      at += writeString(memory, at, text);
    }
  });
}

function writeString(memory: GuestMemory, at: number, text: string): number {
  const bytes = ENCODER.encode(`${text}\0`);
  memory.set(at, bytes);
  return bytes.length;
}
