// Many small functions that call each other, directly and through a table, with arguments of several types.
#include "bench.h"

typedef int64_t step_fn(int32_t left, int64_t sum, double weight);

static step_fn odd, even, third;
static step_fn *const steps[] = {odd, even, third, even};

NOINLINE static int32_t clamp(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : value;
}

NOINLINE static double scale(double weight, int32_t left) {
  return weight * 0.999 + clamp(left, 3, 40);
}

NOINLINE static int64_t odd(int32_t left, int64_t sum, double weight) {
  return left <= 0 ? sum : even(left - 1, sum * 3 + (int64_t)weight, scale(weight, left)) + 1;
}

NOINLINE static int64_t even(int32_t left, int64_t sum, double weight) {
  return left <= 0 ? sum : steps[(sum ^ left) & 3](left - 1, sum + clamp((int32_t)sum, -left, left), weight) ^ left;
}

NOINLINE static int64_t third(int32_t left, int64_t sum, double weight) {
  if (left <= 1) return sum - 1;
  int64_t below = odd(left / 2, sum, scale(weight, left));
  return below + even(left - left / 2 - 1, below & 0xffff, weight);
}

int32_t run(int32_t size) {
  int64_t sum = 0;
  for (int32_t i = 0; i < size * 100; i++) sum = steps[i & 3](24, sum & 0xffffff, i * 0.5);
  return (int32_t)(sum ^ sum >> 32);
}

BENCH_MAIN(2)
