// thread_registers of RTCR v1: a second thread whose counters are nowhere but in registers (locals and operand stack).
#include "counter.h"

using namespace Rtcr;

class Registers : public Thread {
  const Counter_config &_config;

 public:
  Registers(Env &env, const Counter_config &config) : Thread(env, "registers"), _config(config) {}
  void entry() override {
    u32 a = 1, b = 1;
    u64 c = 0x1'0000'0000;
    float f = 0.5f;
    double d = 0.25;
    for (u64 turn = 0; _config.goes_on(turn); turn++) {
      log(a, " ", b, " ", c, " ", u32(f * 4), " ", u32(d * 8));
      const u32 next = a + b;
      a = b;
      b = next;
      c += 3;
      f += 0.25f;
      d += 0.125;
      _config.delay();
    }
  }
};

void Component::construct(Env &env) {
  const Counter_config config(env);
  Registers registers(env, config);
  registers.start();
  registers.join();
  config.finish(env);
}
