// Products of f64 matrices: three nested counted loops.
#include "bench.h"

enum { N = 64 };

static double a[N][N], b[N][N], c[N][N];

int32_t run(int32_t size) {
  double sum = 0;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      a[i][j] = i + j * 0.5;
      b[i][j] = i - j * 0.25;
    }
  for (int32_t turn = 0; turn < size; turn++) {
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) {
        double cell = 0;
        for (int k = 0; k < N; k++) cell += a[i][k] * b[k][j];
        c[i][j] = cell;
      }
    sum += c[turn % N][turn * 7 % N];
    a[turn % N][0] += 1;
  }
  return (int32_t)sum;
}

BENCH_MAIN(1)
