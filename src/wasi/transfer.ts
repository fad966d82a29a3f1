// Moves bytes between the program's buffers and a stream or file: scattered, in pieces, restartable.
//
// I1  `moved` counts bytes that have taken effect; it is what a freeze notes and where the call goes on after it.
// I2  A refusal after the first byte is not reported: the call returns what it moved, the next call meets it again.

import type { PlainData } from "../abi/index.ts";
import type { Errno } from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
import { fail } from "./fault.ts";
import type { Guest } from "./function.ts";
import { PIECE_BYTES } from "./limits.ts";
import type { GuestBuffer } from "./memory.ts";
import { readerOf } from "./plain-data.ts";
import { honourFreeze, untilReady, type Waiting } from "./wait.ts";

export interface Transfer {
  readonly direction: "in" | "out";
  /** Moves some bytes of a piece; `moved` bytes of this call lie behind it. 0 ends the transfer. */
  readonly step: (piece: Uint8Array, moved: number) => Attempt<number, Errno>;
  /** Absent: `step` is never refused with "again". */
  readonly waiting?: Omit<Waiting, "progress">;
  /** Return only when all is moved (or the other side ends), also when reading. */
  readonly all?: boolean;
  /** The most that a step moves; absent: no such bound. */
  readonly pieceBytes?: number | undefined;
}

/** The number of bytes moved; errno of the first step that was refused when nothing has been moved before it. */
export function transfer(guest: Guest, buffers: readonly GuestBuffer[], plan: Transfer): number {
  let moved = movedBefore(guest.call.progress, buffers);
  const pieceBytes = Math.min(PIECE_BYTES, plan.pieceBytes ?? PIECE_BYTES);
  let start = 0;
  for (const { pointer, length } of buffers) {
    while (moved < start + length) {
      const at = moved - start;
      const most = Math.min(pieceBytes, length - at);
      const size = guest.memory.run(pointer + at, most, plan.direction === "in").length;
      const result = movePiece(guest, { pointer: pointer + at, length: size }, plan, moved);
      if (!result.ok) return moved > 0 ? moved : fail(result.reason);
      moved += result.value;
      guest.call.note?.({ moved });
      if (result.value === 0 || (result.value < size && plan.direction === "in" && !plan.all)) return moved;
      if (size === pieceBytes) honourFreeze(guest, { moved });
    }
    start += length;
  }
  return moved;
}

function movePiece(guest: Guest, piece: GuestBuffer, plan: Transfer, moved: number): Attempt<number, Errno> {
  const attempt = () => plan.step(guest.memory.run(piece.pointer, piece.length, plan.direction === "in"), moved);
  if (!plan.waiting) return attempt();
  // A read that has something returns it instead of waiting for more.
  const nonblocking = plan.waiting.nonblocking || (plan.direction === "in" && moved > 0 && !plan.all);
  const progress = () => (moved > 0 ? { moved } : undefined);
  return untilReady(guest, { readiness: plan.waiting.readiness, nonblocking, progress }, attempt);
}

/** What a call of this kind had moved before it was frozen. */
function movedBefore(progress: PlainData | undefined, buffers: readonly GuestBuffer[]): number {
  if (progress === undefined) return 0;
  const state = readerOf(progress, "progress").only("moved").field("moved");
  const total = buffers.reduce((sum, { length }) => sum + length, 0);
  return state.count() <= total ? state.count() : state.malformed(`at most ${total}`);
}
