// A storm of signals: threads submit bursts to contexts that a receiver, and handlers of two levels at an entrypoint, take;
// contexts come and go meanwhile. None is lost, none is counted twice.
//
//   <config turns="8"/>
#include <rtcr/component.h>

using namespace Rtcr;

namespace {

constexpr u32 SENDERS = 3;

class Sender : public Thread {
  const u32 _turns, _number;
  Signal_context_capability _to[3];

 public:
  Sender(Env &env, u32 turns, u32 number, Signal_context_capability a, Signal_context_capability b,
         Signal_context_capability c)
      : Thread(env, "sender"), _turns(turns), _number(number), _to{a, b, c} {}
  void entry() override {
    for (u32 turn = 0; turn < _turns; turn++) {
      for (u32 i = 0; i < 3; i++) Signal_transmitter(_to[(turn + i) % 3]).submit(_number + i);
      if (turn % 2) Abi::rtcr_yield();
    }
  }
};

class Main {
  Env &_env;
  u64 _ios = 0;
  u32 _again = 0;
  Timer::Connection _timer{_env};
  Entrypoint _ep{_env, "second"};

  void _handle_app() {
    if (_again++ % 4 == 0) _io.local_submit();
  }
  void _handle_io() { _ios++; }
  void _handle_tick() { _ticks++; }

 public:
  u32 _ticks = 0;
  Signal_handler<Main> _app{_env.ep(), *this, &Main::_handle_app};
  Io_signal_handler<Main> _io{_ep, *this, &Main::_handle_io};
  Signal_handler<Main> _tick{_ep, *this, &Main::_handle_tick};

  explicit Main(Env &env) : _env(env) {
    _timer.sigh(_tick);
    _timer.trigger_periodic(1500);
  }
  void end() { _timer.sigh({}); }
  u32 apps() const { return _again; }
  u64 ios() const { return _ios; }
};

/** Counts what its contexts are sent. */
class Taker : public Thread {
 public:
  Signal_receiver receiver;
  Signal_context context;
  volatile u64 taken = 0;
  u32 batches = 0;
  explicit Taker(Env &env) : Thread(env, "taker") { receiver.manage(context); }
  void entry() override {
    for (;;) {
      const Signal signal = receiver.wait_for_signal();
      if (!signal.valid()) continue;
      batches++;
      taken = taken + signal.num();
      if (signal.num() >= 1000) return;
    }
  }
};

/** What the senders' arithmetic says for one of three contexts. */
u64 sent_to(u32 context, u32 turns) {
  u64 sum = 0;
  for (u32 number = 1; number <= SENDERS; number++)
    for (u32 turn = 0; turn < turns; turn++)
      for (u32 i = 0; i < 3; i++)
        if ((turn + i) % 3 == context) sum += number + i;
  return sum;
}

class Storm : public Thread {
  Env &_env;
  Main &_main;
  const u32 _turns;

  void _round(u32 round) {
    Taker taker(_env);
    taker.start();
    {
      Sender one(_env, _turns, 1, taker.context.cap(), _main._app.cap(), _main._io.cap());
      Sender two(_env, _turns, 2, taker.context.cap(), _main._app.cap(), _main._io.cap());
      Sender three(_env, _turns, 3, taker.context.cap(), _main._app.cap(), _main._io.cap());
      Sender *const all[] = {&one, &two, &three};
      for (Sender *sender : all) sender->start();
      Signal_context gone;
      Signal_receiver nobody;
      Signal_transmitter(nobody.manage(gone)).submit(5);
      Abi::rtcr_yield();
      const u32 pending = nobody.pending_signal().num();
      nobody.dissolve(gone);
      for (Sender *sender : all) sender->join();
      log("round ", round, ": ", pending, " for the context that goes");
    }
    Signal_transmitter(taker.context.cap()).submit(1000);
    taker.join();
    taker.receiver.dissolve(taker.context);
    log("round ", round, ": ", u64(taker.taken), " taken of ", sent_to(0, _turns) + 1000, " in ", taker.batches,
        " batches, handler ran ", _main.apps(), " times, I/O ", _main.ios(), " times, ", _main._ticks, " ticks");
  }

 public:
  Storm(Env &env, Main &main, u32 turns) : Thread(env, "storm"), _env(env), _main(main), _turns(turns) {}
  void entry() override {
    Timer::Connection timer(_env);
    for (u32 round = 0; round < 4; round++) {
      _round(round);
      timer.msleep(2);
    }
    _main.end();
    _env.parent().exit(0);
  }
};

} // namespace

void Component::construct(Env &env) {
  u32 turns = 8;
  {
    const Attached_rom_dataspace config(env, "config");
    turns = u32(config.xml().attribute_value("turns", turns));
  }
  static Main main(env);
  static Storm storm(env, main, turns);
  storm.start();
}
