// The kinds of imports and exports, by their byte in the binary format.

import type { ExternKind } from "./types.ts";

/** Indexed by the byte of the binary format. */
export const EXTERN_KINDS: readonly ExternKind[] = ["func", "table", "memory", "global", "tag"];

/** The byte of the binary format. */
export function externCode(kind: ExternKind): number {
  return EXTERN_KINDS.indexOf(kind);
}
