// The controller of the cruise control: keeps a distance of 10 m and 1.2 s, and at most 25 m/s. Needs windows.
#include "cruise.h"

using namespace Cruise;

class Controller {
  Part _sensor, _actuator, _watchdog, _recorder;
  Attached_dataspace _shared;
  Signal_handler<Controller> _handler;
  u32 _handled = 0;

  void _control() {
    const Sample &sample = *_shared.local_addr<Sample>();
    const u32 sequence = sample.sequence;
    if (sequence == _handled) return;
    _handled = sequence;
    const i32 wanted_mm = 10'000 + sample.own_mm_s * 6 / 5;
    const i32 follow = (sample.distance_mm - wanted_mm) / 5 + (sample.front_mm_s - sample.own_mm_s) * 3 / 4;
    const i32 cruise = 25'000 - sample.own_mm_s;
    const i32 acceleration = min(follow, cruise);
    _watchdog.call_void(ALIVE, sequence);
    if (sequence % 100 == 0)
      _recorder.call_void(RECORD, sequence, sample.distance_mm, sample.own_mm_s, sample.front_mm_s, acceleration);
    _actuator.call_void(APPLY, acceleration, sequence);
  }

 public:
  explicit Controller(Env &env)
      : _sensor(env, "Sensor"), _actuator(env, "Actuator"), _watchdog(env, "Watchdog"), _recorder(env, "Recorder"),
        _shared(env.rm(), _sensor.call<Capability>(DATASPACE).value), _handler(env.ep(), *this, &Controller::_control) {
    _sensor.call_void(SIGH, _handler.cap());
  }
};

void Component::construct(Env &env) {
  static Controller controller(env);
}
