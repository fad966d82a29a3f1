// sheep_counter of RTCR v1 with a second thread that counts; `ep` waits for it.
#include "counter.h"

using namespace Rtcr;

class Sheep : public Thread {
  const Counter_config &_config;
  u16 &_counter;

 public:
  Sheep(Env &env, const Counter_config &config, u16 &counter) : Thread(env, "sheep"), _config(config), _counter(counter) {}
  void entry() override {
    for (u64 turn = 0; _config.goes_on(turn); turn++) {
      log(_counter, " sheep. zzZ (thread \"", name(), "\")");
      _counter++;
      _config.delay();
    }
  }
};

void Component::construct(Env &env) {
  const Counter_config config(env);
  Attached_ram_dataspace dataspace(env.ram(), env.rm(), 20 * PAGE_SIZE);
  Sheep sheep(env, config, *dataspace.local_addr<u16>());
  sheep.start();
  sheep.join();
  log("counted ", *dataspace.local_addr<u16>());
  config.finish(env);
}
