// Programs with redundant memory (S109): which can have it, and as how much of it their memory has room for.
import type { ProgramInfo } from "../../abi/index.ts";
import { type Mirror, mirrorRoom } from "../../engine/index.ts";
import type { LoadOptions } from "../../session/index.ts";
import type { LoadedProgram } from "../program.ts";
import type { Kernel } from "./kernel.ts";
import { SPAWN, writesData } from "./program.ts";

const WASM_PAGE_BYTES = 65_536;

/** A program as it is asked for; without a mirror where it cannot have one, which is said. */
export function loadMirrored(kernel: Kernel, label: string, original: Uint8Array, options: LoadOptions): LoadedProgram {
  const program = kernel.loadProgram(original, options);
  const { mirrorSlots, ...others } = options;
  const why = mirrorSlots === undefined ? undefined : mirrorProblem(program.info, original, mirrorRoom(mirrorSlots));
  if (why === undefined) return program;
  kernel.warn(`${label}: it has no redundant memory, its contents are copied: ${why}`);
  return kernel.loadProgram(original, others);
}

/** Why what a program writes cannot be written twice; undefined if it can. @param room bytes that memory 0 may have */
function mirrorProblem(info: ProgramInfo, original: Uint8Array, room: number): string | undefined {
  const [memory] = info.memories;
  if (!memory) return undefined;
  if (info.windows) return "it has windows";
  if (!info.mirror) return "its memory has 64-bit addresses";
  const bytes = memory.min * WASM_PAGE_BYTES;
  if (bytes > room) return `its memory of ${bytes} bytes has no room in a slot of ${room}`;
  const spawns = info.imports.some(({ module, name }) => module === SPAWN.module && name === SPAWN.name);
  return spawns && writesData(original) ? "instances of its threads write data when they are made" : undefined;
}

/** Why memory 0 cannot reach so far; undefined if it can. */
export function mirrorFull(mirror: Mirror | undefined, end: number): string | undefined {
  if (!mirror || end <= mirror.roomBytes) return undefined;
  return `memory of ${end} bytes has no room in its mirror: ${mirror.roomBytes} in each of ${mirror.slots} slots`;
}
