// Bulk copies: many short ones at any alignment, and one of 256 KiB for each unit of work.
#include <string.h>

#include "bench.h"

enum { BYTES = 1 << 20, HALF = BYTES / 2 };

static char a[BYTES], b[BYTES];

int32_t run(int32_t size) {
  uint32_t state = 1, sum = 0;
  for (int i = 0; i < BYTES; i++) {
    a[i] = (char)(i * 13);
    b[i] = 0;
  }
  for (int32_t turn = 0; turn < size; turn++) {
    for (int i = 0; i < 500; i++) {
      uint32_t number = next_number(&state), length = 16 + (number >> 8) % 512;
      memcpy(b + (number >> 12) % HALF, a + (number >> 4) % HALF, length);
      b[(number >> 12) % HALF] += (char)i;
    }
    memcpy((turn % 2 ? a : b) + HALF, turn % 2 ? b : a, HALF / 2);
  }
  for (int i = 0; i < BYTES; i++) sum = sum * 31 + (uint8_t)b[i];
  return (int32_t)sum;
}

BENCH_MAIN(1)
