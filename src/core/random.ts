// Random services: the host's generator, and a seeded one for runs that must repeat.

import type { RandomSession, SessionState } from "../session/index.ts";
import { Fault, StateReader } from "../util/index.ts";

/** The state or seed of a generator could not be used. */
export class RandomFault extends Fault<"malformed"> {}

/** The most that one call of getRandomValues gives. */
const CHUNK_BYTES = 65_536;

/** The host's generator; it has no state, a restored program gets other bytes than its sibling. */
export function createRandom(): RandomSession {
  const chunk = new Uint8Array(CHUNK_BYTES);
  return {
    fill: (target) => {
      // Through a buffer of our own: getRandomValues refuses shared memory.
      for (let at = 0; at < target.length; at += CHUNK_BYTES) {
        const piece = chunk.subarray(0, Math.min(CHUNK_BYTES, target.length - at));
        target.set(crypto.getRandomValues(piece), at);
      }
      chunk.fill(0);
    },
    capture: () => null,
  };
}

/**
 * A generator that repeats (SplitMix64): the same seed gives the same bytes. Not for keys.
 *
 * @param seed the low 64 bits count
 * @param captured the state to go on from, instead of the seed's beginning
 */
export function createSeededRandom(seed: bigint, captured?: SessionState): RandomSession {
  let { state, word, left } = captured === undefined ? { state: seed, word: 0n, left: 0 } : readState(captured);
  return {
    fill: (target) => {
      for (let at = 0; at < target.length; at++) {
        if (left === 0) {
          state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
          word = mix(state);
          left = 8;
        }
        target[at] = Number(word & 0xffn);
        word >>= 8n;
        left--;
      }
    },
    capture: () => ({ state, word, left }),
    writeState: (to) => {
      to.fields();
      to.put("state", state);
      to.put("word", word);
      to.put("left", left);
      to.end();
    },
  };
}

function mix(state: bigint): bigint {
  let z = state;
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

function readState(captured: SessionState): { state: bigint; word: bigint; left: number } {
  const reader = new StateReader(captured, "random", (message) => new RandomFault("malformed", message));
  const field = (name: string) => reader.only("state", "word", "left").field(name);
  return { state: field("state").big(), word: field("word").big(), left: field("left").count(8) };
}
