// The sensor of the cruise control, and the plant: a car in front that brakes and speeds up, and our own. Needs windows.
//
//   <config steps="2000"/>   exit(0) after so many
#include "cruise.h"

using namespace Cruise;

class Sensor : public Rpc_object {
  Env &_env;
  Attached_ram_dataspace _shared;
  Part _actuator;
  Attached_dataspace _command;
  Timer::Connection _timer;
  Signal_transmitter _samples;
  Signal_handler<Sensor> _tick;
  u32 _steps = 2000;
  /** In micrometres, and in micrometres a second. */
  i64 _gap = 30'000'000;
  i64 _own = 22'000'000;
  bool _begun = false;

  /** The front car's speed at a step: 20 m/s, braking to 12, then back. */
  static i32 _front(u32 step) {
    const u32 phase = step % 1200;
    if (phase < 400) return 20'000;
    if (phase < 700) return 20'000 - i32(phase - 400) * 27;
    return 11'900 + i32(phase - 700) * 16;
  }
  void _step() {
    Sample &sample = *_shared.local_addr<Sample>();
    const Command &command = *_command.local_addr<Command>();
    // the command for the last sample has not arrived: this tick is skipped, so that no run depends on its timing
    if (!_samples.context().valid() || (_begun && command.sequence != sample.sequence)) return;
    if (sample.sequence == _steps) return _finish();
    const i32 front = _front(sample.sequence);
    _own = max<i64>(0, _own + (_begun ? command.acceleration_mm_s2 : 0)); // mm/s^2 over 1 ms are micrometres/s
    _gap += front - _own / 1000;
    sample.distance_mm = i32(_gap / 1000);
    sample.own_mm_s = i32(_own / 1000);
    sample.front_mm_s = front;
    sample.sequence = sample.sequence + 1;
    _begun = true;
    _samples.submit();
  }
  void _finish() {
    _timer.sigh({});
    _env.parent().exit(0);
  }

 public:
  explicit Sensor(Env &env)
      : _env(env), _shared(env.ram(), env.rm(), PAGE_SIZE), _actuator(env, "Actuator"),
        _command(env.rm(), _actuator.call<Capability>(DATASPACE).value), _timer(env),
        _tick(env.ep(), *this, &Sensor::_step) {
    const Attached_rom_dataspace config(env, "config");
    if (config.valid()) _steps = u32(config.xml().attribute_value("steps", _steps));
    _timer.sigh(_tick);
    _timer.trigger_periodic(PERIOD_US);
  }
  u32 dispatch(u32 opcode, Rpc_request &request) override {
    if (opcode == DATASPACE.opcode) return request.reply(_shared.cap());
    if (opcode != SIGH.opcode) return Rpc_request::invalid_opcode();
    _samples.context(request.get<Capability>());
    return request.reply();
  }
};

void Component::construct(Env &env) {
  static Heap heap(env);
  static Sensor sensor(env);
  static Single_root root(env, heap, "Sensor", sensor);
  root.announce();
}
