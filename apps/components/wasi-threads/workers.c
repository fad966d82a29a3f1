// Workers that compute at the same time: each fills an array of its own in rounds, all add to one sum under a mutex and
// meet at a barrier after each round; the first thread says the sum of each round. What is printed depends on the
// arguments only.
//
//   workers [THREADS [ROUNDS [ITERATIONS]]]
//
// Debian's wasi-libc has no pthreads: mutex, condition and threads are what they would be made of there. Workers use
// nothing of libc that has state.
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 1024, STACK_BYTES = 65536 };

struct thread {
  void *stack; // first: wasi_thread_start reads it
  int number;
  uint64_t words[WORDS];
};

static int threads = 2, rounds = 12, iterations = 40;

static void wait_for(_Atomic int32_t *word, int32_t value, int64_t timeout_ns) {
  __builtin_wasm_memory_atomic_wait32((int32_t *)word, value, timeout_ns);
}

static void wake(_Atomic int32_t *word, uint32_t most) {
  __builtin_wasm_memory_atomic_notify((int32_t *)word, most);
}

// 0: free, 1: held, 2: held, and somebody may wait.
struct mutex {
  _Atomic int32_t state;
};

static void lock(struct mutex *mutex) {
  int32_t seen = 0;
  if (atomic_compare_exchange_strong(&mutex->state, &seen, 1)) return;
  if (seen != 2) seen = atomic_exchange(&mutex->state, 2);
  while (seen != 0) {
    wait_for(&mutex->state, 2, -1);
    seen = atomic_exchange(&mutex->state, 2);
  }
}

static void unlock(struct mutex *mutex) {
  if (atomic_exchange(&mutex->state, 0) == 2) wake(&mutex->state, 1);
}

struct condition {
  _Atomic int32_t turn;
};

// Wakes up spuriously, as conditions may; with a time limit to have some that run out.
static void wait_condition(struct condition *condition, struct mutex *mutex) {
  const int32_t turn = atomic_load(&condition->turn);
  unlock(mutex);
  wait_for(&condition->turn, turn, 3000000);
  lock(mutex);
}

static void broadcast(struct condition *condition) {
  atomic_fetch_add(&condition->turn, 1);
  wake(&condition->turn, UINT32_MAX);
}

static struct mutex mutex;
static struct condition changed;
static int arrived, round_now, ended; // under the mutex
static uint64_t sum;

__attribute__((used)) void thread_main(struct thread *self) {
  uint64_t state = 88172645463325252u + (uint64_t)self->number;
  for (int round = 0; round < rounds; round++) {
    uint64_t own = 0;
    for (int i = 0; i < iterations; i++) {
      for (int word = 0; word < WORDS; word++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self->words[word] = self->words[(word + (state & 15)) % WORDS] + state;
        own += self->words[word];
      }
    }
    lock(&mutex);
    sum += own;
    arrived++;
    broadcast(&changed);
    while (round_now == round) wait_condition(&changed, &mutex);
    unlock(&mutex);
  }
  lock(&mutex);
  ended++;
  broadcast(&changed);
  unlock(&mutex);
}

#include "spawn.h"

static int start(int number) {
  struct thread *thread = calloc(1, sizeof *thread);
  char *stack = malloc(STACK_BYTES);
  if (!thread || !stack) return -1;
  thread->stack = stack + STACK_BYTES;
  thread->number = number;
  return thread_spawn(thread) > 0 ? 0 : -1;
}

int main(int argc, char **argv) {
  if (argc > 1) threads = atoi(argv[1]);
  if (argc > 2) rounds = atoi(argv[2]);
  if (argc > 3) iterations = atoi(argv[3]);
  for (int number = 1; number <= threads; number++) {
    if (start(number)) return 1;
  }
  for (int round = 0; round < rounds; round++) {
    lock(&mutex);
    while (arrived < threads) wait_condition(&changed, &mutex);
    const uint64_t found = sum;
    arrived = 0;
    round_now++;
    broadcast(&changed);
    unlock(&mutex);
    printf("round %d: %016llx\n", round, (unsigned long long)found);
    fflush(stdout);
  }
  lock(&mutex);
  while (ended < threads) wait_condition(&changed, &mutex);
  unlock(&mutex);
  printf("%d threads ended\n", ended);
  fflush(stdout);
  return 0;
}
