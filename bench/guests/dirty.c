// Dirties so many MiB, then appends a short line to a file about every millisecond. For bench/criu.ts, natively and as Wasm.
//
//   dirty MIB FILE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const size_t size = (size_t)atoi(argv[1]) << 20;
  const int file = open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0644);
  uint64_t *memory = malloc(size);
  if (file < 0 || !memory) return 1;
  uint64_t state = 88172645463325252u;
  for (size_t i = 0; i < size / 8; i++) { // nothing that a store could share or leave out
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    memory[i] = state;
  }
  for (unsigned turn = 1;; turn++) {
    memory[(turn * 4099u) % (size / 8)] += turn;
    char line[32];
    const int length = snprintf(line, sizeof line, "%u\n", turn);
    if (write(file, line, (size_t)length) != length) return 1;
    const struct timespec pause = {0, 1000000};
    nanosleep(&pause, NULL);
  }
}
