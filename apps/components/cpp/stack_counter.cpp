// The thesis's stack_counter: one 16-bit counter on the stack.
#include "counter.h"

void Component::construct(Rtcr::Env &env) {
  const Counter_config config(env);
  volatile Rtcr::u16 counter = 1; // volatile: in memory, on the stack
  for (Rtcr::u64 turn = 0; config.goes_on(turn); turn++) {
    Rtcr::log(Rtcr::u16(counter));
    counter = Rtcr::u16(counter + 1);
    config.delay();
  }
  config.finish(env);
}
