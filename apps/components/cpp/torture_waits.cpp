// Waits with a limit: futexes that are woken, that run out or that find another value, timers that are put anew, waits that
// somebody cancels.
//
//   <config turns="6"/>
#include <rtcr/component.h>

using namespace Rtcr;

namespace {

constexpr i64 MS = 1'000'000;

struct Shared {
  u32 futex = 0, word = 0;
  volatile bool over = false;
  Futex never;
};

class Waker : public Thread {
  Env &_env;
  Shared &_shared;

 public:
  Waker(Env &env, Shared &shared) : Thread(env, "waker"), _env(env), _shared(shared) {}
  void entry() override {
    Timer::Connection timer(_env);
    while (!_shared.over) {
      timer.msleep(3);
      __atomic_fetch_add(&_shared.futex, 1, __ATOMIC_SEQ_CST);
      Abi::rtcr_futex_wake(&_shared.futex, 1);
      timer.msleep(2);
      __atomic_fetch_add(&_shared.word, 1, __ATOMIC_SEQ_CST);
      Abi::rtcr_futex_wake(&_shared.word, 1);
    }
  }
};

/** Waits for what never comes, until it is cancelled. */
class Stuck : public Thread {
  Shared &_shared;

 public:
  u32 cancelled = 0, timed_out = 0;
  Stuck(Env &env, Shared &shared) : Thread(env, "stuck"), _shared(shared) {}
  void entry() override {
    while (!_shared.over) {
      const u32 result = _shared.never.wait(0, 40 * MS);
      if (result == Abi::FUTEX_TIMED_OUT) timed_out++;
      else cancelled++;
    }
  }
};

void wait(Env &env, u32 turns) {
  static Shared shared;
  Timer::Connection timer(env);
  Waker waker(env, shared);
  Stuck stuck(env, shared);
  waker.start();
  stuck.start();
  for (u32 turn = 0; turn < turns; turn++) {
    const u32 a = Abi::rtcr_futex_wait(&shared.futex, shared.futex, (turn % 3 + 1) * 2 * MS);
    const u32 b = Abi::rtcr_futex_wait(&shared.futex, shared.futex + 1, MS);
    const u32 c = Abi::rtcr_futex_wait(&shared.word, shared.word, (turn % 2 ? 1 : 9) * MS);
    const u32 d = Abi::rtcr_futex_wait(&shared.word, shared.word, -1);
    timer.trigger_once(turn * 1000);
    if (turn % 2) stuck.client().cancel_blocking();
    Abi::rtcr_yield();
    log("turn ", turn, ": ", a, " ", b, ", ", c, " ", d, ", woken ", shared.futex, " ", shared.word,
        ", cancelled ", stuck.cancelled, ", in vain ", stuck.timed_out, ", after ", timer.elapsed_us(), " us");
  }
  shared.over = true;
  stuck.client().cancel_blocking();
  stuck.join();
  waker.join();
}

} // namespace

void Component::construct(Env &env) {
  u32 turns = 6;
  {
    const Attached_rom_dataspace config(env, "config");
    turns = u32(config.xml().attribute_value("turns", turns));
  }
  wait(env, turns);
  env.parent().exit(0);
}
