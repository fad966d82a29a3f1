// Primes by the sieve of Eratosthenes: byte stores in tight loops.
#include <stdio.h>
#include <string.h>

#include "app.h"

static int sieve(uint8_t *composite, int limit) {
  int count = 0;
  memset(composite, 0, (size_t)limit + 1);
  for (int i = 2; i <= limit; i++) {
    if (composite[i]) continue;
    count++;
    for (int multiple = 2 * i; multiple <= limit; multiple += i) composite[multiple] = 1;
  }
  return count;
}

int main(int argc, char **argv) {
  int limit = work_size(argc, argv, 3000), last = limit;
  uint8_t *composite = malloc((size_t)limit + 1);
  for (int n = 10; n <= limit; n *= 10) printf("%d primes up to %d\n", sieve(composite, n), n);
  printf("%d primes up to %d", sieve(composite, limit), limit);
  while (composite[last]) last--;
  printf(", the last is %d\n", last);
  free(composite);
  return 0;
}
