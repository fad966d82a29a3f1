// Strip-mined loops: one poll for many turns of a loop without calls.
//
//   rounds + 1 -> counter
//   block $left (result r)
//     loop $polled
//       block $spent
//         loop $turn (result r)                  a round; the original's label
//           counter - 1 -> counter; br_if $spent when it is 0
//           block { the original's body; br $left }   for every copy but the last: its label means the next copy
//           the original's body
//         end
//         br $left
//       end
//       poll; rounds + 1 -> counter; br $polled
//     end
//     unreachable
//   end
//
// Copies of small bodies share a step of the counter, and the engine's own check at every turn of a loop. $turn holds no call, so the engine optimises it as it would the original. A loop that is left before its turns are
// spent does not poll at all: whatever encloses it does. The frame's position is the loop's head, as with every poll
// of a loop; the counter is no part of a frame.

import { I32, OP } from "../wasm/index.ts";
import { type Emitter, OWN_SLOT } from "./emit.ts";
import type { Site } from "./plan.ts";

/** Writes what stands in front of the rounds; the physical index of $left. */
export function openMinedLoop(emitter: Emitter, at: number, rounds: number): number {
  const { code, plan, space } = emitter;
  restart(emitter, plan.temporary(OWN_SLOT.fuel, I32), rounds);
  code.u8(OP.block);
  space.writeBlockType(code, plan.body.blockType[at]!);
  code.bytes([OP.loop, 0x40]);
  const left = emitter.physical;
  emitter.physical += 2;
  return left;
}

/** Writes what stands in front of the body of a round. */
export function openRound(emitter: Emitter, at: number): void {
  const { code, plan, space } = emitter;
  const counter = plan.temporary(OWN_SLOT.fuel, I32);
  code.bytes([OP.block, 0x40, OP.loop]);
  space.writeBlockType(code, plan.body.blockType[at]!);
  emitter.physical++;
  emitter.labels.push(emitter.physical++);
  emitter.local(OP.localGet, counter);
  emitter.constant(-1);
  code.u8(OP.i32Add);
  emitter.local(OP.localTee, counter);
  code.u8(OP.i32Eqz);
  emitter.unlikely(OP.brIf);
  code.u32(1);
}

/** Writes what follows the end of $turn, which has been written. */
export function closeRound(emitter: Emitter, left: number): void {
  const { code } = emitter;
  code.u8(OP.br);
  code.u32(emitter.physical - 1 - left);
  code.u8(OP.end);
  emitter.physical--;
}

/** Writes what follows the rounds. */
export function closeMinedLoop(emitter: Emitter, site: Site, rounds: number): void {
  const { code, plan } = emitter;
  emitter.poll(site);
  restart(emitter, plan.temporary(OWN_SLOT.fuel, I32), rounds);
  code.bytes([OP.br, 0, OP.end, OP.unreachable, OP.end]);
  emitter.physical -= 2;
}

/** Opens a copy of the body that is followed by another. */
export function openCopy(emitter: Emitter): void {
  emitter.code.bytes([OP.block, 0x40]);
  emitter.labels[emitter.labels.length - 1] = emitter.physical++;
}

/** Closes it: who comes to its end leaves the loop, with the loop's results. */
export function closeCopy(emitter: Emitter, left: number): void {
  const { code, labels } = emitter;
  code.u8(OP.br);
  code.u32(emitter.physical - 1 - left);
  code.u8(OP.end);
  emitter.physical--;
  labels[labels.length - 1] = emitter.physical - 1;
}

function restart(emitter: Emitter, counter: number, rounds: number): void {
  emitter.constant(rounds + 1);
  emitter.local(OP.localSet, counter);
}
