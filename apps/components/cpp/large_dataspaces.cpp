// The thesis's large_dataspaces: one dataspace of 100 pages, with a 16-bit counter at its beginning.
#include "counter.h"

using namespace Rtcr;

void Component::construct(Env &env) {
  const Counter_config config(env);
  constexpr size_t PAGES = 100;
  Attached_ram_dataspace dataspace(env.ram(), env.rm(), PAGES * PAGE_SIZE);
  u16 &counter = *dataspace.local_addr<u16>();
  for (u64 turn = 0; config.goes_on(turn); turn++) {
    log(counter);
    counter++;
    config.delay();
  }
  config.finish(env);
}
