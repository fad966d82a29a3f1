// The watchdog of the cruise control: says so when the controller has not been heard of for a number of looks in a row.
//
//   <config period_ms="10" looks="100"/>
#include "cruise.h"

using namespace Cruise;

class Watchdog : public Rpc_object {
  Timer::Connection _timer;
  Signal_handler<Watchdog> _tick;
  u32 _heard = 0, _seen = 0, _silent = 0, _looks = 100;

  void _look() {
    _silent = _heard == _seen ? _silent + 1 : 0;
    _seen = _heard;
    // before the first sample nobody is expected to be heard of
    if (_heard && _silent == _looks) log("the controller is silent after sample ", _heard);
  }

 public:
  explicit Watchdog(Env &env) : _timer(env), _tick(env.ep(), *this, &Watchdog::_look) {
    u64 period_ms = 10;
    const Attached_rom_dataspace config(env, "config");
    if (config.valid()) {
      period_ms = config.xml().attribute_value("period_ms", period_ms);
      _looks = u32(config.xml().attribute_value("looks", _looks));
    }
    _timer.sigh(_tick);
    _timer.trigger_periodic(period_ms * 1000);
  }
  u32 dispatch(u32 opcode, Rpc_request &request) override {
    if (opcode != ALIVE.opcode) return Rpc_request::invalid_opcode();
    _heard = request.get<u32>();
    return request.reply();
  }
};

void Component::construct(Env &env) {
  static Heap heap(env);
  static Watchdog watchdog(env);
  static Single_root root(env, heap, "Watchdog", watchdog);
  root.announce();
}
