// A stack of a given depth with work at its bottom: what a freeze has to unwind. Frames use no linear memory.
#include "bench.h"

NOINLINE static uint32_t spin(uint32_t seed, int32_t turns) {
  for (int32_t i = 0; i < turns; i++) seed = (seed << 13 | seed >> 19) * 5 + 0xe6546b64u;
  return seed;
}

NOINLINE static uint32_t descend(int32_t depth, int32_t turns, uint32_t seed, double weight) {
  if (depth == 0) return spin(seed, turns);
  uint32_t kept = seed * 31 + (uint32_t)depth;
  uint32_t below = descend(depth - 1, turns, kept ^ seed >> 7, weight * 0.5 + depth);
  return (below ^ kept) * 3 + (uint32_t)(int32_t)weight;
}

/** Descends `depth` frames, spins `turns` turns there and comes back. */
__attribute__((export_name("hold"))) int32_t hold(int32_t depth, int32_t turns) {
  return (int32_t)descend(depth, turns, 1, 0.5);
}

int32_t run(int32_t size) {
  uint32_t sum = 0;
  for (int32_t i = 0; i < size; i++) sum = sum * 31 + (uint32_t)hold(200, (int32_t)(sum & 63));
  return (int32_t)sum;
}

BENCH_MAIN(10)
