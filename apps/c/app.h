// What the C programs share: the work size from the command line, repeatable numbers, a checksum.
#ifndef APP_H
#define APP_H

#include <stdint.h>
#include <stdlib.h>

/** Returns the first argument as the work size, or `otherwise`. */
static inline int work_size(int argc, char **argv, int otherwise) {
  return argc > 1 ? atoi(argv[1]) : otherwise;
}

/** Returns the next of a fixed sequence of numbers (xorshift32); *state must not be 0. */
static inline uint32_t next_number(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  return *state ^= *state << 5;
}

/** Folds a value into a checksum (FNV-1a with a whole word at a time). */
static inline uint32_t fold(uint32_t sum, uint32_t value) {
  return (sum ^ value) * 16777619u;
}

#endif
