// Time and chance: clocks that must not run backwards, sleeps that must not end early, random bytes.
// Prints only what holds in every run.
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "app.h"

static int64_t now_ns(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int main(int argc, char **argv) {
  int rounds = work_size(argc, argv, 20), backwards = 0, early = 0, distinct = 0;
  const int64_t sleep_ns = 3000000, tolerance_ns = 1000000; // some hosts count in milliseconds
  uint64_t previous = 0, bytes = 0;
  for (int i = 0; i < rounds; i++) {
    int64_t before = now_ns(CLOCK_MONOTONIC);
    nanosleep(&(struct timespec){0, (long)sleep_ns}, NULL);
    int64_t between = now_ns(CLOCK_MONOTONIC);
    usleep((useconds_t)(sleep_ns / 1000));
    int64_t after = now_ns(CLOCK_MONOTONIC);
    backwards += between < before || after < between;
    early += between - before < sleep_ns - tolerance_ns || after - between < sleep_ns - tolerance_ns;
    getentropy(&bytes, sizeof bytes);
    distinct += bytes != previous;
    previous = bytes;
  }
  printf("%d rounds: %d backwards, %d early, %d distinct\n", rounds, backwards, early, distinct);
  printf("the year is %s\n", now_ns(CLOCK_REALTIME) / 1000000000 > 1577836800 ? "after 2019" : "wrong");
  return 0;
}
