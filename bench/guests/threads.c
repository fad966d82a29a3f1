// As dirty.c, with threads: each dirties its part of so many MiB, then changes a word of it about every millisecond, while
// the first thread writes a line as often, to a file or ("-") to standard output. Natively with pthreads, as Wasm with
// `thread-spawn`.
//
//   threads MIB FILE THREADS
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct thread {
  void *stack; // first: wasi_thread_start reads it
  uint64_t *memory;
  size_t words;
};

static atomic_int ready;
static atomic_uint turns;

static void pause_shortly(void) {
  const struct timespec pause = {0, 1000000};
  nanosleep(&pause, NULL);
}

__attribute__((used)) void thread_main(struct thread *self) {
  uint64_t state = 88172645463325252u + (uintptr_t)self;
  for (size_t i = 0; i < self->words; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    self->memory[i] = state;
  }
  atomic_fetch_add(&ready, 1);
  for (;;) {
    const unsigned turn = atomic_fetch_add(&turns, 1);
    self->memory[(turn * 4099u) % self->words] += turn;
    pause_shortly();
  }
}

#ifdef __wasm__
// Debian's wasi-libc has no pthreads: what they would be made of there. Threads use nothing of libc that has state.
#include "../../apps/components/wasi-threads/spawn.h"

static int start(struct thread *thread) {
  const size_t bytes = 65536;
  char *stack = malloc(bytes);
  if (!stack) return -1;
  thread->stack = stack + bytes;
  return thread_spawn(thread) > 0 ? 0 : -1;
}
#else
#include <pthread.h>

static void *run(void *thread) {
  thread_main(thread);
  return NULL;
}

static int start(struct thread *thread) {
  pthread_t made;
  return pthread_create(&made, NULL, run, thread);
}
#endif

int main(int argc, char **argv) {
  if (argc != 4) return 2;
#ifdef __wasm__
  constructors(); // libc's, of the directories that it is given
#endif
  const int threads = atoi(argv[3]);
  const size_t words = ((size_t)atoi(argv[1]) << 20) / 8 / (size_t)threads;
  const int file = strcmp(argv[2], "-") ? open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0644) : STDOUT_FILENO;
  if (file < 0) return 1;
  for (int i = 0; i < threads; i++) {
    struct thread *thread = malloc(sizeof *thread);
    *thread = (struct thread){NULL, malloc(words * 8), words};
    if (!thread->memory || start(thread)) return 1;
  }
  while (atomic_load(&ready) < threads) pause_shortly();
  for (;;) {
    char line[32];
    const int length = snprintf(line, sizeof line, "%u\n", atomic_load(&turns));
    if (write(file, line, (size_t)length) != length) return 1;
    pause_shortly();
  }
}
