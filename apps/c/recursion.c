// Plain and mutual recursion: values wait in every frame while the callee runs.
#include <stdio.h>

#include "app.h"

static int male(int n);

__attribute__((noinline)) static int fib(int n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

__attribute__((noinline)) static int ackermann(int m, int n) {
  if (m == 0) return n + 1;
  if (n == 0) return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}

// Hofstadter's pair of sequences, each defined by the other.
__attribute__((noinline)) static int female(int n) {
  return n == 0 ? 1 : n - male(female(n - 1));
}

__attribute__((noinline)) static int male(int n) {
  return n == 0 ? 0 : n - female(male(n - 1));
}

__attribute__((noinline)) static void hanoi(int discs, int from, int to, uint32_t *sum) {
  if (discs == 0) return;
  int spare = 6 - from - to;
  hanoi(discs - 1, from, spare, sum);
  *sum = fold(*sum, (uint32_t)(discs * 16 + from * 4 + to));
  hanoi(discs - 1, spare, to, sum);
}

int main(int argc, char **argv) {
  int n = work_size(argc, argv, 15);
  uint32_t moves = 0;
  printf("fib(%d) = %d\n", n, fib(n));
  printf("ackermann(2, %d) = %d\n", n, ackermann(2, n));
  printf("female(%d) = %d, male(%d) = %d\n", n, female(n), n, male(n));
  hanoi(n / 2 + 2, 1, 3, &moves);
  printf("hanoi(%d) = %08x\n", n / 2 + 2, moves);
  return 0;
}
