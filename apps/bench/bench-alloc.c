// Allocation: blocks of many sizes with mixed lives, resized and freed in another order than they were made.
#include <string.h>

#include "bench.h"

enum { LIVE = 256 };

static uint8_t *blocks[LIVE];
static uint32_t sizes[LIVE];

NOINLINE static void replace(uint32_t index, uint32_t size) {
  free(blocks[index]);
  blocks[index] = malloc(size);
  sizes[index] = size;
  memset(blocks[index], (int)index, size);
}

NOINLINE static void resize(uint32_t index, uint32_t size) {
  blocks[index] = realloc(blocks[index], size);
  if (size > sizes[index]) memset(blocks[index] + sizes[index], (int)size, size - sizes[index]);
  sizes[index] = size;
}

int32_t run(int32_t size) {
  uint32_t state = 99, sum = 0;
  for (uint32_t i = 0; i < LIVE; i++) {
    blocks[i] = NULL;
    replace(i, 8 + i);
  }
  for (int32_t i = 0; i < size * 1000; i++) {
    uint32_t number = next_number(&state), index = (number >> 20) % LIVE, bytes = 1 + (number >> 8) % 400;
    (number >> 30 ? replace : resize)(index, bytes);
    sum = sum * 31 + blocks[(index * 7) % LIVE][0];
  }
  for (uint32_t i = 0; i < LIVE; i++) {
    sum = sum * 31 + blocks[i][sizes[i] - 1];
    free(blocks[i]);
  }
  return (int32_t)sum;
}

BENCH_MAIN(1)
