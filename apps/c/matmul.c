// Matrix products in f64 and f32, straight and in blocks; both orders of work must agree.
#include <stdio.h>

#include "app.h"

enum { BLOCK = 4 };

static void fill(double *matrix, int n, uint32_t seed) {
  for (int i = 0; i < n * n; i++) matrix[i] = (int)(next_number(&seed) % 19) - 9;
}

static void multiply(const double *a, const double *b, double *c, int n) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double sum = 0;
      for (int k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
      c[i * n + j] = sum;
    }
}

static void add_block(const double *a, const double *b, float *c, int n) {
  for (int i = 0; i < BLOCK; i++)
    for (int j = 0; j < BLOCK; j++)
      for (int k = 0; k < BLOCK; k++) c[i * n + j] += (float)a[i * n + k] * (float)b[k * n + j];
}

static void multiply_blocks(const double *a, const double *b, float *c, int n) {
  for (int i = 0; i < n * n; i++) c[i] = 0;
  for (int i = 0; i < n; i += BLOCK)
    for (int j = 0; j < n; j += BLOCK)
      for (int k = 0; k < n; k += BLOCK) add_block(a + i * n + k, b + k * n + j, c + i * n + j, n);
}

int main(int argc, char **argv) {
  int n = (work_size(argc, argv, 20) + BLOCK - 1) / BLOCK * BLOCK, equal = 0;
  size_t cells = (size_t)n * (size_t)n;
  double *a = malloc(cells * sizeof *a), *b = malloc(cells * sizeof *b), *c = malloc(cells * sizeof *c), trace = 0;
  float *blocked = malloc(cells * sizeof *blocked);
  fill(a, n, 1);
  fill(b, n, 2);
  multiply(a, b, c, n);
  multiply_blocks(a, b, blocked, n);
  for (size_t i = 0; i < cells; i++) equal += c[i] == (double)blocked[i];
  for (int i = 0; i < n; i++) trace += c[i * n + i];
  printf("%d x %d: trace %.1f, corner %.1f, %d of %zu cells equal\n", n, n, trace, c[cells - 1], equal, cells);
  return 0;
}
