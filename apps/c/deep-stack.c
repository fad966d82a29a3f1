// A deep stack whose frames hold arrays, and pointers from callees into their callers' frames.
#include <stdio.h>

#include "app.h"

struct link {
  const struct link *caller;
  int depth;
  double weight;
};

__attribute__((noinline)) static double descend(const struct link *caller, int left, uint32_t *state) {
  struct link here = {caller, caller ? caller->depth + 1 : 0, (next_number(state) & 1023) / 8.0};
  int window[8];
  for (int i = 0; i < 8; i++) window[i] = (int)(next_number(state) & 255);
  double below = left > 0 ? descend(&here, left - 1, state) : 0;
  int largest = window[0];
  for (int i = 1; i < 8; i++) largest = window[i] > largest ? window[i] : largest;
  double above = 0;
  const struct link *link = caller;
  for (int i = 0; link && i < 3; i++, link = link->caller) above += link->weight;
  return below + here.weight * largest - above;
}

int main(int argc, char **argv) {
  int depth = work_size(argc, argv, 500);
  uint32_t state = 2463534242u;
  for (int d = 1; d < depth; d *= 4) printf("depth %d: %.3f\n", d, descend(NULL, d, &state));
  printf("depth %d: %.3f\n", depth, descend(NULL, depth, &state));
  return 0;
}
