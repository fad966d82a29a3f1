// What the benchmark programs share. Each defines `run`, which does `size` units of work, keeps no state between calls
// and returns a checksum; a bench calls the export repeatedly, `_start` prints the checksum once.
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define NOINLINE __attribute__((noinline))

__attribute__((export_name("run"))) int32_t run(int32_t size);

/** Defines main: the size is the first argument or `default_size`. */
#define BENCH_MAIN(default_size)                            \
  int main(int argc, char **argv) {                         \
    int32_t size = argc > 1 ? atoi(argv[1]) : default_size; \
    printf("%08x\n", (unsigned)run(size));                  \
    return 0;                                               \
  }

/** Returns the next of a fixed sequence of numbers; the upper bits are the good ones. */
static inline uint32_t next_number(uint32_t *state) {
  return *state = *state * 1664525u + 1013904223u;
}

#endif
