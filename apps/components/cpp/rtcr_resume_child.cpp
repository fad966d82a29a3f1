// rtcr_resume_child of RTCR v1: a thread that counts is paused, counts no more, is resumed and counts on.
//
//   <config pause_ms="3000"/>
#include <rtcr/component.h>

using namespace Rtcr;

class Counter : public Thread {
 public:
  volatile u32 count = 0;
  volatile bool stop = false;
  explicit Counter(Env &env) : Thread(env, "counter") {}
  void entry() override {
    while (!stop) count = count + 1;
  }
};

void Component::construct(Env &env) {
  u64 pause_ms = 3000;
  {
    const Attached_rom_dataspace config(env, "config");
    if (config.valid()) pause_ms = config.xml().attribute_value("pause_ms", pause_ms);
  }
  Timer::Connection timer(env);
  Counter counter(env);
  counter.start();
  timer.msleep(10);
  counter.client().pause();
  const u32 paused = counter.count;
  log("paused: ", paused > 0 ? "it has counted" : "it has not counted", ", state ",
      counter.client().state().value.paused ? "paused" : "running");
  timer.msleep(pause_ms);
  log("after the pause: ", counter.count == paused ? "stood still" : "WENT ON");
  counter.client().resume();
  timer.msleep(10);
  log("resumed: ", counter.count > paused ? "counts on" : "STANDS STILL");
  counter.stop = true;
  counter.join();
  env.parent().exit(0);
}
