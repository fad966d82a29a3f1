// Digits of pi by Machin's formula in big fixed-point numbers: long division, carries, borrows.
#include <stdio.h>
#include <string.h>

#include "app.h"

// A number is `words` words: the integer part first, then fractions of 10^9 each.
static const uint32_t base = 1000000000u;
static int words;

static int divide(uint32_t *number, uint32_t divisor) {
  uint64_t rest = 0;
  uint32_t any = 0;
  for (int i = 0; i < words; i++) {
    rest = rest * base + number[i];
    any |= number[i] = (uint32_t)(rest / divisor);
    rest %= divisor;
  }
  return any != 0;
}

static void add(uint32_t *sum, const uint32_t *number) {
  uint32_t carry = 0;
  for (int i = words - 1; i >= 0; i--) {
    uint32_t digit = sum[i] + number[i] + carry;
    carry = digit >= base;
    sum[i] = carry ? digit - base : digit;
  }
}

static void subtract(uint32_t *sum, const uint32_t *number) {
  uint32_t borrow = 0;
  for (int i = words - 1; i >= 0; i--) {
    uint32_t take = number[i] + borrow;
    borrow = sum[i] < take;
    sum[i] = borrow ? sum[i] + base - take : sum[i] - take;
  }
}

/** Adds factor * arctan(1 / x) to `sum`, or subtracts it. */
static void add_arctan(uint32_t *sum, uint32_t factor, uint32_t x, int subtracting) {
  size_t size = sizeof(uint32_t) * (size_t)words;
  uint32_t *power = calloc(1, size), *term = malloc(size);
  power[0] = factor;
  divide(power, x);
  for (uint32_t odd = 1;; odd += 2, subtracting = !subtracting) {
    memcpy(term, power, size);
    if (!divide(term, odd)) break;
    (subtracting ? subtract : add)(sum, term);
    divide(power, x * x);
  }
  free(power);
  free(term);
}

int main(int argc, char **argv) {
  int digits = work_size(argc, argv, 180);
  words = digits / 9 + 3;
  uint32_t *pi = calloc((size_t)words, sizeof *pi);
  add_arctan(pi, 16, 5, 0);
  add_arctan(pi, 4, 239, 1);
  printf("%u.", pi[0]);
  for (int i = 1; i <= digits / 9; i++) printf("%09u%s", pi[i], i % 6 ? "" : "\n");
  printf("\n");
  free(pi);
  return 0;
}
