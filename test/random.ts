// Seeded randomness for tests: the same seed gives the same numbers everywhere.

/** A source of random numbers. */
export interface Random {
  /** An integer from 0 up to, not including, `bound`. */
  below(bound: number): number;
  /** One of the items. */
  pick<T>(items: readonly T[]): T;
}

/** xorshift32 from `seed`. */
export function seededRandom(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) | 0 || 1;
  const below = (bound: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor(((state >>> 0) / 2 ** 32) * bound);
  };
  return { below, pick: (items) => items[below(items.length)]! };
}

/** The seed to use: `RTCR_SEED` if it is set, else the one given; tests name it when they fail. */
export function seedOr(standard: number): number {
  return Number(process.env["RTCR_SEED"] ?? standard);
}
