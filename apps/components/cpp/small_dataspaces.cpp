// The thesis's small_dataspaces: 100 dataspaces of one page, with a 16-bit counter at the beginning of each.
#include "counter.h"

using namespace Rtcr;

void Component::construct(Env &env) {
  const Counter_config config(env);
  constexpr u32 DATASPACES = 100;
  u16 *counters[DATASPACES];
  for (u16 *&counter : counters) {
    const auto ds = env.ram().alloc(PAGE_SIZE);
    const auto at = env.rm().attach(ds.value);
    if (!ds.ok() || !at.ok()) return error("dataspace: ", ds.ok() ? at.error : ds.error);
    counter = reinterpret_cast<u16 *>(at.value);
  }
  for (u64 turn = 0; config.goes_on(turn); turn++) {
    log(*counters[0]);
    for (u16 *counter : counters) ++*counter;
    config.delay();
  }
  config.finish(env);
}
