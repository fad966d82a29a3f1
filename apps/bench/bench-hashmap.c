// A hash map with open addressing that grows: 10,000 updates for each unit of work.
#include "bench.h"

struct slot {
  uint32_t key, value;
};

static struct slot *slots;
static uint32_t capacity, used;

static uint32_t hash(uint32_t x) {
  x = (x ^ x >> 16) * 0x7feb352d;
  x = (x ^ x >> 15) * 0x846ca68b;
  return x ^ x >> 16;
}

static void add(uint32_t key, uint32_t value);

NOINLINE static void grow(void) {
  struct slot *old = slots;
  uint32_t count = capacity;
  capacity = capacity ? capacity * 2 : 64;
  slots = calloc(capacity, sizeof *slots);
  used = 0;
  for (uint32_t i = 0; i < count; i++)
    if (old[i].key) add(old[i].key, old[i].value);
  free(old);
}

NOINLINE static void add(uint32_t key, uint32_t value) {
  if ((used + 1) * 4 > capacity * 3) grow();
  uint32_t at = hash(key) & (capacity - 1);
  while (slots[at].key && slots[at].key != key) at = (at + 1) & (capacity - 1);
  used += !slots[at].key;
  slots[at].key = key;
  slots[at].value += value;
}

int32_t run(int32_t size) {
  uint32_t sum = 0;
  for (int32_t turn = 0; turn < size; turn++) {
    uint32_t state = (uint32_t)turn + 1;
    slots = NULL;
    capacity = used = 0;
    for (uint32_t i = 0; i < 10000; i++) add((next_number(&state) >> 10) % 6000 + 1, i);
    for (uint32_t i = 0; i < capacity; i++) sum = sum * 31 + slots[i].value;
    free(slots);
  }
  return (int32_t)sum;
}

BENCH_MAIN(1)
