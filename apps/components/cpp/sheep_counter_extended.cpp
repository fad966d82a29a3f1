// sheep_counter of RTCR v1 that verifies its memory: each turn writes numbers to pseudo-random positions of a dataspace
// and finds those of the turn before, so that lost or stale bytes are noticed.
#include "counter.h"

using namespace Rtcr;

struct Random {
  u32 state;
  u32 next() { return state = state * 1664525 + 1013904223; }
};

void Component::construct(Env &env) {
  const Counter_config config(env);
  constexpr size_t PAGES = 20, WORDS = PAGES * PAGE_SIZE / sizeof(u32);
  constexpr u32 WRITES = 64;
  Attached_ram_dataspace dataspace(env.ram(), env.rm(), PAGES * PAGE_SIZE);
  u32 *words = dataspace.local_addr<u32>();
  u32 wrong = 0;

  for (u64 turn = 0; config.goes_on(turn); turn++) {
    if (turn > 0) {
      Random before{u32(turn - 1)};
      u32 places[WRITES], values[WRITES];
      for (u32 i = 0; i < WRITES; i++) {
        places[i] = (before.next() >> 8) % WORDS;
        values[i] = before.next();
      }
      for (u32 i = 0; i < WRITES; i++) {
        // a place that was written twice holds the later value
        bool later = false;
        for (u32 j = i + 1; j < WRITES; j++) later |= places[j] == places[i];
        if (!later && words[places[i]] != values[i]) wrong++;
      }
    }
    Random random{u32(turn)};
    for (u32 i = 0; i < WRITES; i++) {
      const u32 place = (random.next() >> 8) % WORDS;
      words[place] = random.next();
    }
    log(turn + 1, " sheep. ", wrong, " wrong");
    config.delay();
  }
  config.finish(env);
}
