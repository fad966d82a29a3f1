// As many threads as the configuration says, each so many calls deep in a recursion with values of its own in each frame. In
// each turn every thread goes on once where it stands, and in the end all of them return.
//
//   <config threads="8" depth="20" iterations="10000000" turns="0"/>
#include "counter.h"

using namespace Rtcr;

class Diver : public Thread {
  const Counter_config &_config;
  const u64 _depth;

  /** Returns what all frames hold, mixed, which is known only when the innermost has finished its turns. */
  __attribute__((noinline)) u64 _dive(u64 depth, u64 value) {
    const u64 mine = value * 3 + depth;
    if (depth > 0) return (_dive(depth - 1, mine) ^ mine) * 31; // no compiler makes a loop of it
    for (u64 turn = 0; _config.goes_on(turn); turn++) {
      go.block();
      count++;
      done.wakeup();
    }
    return mine;
  }

 public:
  Blockade go{}, done{};
  u64 count = 0, sum = 0;

  Diver(Env &env, const Counter_config &config, u64 depth)
      : Thread(env, "diver", 4096 + size_t(depth) * 128), _config(config), _depth(depth) {}
  void entry() override { sum = _dive(_depth, 1); }
};

void Component::construct(Env &env) {
  static const Counter_config counting(env);
  const Attached_rom_dataspace config(env, "config");
  const u64 threads = config.xml().attribute_value("threads", 8);
  const u64 depth = config.xml().attribute_value("depth", 20);
  Attached_ram_dataspace memory(env.ram(), env.rm(), u32(threads * sizeof(Diver)));
  Diver *const divers = memory.local_addr<Diver>();
  for (u64 i = 0; i < threads; i++) {
    Diver *const diver = new (divers + i) Diver(env, counting, depth);
    if (diver->error() != Error::OK) return error("thread ", i, ": ", diver->error());
    diver->start();
  }
  for (u64 turn = 0; counting.goes_on(turn); turn++) {
    u64 sum = 0;
    for (u64 i = 0; i < threads; i++) {
      divers[i].go.wakeup();
      divers[i].done.block();
      sum += divers[i].count;
    }
    log(sum);
    counting.delay();
  }
  u64 sum = 0;
  for (u64 i = 0; i < threads; i++) {
    divers[i].join();
    sum += divers[i].sum;
  }
  log("sum ", sum);
  counting.finish(env);
}
