// Ends from deep below with exit code 7; what was registered with atexit and what was printed must still come out.
#include <stdio.h>

#include "app.h"

static int left_behind;

static void say_goodbye(void) {
  printf("goodbye, %d frames left behind\n", left_behind);
}

__attribute__((noinline)) static int descend(const int *callers_depth, int limit) {
  int depth = *callers_depth + 1;
  left_behind++;
  if (depth == limit) exit(7);
  return descend(&depth, limit) + depth;
}

int main(int argc, char **argv) {
  int depth = 0;
  atexit(say_goodbye);
  printf("descending\n");
  return descend(&depth, work_size(argc, argv, 2500));
}
