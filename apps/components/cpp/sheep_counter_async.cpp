// sheep_counter of RTCR v1 without a loop: `construct` returns, a periodic timer signal counts.
//
//   <config period_ms="1000" turns="0"/>
#include "counter.h"

using namespace Rtcr;

class Main {
  Env &_env;
  const Counter_config _config{_env};
  u64 _period_us = 1'000'000;
  u16 _sheep = 0;
  Attached_ram_dataspace _dataspace{_env.ram(), _env.rm(), 20 * PAGE_SIZE};
  Timer::Connection _timer{_env};
  Signal_handler<Main> _tick{_env.ep(), *this, &Main::_handle_tick};

  void _handle_tick() {
    if (!_config.goes_on(_sheep)) return;
    u16 &in_dataspace = *_dataspace.local_addr<u16>();
    log(_sheep, "|", in_dataspace, " sheep. zzZ");
    _sheep++;
    in_dataspace++;
    if (_config.goes_on(_sheep)) return;
    _timer.sigh({});
    _config.finish(_env);
  }

 public:
  explicit Main(Env &env) : _env(env) {
    const Attached_rom_dataspace config(env, "config");
    if (config.valid()) _period_us = config.xml().attribute_value("period_ms", 1000) * 1000;
    _timer.sigh(_tick);
    _timer.trigger_periodic(_period_us);
  }
};

void Component::construct(Env &env) {
  static Main main(env);
}
