// Loops that are written as more than a copy: guarded ones, once for each way (windows-loops.ts), and strip-mined ones,
// which poll once for many turns of a loop without calls:
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
// Copies of small bodies share a step of the counter, and the engine's own check at every turn of a loop. $turn holds no
// call, so the engine optimises it as it would the original. A loop that is left before its turns are spent does not
// poll at all: whatever encloses it does. The frame's position is the loop's head, as with every poll of a loop; the
// counter is no part of a frame.

import { BLOCK_EMPTY, I32, OP } from "../wasm/index.ts";
import { mostTurnsOf } from "./counted-loops.ts";
import { type Emitter, OWN_SLOT } from "./emit.ts";
import { bodyCopies, loopTurns } from "./loops.ts";
import { MARK, type Site } from "./plan.ts";
import type { GuardedLoop } from "./windows-loops.ts";

/** The loops of the function that is being written; whoever writes the rest goes by `plain`. */
export class LoopWriter {
  /** Whether a guarded loop is being written without checks. */
  plain = false;
  readonly #emitter: Emitter;
  /** Strip-mined loops that are open, and the physical index of the block around each. */
  readonly #open = new Map<number, number>();

  constructor(emitter: Emitter) {
    this.#emitter = emitter;
  }

  /** Whether the loop at `at`, an active site, is strip-mined. */
  mined(at: number): boolean {
    const { plan, space } = this.#emitter;
    return loopTurns(plan.body, at, space.mostTurns) > 1;
  }

  /** The most turns of a loop between two points where a guard can be asked; 1 if it is asked for none. */
  turns(at: number): number {
    const { plan } = this.#emitter;
    if (plan.siteAt.get(at)) {
      if (!this.mined(at)) return 1;
      const { copies, rounds } = this.#mining(at);
      return copies * rounds;
    }
    const most = mostTurnsOf(plan.body, at);
    return Number.isFinite(most) ? most : 1;
  }

  /**
   * How many copies of a strip-mined body follow each other, and how often all of them run before a poll: a power of
   * two, because branch predictors learn the polls together with the period of the program (docs/RATIONALE.md).
   */
  #mining(at: number): { readonly copies: number; readonly rounds: number } {
    const { plan, space } = this.#emitter;
    const turns = loopTurns(plan.body, at, space.mostTurns);
    const copies = Math.min(turns, bodyCopies(plan.body, at));
    return { copies, rounds: 2 ** Math.floor(Math.log2(turns / copies)) };
  }

  /** Opens a strip-mined loop and writes the copies of its body but the last, which is to be written as it comes. */
  open(at: number): void {
    const emitter = this.#emitter;
    emitter.replace(at);
    const left = openMinedLoop(emitter, at, this.#mining(at).rounds);
    this.#open.set(at, left);
    openRound(emitter, at);
    this.#copies(at, left);
    emitter.copyFrom(at + 1);
  }

  /** Closes the loop at `opener`, if it is a strip-mined one that has been opened, behind its end. */
  close(opener: number, end: number): void {
    const left = this.#open.get(opener);
    if (left === undefined) return;
    const emitter = this.#emitter;
    this.#open.delete(opener);
    emitter.copyTo(end + 1);
    closeRound(emitter, left);
    closeMinedLoop(emitter, emitter.plan.siteAt.get(opener)!, this.#mining(opener).rounds);
  }

  /** Writes a guarded loop, once for each way and once with checks. */
  guarded(loop: GuardedLoop): void {
    const { at } = loop;
    const emitter = this.#emitter;
    const { marks, siteAt, body } = emitter.plan;
    if (siteAt.get(at) && this.mined(at)) this.#guardedMined(loop);
    else {
      emitter.windows!.loop(loop, body.blockType[at]!, (fast) => {
        this.plain = fast;
        emitter.code.u8(OP.loop);
        emitter.space.writeBlockType(emitter.code, body.blockType[at]!);
        emitter.labels.push(emitter.physical++);
        this.#lastCopy(at);
        this.plain = false;
      });
    }
    const end = body.match[at]!;
    emitter.copyFrom(end + 1);
    if (marks[end]! & MARK.tee) emitter.tee(end);
  }

  #guardedMined(loop: GuardedLoop): void {
    const { at } = loop;
    const emitter = this.#emitter;
    const { rounds } = this.#mining(at);
    const left = openMinedLoop(emitter, at, rounds);
    emitter.windows!.loop(loop, BLOCK_EMPTY, (fast) => {
      this.plain = fast;
      openRound(emitter, at);
      this.#copies(at, left);
      this.#lastCopy(at);
      closeRound(emitter, left);
      this.plain = false;
    });
    closeMinedLoop(emitter, emitter.plan.siteAt.get(at)!, rounds);
  }

  /** Writes the copies of a strip-mined loop's body but the last. */
  #copies(at: number, left: number): void {
    const emitter = this.#emitter;
    const { copies } = this.#mining(at);
    for (let copy = 1; copy < copies; copy++) {
      openCopy(emitter);
      emitter.instructions(at + 1, emitter.plan.body.match[at]!);
      closeCopy(emitter, left);
    }
  }

  /** The body of a loop that has been opened, and its end. */
  #lastCopy(at: number): void {
    const emitter = this.#emitter;
    emitter.instructions(at + 1, emitter.plan.body.match[at]!);
    emitter.code.u8(OP.end);
    emitter.labels.pop();
    emitter.physical--;
  }
}
/** Writes what stands in front of the rounds; the physical index of $left. */
function openMinedLoop(emitter: Emitter, at: number, rounds: number): number {
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
function openRound(emitter: Emitter, at: number): void {
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
function closeRound(emitter: Emitter, left: number): void {
  const { code } = emitter;
  code.u8(OP.br);
  code.u32(emitter.physical - 1 - left);
  code.u8(OP.end);
  emitter.physical--;
}

/** Writes what follows the rounds. */
function closeMinedLoop(emitter: Emitter, site: Site, rounds: number): void {
  const { code, plan } = emitter;
  emitter.poll(site);
  restart(emitter, plan.temporary(OWN_SLOT.fuel, I32), rounds);
  code.bytes([OP.br, 0, OP.end, OP.unreachable, OP.end]);
  emitter.physical -= 2;
}

/** Opens a copy of the body that is followed by another. */
function openCopy(emitter: Emitter): void {
  emitter.code.bytes([OP.block, 0x40]);
  emitter.labels[emitter.labels.length - 1] = emitter.physical++;
}

/** Closes it: who comes to its end leaves the loop, with the loop's results. */
function closeCopy(emitter: Emitter, left: number): void {
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
