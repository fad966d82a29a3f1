// Calls and nothing else: the recursive Fibonacci numbers.
#include "bench.h"

NOINLINE static int32_t fib(int32_t n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int32_t run(int32_t size) {
  return fib(size);
}

BENCH_MAIN(12)
