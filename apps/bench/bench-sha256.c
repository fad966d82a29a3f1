// Hashing: i32 arithmetic without calls or branches in the rounds. A unit of work is 64 KiB.
#include <math.h>

#include "bench.h"

enum { BYTES = 1 << 16 };

static uint8_t message[BYTES];
static uint32_t round_constants[64];

static uint32_t turn(uint32_t x, int bits) {
  return x >> bits | x << (32 - bits);
}

// Fractions of the cube roots of the first primes.
static void compute_constants(void) {
  for (int candidate = 2, found = 0; found < 64; candidate++) {
    int prime = 1;
    for (int d = 2; d * d <= candidate; d++) prime &= candidate % d != 0;
    double root = cbrt(candidate);
    if (prime) round_constants[found++] = (uint32_t)((root - floor(root)) * 4294967296.0);
  }
}

static void add_block(uint32_t *state, const uint8_t *bytes) {
  uint32_t w[64];
  for (int i = 0; i < 16; i++, bytes += 4)
    w[i] = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
  for (int i = 16; i < 64; i++) {
    uint32_t s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < 64; i++) {
    uint32_t t1 = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + round_constants[i] + w[i];
    uint32_t t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1;
    d = c, c = b, b = a, a = t1 + t2;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

int32_t run(int32_t size) {
  uint32_t state[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  compute_constants();
  for (int i = 0; i < BYTES; i++) message[i] = (uint8_t)(i * 31);
  for (int32_t i = 0; i < size; i++)
    for (int at = 0; at < BYTES; at += 64) add_block(state, message + at);
  return (int32_t)(state[0] ^ state[7]);
}

BENCH_MAIN(1)
