// Looks into the state of other layers, which may be a stranger's: what does not look as expected is not there.
import type { PlainData } from "../abi/index.ts";
import { CheckpointFault, short } from "../checkpoint/index.ts";
import { decodeModule, type Module, WasmFault } from "../wasm/index.ts";

export type LenientRecord = Readonly<Record<string, PlainData | undefined>>;

export function recordOf(data: PlainData | undefined): LenientRecord {
  const record = typeof data === "object" && data !== null && !(data instanceof Uint8Array) && !Array.isArray(data);
  return record ? (data as LenientRecord) : {};
}

export function listOf(data: PlainData | undefined): readonly PlainData[] {
  return Array.isArray(data) ? (data as readonly PlainData[]) : [];
}

/** A text, or a number as text. */
export function textOf(data: PlainData | undefined): string {
  return typeof data === "string" || typeof data === "number" || typeof data === "bigint" ? String(data) : "unknown";
}

export function numberOf(data: PlainData | undefined): number {
  return typeof data === "number" ? data : Number.NaN;
}

/** A module that a checkpoint carries. @throws CheckpointFault for bytes that are none: nothing can have run them */
export function carriedModule(bytes: Uint8Array, hash: string): Module {
  try {
    return decodeModule(bytes);
  } catch (thrown) {
    if (!(thrown instanceof WasmFault)) throw thrown;
    throw new CheckpointFault("damaged", `image: module ${short(hash)}: ${thrown.message}`, { hash }, thrown);
  }
}
