// What the counters of the thesis share: the delay loop, and how often they count.
//
//   <config iterations="10000000" turns="0"/>
//
// `iterations` is the length of the delay in no-ops, `turns` ends the program after so many turns with exit(0); without
// it the program goes on for ever, as the thesis's do.
#pragma once
#include <rtcr/component.h>

class Counter_config {
  Rtcr::u64 _iterations = 10'000'000;
  Rtcr::u64 _turns = 0;

 public:
  explicit Counter_config(Rtcr::Env &env) {
    const Rtcr::Attached_rom_dataspace config(env, "config");
    if (!config.valid()) return;
    _iterations = config.xml().attribute_value("iterations", _iterations);
    _turns = config.xml().attribute_value("turns", _turns);
  }

  bool goes_on(Rtcr::u64 turn) const { return _turns == 0 || turn < _turns; }
  void delay() const {
    for (Rtcr::u64 i = 0; i < _iterations; i++) __asm__ volatile("nop");
  }
  void finish(Rtcr::Env &env) const { env.parent().exit(0); }
};
