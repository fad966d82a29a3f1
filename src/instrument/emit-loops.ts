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

/** Blocks around and in the loop beside the original's. */
const ADDED_BLOCKS = 3;

/** Writes what stands in front of the body; the loop instruction itself included. */
export function openMinedLoop(emitter: Emitter, at: number, rounds: number): void {
  const { code, plan, space } = emitter;
  const counter = plan.temporary(OWN_SLOT.fuel, I32);
  const blockType = plan.body.blockType[at]!;
  restart(emitter, counter, rounds);
  code.u8(OP.block);
  space.writeBlockType(code, blockType);
  code.bytes([OP.loop, 0x40, OP.block, 0x40, OP.loop]);
  space.writeBlockType(code, blockType);
  emitter.physical += ADDED_BLOCKS;
  emitter.labels.push(emitter.physical++);
  emitter.local(OP.localGet, counter);
  emitter.constant(-1);
  code.u8(OP.i32Add);
  emitter.local(OP.localTee, counter);
  code.u8(OP.i32Eqz);
  emitter.unlikely(OP.brIf);
  code.u32(1);
}

/** Writes what follows the body's end, which has been written. */
export function closeMinedLoop(emitter: Emitter, site: Site, rounds: number): void {
  const { code, plan } = emitter;
  const counter = plan.temporary(OWN_SLOT.fuel, I32);
  code.bytes([OP.br, 2, OP.end]);
  emitter.physical--;
  emitter.poll(site);
  restart(emitter, counter, rounds);
  code.bytes([OP.br, 0, OP.end, OP.unreachable, OP.end]);
  emitter.physical -= ADDED_BLOCKS - 1;
}

/** Opens a copy of the body that is followed by another. */
export function openCopy(emitter: Emitter): void {
  emitter.code.bytes([OP.block, 0x40]);
  emitter.labels[emitter.labels.length - 1] = emitter.physical++;
}

/** Closes it: who comes to its end leaves the loop, with the loop's results. */
export function closeCopy(emitter: Emitter): void {
  const { code, labels } = emitter;
  const left = emitter.physical - 2 - ADDED_BLOCKS;
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
