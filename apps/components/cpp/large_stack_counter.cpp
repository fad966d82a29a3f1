// The thesis's large_stack_counter: 31,650 counters of 16 bits on the stack, 63,300 bytes. There they took nearly all of the
// usual 65,536; here a message buffer of a kilobyte lies on the stack during a call besides, hence the page more.
#include "counter.h"

using namespace Rtcr;

/** A function of its own, so that nothing but the log is called above the array. */
[[gnu::noinline]] static void count(const Counter_config &config) {
  constexpr size_t COUNTERS = 31'650;
  u16 counters[COUNTERS];
  for (u16 &counter : counters) counter = 1;
  for (u64 turn = 0; config.goes_on(turn); turn++) {
    log(counters[0]);
    for (u16 &counter : counters) counter++;
    __asm__ volatile("" : : "r"(counters) : "memory"); // all of them count
    config.delay();
  }
}

size_t Component::stack_size() { return 64 * 1024 + PAGE_SIZE; }

void Component::construct(Env &env) {
  const Counter_config config(env);
  count(config);
  config.finish(env);
}
