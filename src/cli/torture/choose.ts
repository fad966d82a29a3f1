// Random safe points, the same for the same seed.

const LIMIT = 2 ** 32;

/**
 * Up to `count` different numbers of 1 to `last`, ascending.
 *
 * @param seed 32 bits
 */
export function choosePoints(count: number, last: number, seed: number): number[] {
  const random = generator(seed);
  const chosen = new Set<number>();
  const wanted = Math.min(count, last);
  // Floyd's way: every set of `wanted` numbers is as likely as any other.
  for (let top = last - wanted + 1; top <= last; top++) {
    const pick = 1 + Math.floor(random() * top);
    chosen.add(chosen.has(pick) ? top : pick);
  }
  return [...chosen].sort((a, b) => a - b);
}

/** Numbers from 0 to below 1 (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / LIMIT;
  };
}
