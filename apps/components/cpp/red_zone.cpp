// A function without calls whose array lies below the stack pointer: the C ABI lets it use 128 bytes there (the red zone).
#include "counter.h"

using namespace Rtcr;

__attribute__((noinline)) static u32 mix(u32 seed) {
  volatile u8 state[120];
  for (u32 i = 0; i < sizeof(state); i++) state[i] = u8(seed + i);
  for (u32 i = 0; i < 40'000; i++) {
    const u32 at = i % sizeof(state);
    state[at] = u8(state[at] * 31 + state[(at + 7) % sizeof(state)] + 1);
  }
  u32 sum = 0;
  for (u32 i = 0; i < sizeof(state); i++) sum = sum * 33 + state[i];
  return sum;
}

void Component::construct(Env &env) {
  const Counter_config config(env);
  for (u64 turn = 0; config.goes_on(turn); turn++) {
    log(mix(u32(turn)));
    config.delay();
  }
  config.finish(env);
}
