// SHA-256 of known messages and of a pseudo-random one as long as the work size says.
// The round constants are computed as the standard defines them: fractions of cube and square roots of primes.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app.h"

static uint32_t round_constants[64], initial[8];

static uint32_t fraction(double root) {
  return (uint32_t)((root - floor(root)) * 4294967296.0);
}

static void compute_constants(void) {
  for (int candidate = 2, found = 0; found < 64; candidate++) {
    int prime = 1;
    for (int d = 2; d * d <= candidate; d++) prime &= candidate % d != 0;
    if (!prime) continue;
    round_constants[found] = fraction(cbrt(candidate));
    if (found < 8) initial[found] = fraction(sqrt(candidate));
    found++;
  }
}

static uint32_t turn(uint32_t x, int bits) {
  return x >> bits | x << (32 - bits);
}

static void add_block(uint32_t state[8], const uint8_t *bytes) {
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++, bytes += 4)
    w[i] = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
  }
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 64; i++) {
    uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]), majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    uint32_t t = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) + choice + round_constants[i] + w[i];
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += t;
    v[0] = t + (turn(v[1], 2) ^ turn(v[1], 13) ^ turn(v[1], 22)) + majority;
  }
  for (int i = 0; i < 8; i++) state[i] += v[i];
}

static void print_digest(const char *label, const uint8_t *message, size_t length) {
  uint32_t state[8];
  uint8_t last[128] = {0};
  size_t whole = length / 64 * 64, rest = length - whole, padded = rest < 56 ? 64 : 128;
  memcpy(state, initial, sizeof state);
  for (size_t i = 0; i < whole; i += 64) add_block(state, message + i);
  memcpy(last, message + whole, rest);
  last[rest] = 0x80;
  for (int i = 0; i < 8; i++) last[padded - 1 - (size_t)i] = (uint8_t)((uint64_t)length * 8 >> 8 * i);
  for (size_t i = 0; i < padded; i += 64) add_block(state, last + i);
  printf("%s: ", label);
  for (int i = 0; i < 8; i++) printf("%08x", state[i]);
  printf("\n");
}

int main(int argc, char **argv) {
  size_t length = (size_t)work_size(argc, argv, 1000);
  uint8_t *message = malloc(length);
  uint32_t number = 123456789u;
  compute_constants();
  for (size_t i = 0; i < length; i++) message[i] = (uint8_t)next_number(&number);
  print_digest("empty", message, 0);
  print_digest("abc", (const uint8_t *)"abc", 3);
  print_digest("two blocks", (const uint8_t *)"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56);
  print_digest("random", message, length);
  free(message);
  return 0;
}
