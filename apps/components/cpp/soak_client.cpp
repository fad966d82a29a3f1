// The timer-driven half of the soak's pair: at each tick four words go through the dataspace that it shares with pair_server,
// which adds them up. Logs the turn and the sum; turn n has the sum 4n + 6. Needs windows.
//
//   <config period_ms="5"/>
#include "pair.h"
#include "counter.h"

using namespace Rtcr;

class Main {
  Env &_env;
  Pair::Connection _pair{_env};
  Attached_dataspace _buffer{_env.rm(), _pair.buffer()};
  Timer::Connection _timer{_env};
  Signal_handler<Main> _tick{_env.ep(), *this, &Main::_handle_tick};
  u32 _turn = 0;

  void _handle_tick() {
    u32 *words = _buffer.local_addr<u32>();
    for (u32 i = 0; i < 4; i++) words[i] = _turn + i;
    log(_turn, " ", _pair.sum(4).value);
    _turn++;
  }

 public:
  explicit Main(Env &env) : _env(env) {
    u64 period_ms = 5;
    const Attached_rom_dataspace config(env, "config");
    if (config.valid()) period_ms = config.xml().attribute_value("period_ms", period_ms);
    _timer.sigh(_tick);
    _timer.trigger_periodic(period_ms * 1000);
  }
};

void Component::construct(Env &env) {
  static Main main(env);
}
