// Tight loops over bytes: primes below 2^18.
#include <string.h>

#include "bench.h"

enum { LIMIT = 1 << 18 };

static uint8_t candidate[LIMIT];

int32_t run(int32_t size) {
  int32_t count = 0;
  for (int32_t turn = 0; turn < size; turn++) {
    memset(candidate, 1, sizeof candidate);
    for (int i = 2; i * i < LIMIT; i++) {
      if (!candidate[i]) continue;
      for (int multiple = i * i; multiple < LIMIT; multiple += i) candidate[multiple] = 0;
    }
    for (int i = 2; i < LIMIT; i++) count += candidate[i];
  }
  return count;
}

BENCH_MAIN(1)
