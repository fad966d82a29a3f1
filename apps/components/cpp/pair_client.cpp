// The asking half of the pair: writes into the shared dataspace and has the server add it up, has the server write and
// adds it up itself. Needs windows.
//
// The words become more with the turns, until the buffer is nearly full, then few again.
#include "counter.h"
#include "pair.h"

using namespace Rtcr;

void Component::construct(Env &env) {
  const Counter_config config(env);
  {
    Pair::Connection pair(env);
    Attached_dataspace buffer(env.rm(), pair.buffer());
    if (!buffer.valid()) return error("no buffer: ", pair.ok() ? buffer.error() : pair.error());
    u32 *words = buffer.local_addr<u32>();

    for (u64 turn = 0; config.goes_on(turn); turn++) {
      const u32 count = 100 + u32(turn % 70) * 50;
      for (u32 i = 0; i < count; i++) words[i] = i * u32(turn + 1);
      const auto there = pair.sum(count);
      pair.fill(count, u32(turn) * 1000);
      u32 here = 0;
      for (u32 i = 0; i < count; i++) here += words[i];
      log("turn ", turn, ": server adds ", there.value, ", client adds ", here);
      config.delay();
    }
    log("too much: ", pair.sum(Pair::WORDS + 1).error);
  }
  config.finish(env);
}
