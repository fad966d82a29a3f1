// sheep_counter of RTCR v1 and v2: a timer session, 20 pages, a 16-bit counter, and a sleep in each turn.
//
//   <config sleep_ms="1000" turns="0"/>
#include "counter.h"

using namespace Rtcr;

void Component::construct(Env &env) {
  const Counter_config counter_config(env);
  u64 sleep_ms = 1000;
  {
    const Attached_rom_dataspace config(env, "config");
    if (config.valid()) sleep_ms = config.xml().attribute_value("sleep_ms", sleep_ms);
  }
  Timer::Connection timer(env);
  Attached_ram_dataspace dataspace(env.ram(), env.rm(), 20 * PAGE_SIZE);
  u16 &sheep = *dataspace.local_addr<u16>();
  for (u64 turn = 0; counter_config.goes_on(turn); turn++) {
    log(++sheep, " sheep. zzZ");
    timer.msleep(sleep_ms);
  }
  counter_config.finish(env);
}
