// Sorting strings with qsort: an indirect call for each comparison.
#include <string.h>

#include "bench.h"

enum { COUNT = 4000, LENGTH = 12 };

static char pool[COUNT][LENGTH + 1];
static const char *words[COUNT];

static int compare(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int32_t run(int32_t size) {
  uint32_t state = 12345, sum = 0;
  for (int32_t turn = 0; turn < size; turn++) {
    for (int i = 0; i < COUNT; i++) {
      for (int k = 0; k < LENGTH; k++) pool[i][k] = (char)('a' + (next_number(&state) >> 24) % 26);
      words[i] = pool[i];
    }
    qsort(words, COUNT, sizeof *words, compare);
    sum = sum * 31 + (uint32_t)words[COUNT / 2][0] + (uint32_t)words[COUNT / 3][3];
  }
  return (int32_t)sum;
}

BENCH_MAIN(1)
