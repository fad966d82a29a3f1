// What the counters of the thesis share, and programs that do their work in turns: the delay loop, and how often they count.
//
//   <config iterations="10000000" turns="0"/>
//
// `iterations` is the length of the delay in no-ops, `turns` ends the program after so many turns with exit(0); without
// it the program goes on for ever, as the thesis's do. Programs that say the same each time do so once, or so often as
// `rounds` says (0: for ever); then they say which round begins.
#pragma once
#include <rtcr/component.h>

class Counter_config {
  Rtcr::u64 _iterations = 10'000'000;
  Rtcr::u64 _turns = 0;

 public:
  /** `turns` unless it is given, under this name. */
  explicit Counter_config(Rtcr::Env &env, Rtcr::Text name = "turns", Rtcr::u64 turns = 0) : _turns(turns) {
    const Rtcr::Attached_rom_dataspace config(env, "config");
    if (!config.valid()) return;
    _iterations = config.xml().attribute_value("iterations", _iterations);
    _turns = config.xml().attribute_value(name, _turns);
  }

  bool goes_on(Rtcr::u64 turn) const { return _turns == 0 || turn < _turns; }
  /** Whether there is a round of this number, which begins. */
  bool begins(Rtcr::u64 round) const {
    if (!goes_on(round)) return false;
    if (_turns != 1) Rtcr::log("round ", round);
    return true;
  }
  void delay() const {
    for (Rtcr::u64 i = 0; i < _iterations; i++) __asm__ volatile("nop");
  }
  void finish(Rtcr::Env &env) const { env.parent().exit(0); }
};
