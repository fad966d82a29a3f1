// Threads that meet: a mutex that is given away while it is held, a semaphore between producer and consumers.
#include <rtcr/component.h>

using namespace Rtcr;

constexpr u32 ROUNDS = 100;

struct Shared {
  Mutex mutex;
  u32 inside = 0, collisions = 0, count = 0;
  Semaphore full, empty{4};
  u32 slots[4]{}, written = 0, read = 0;
  u64 sum = 0;
};

class Counter : public Thread {
  Shared &_shared;

 public:
  Counter(Env &env, Shared &shared, const char *name) : Thread(env, name), _shared(shared) {}
  void entry() override {
    for (u32 i = 0; i < ROUNDS; i++) {
      Mutex::Guard guard(_shared.mutex);
      if (_shared.inside++ != 0) _shared.collisions++;
      const u32 count = _shared.count;
      Abi::rtcr_yield(); // the others run into the held mutex
      _shared.count = count + 1;
      _shared.inside--;
    }
  }
};

class Consumer : public Thread {
  Shared &_shared;

 public:
  u32 taken = 0;
  Consumer(Env &env, Shared &shared, const char *name) : Thread(env, name), _shared(shared) {}
  void entry() override {
    for (;;) {
      _shared.full.down();
      u32 value;
      {
        Mutex::Guard guard(_shared.mutex);
        value = _shared.slots[_shared.read++ % 4];
        _shared.sum += value;
      }
      _shared.empty.up();
      if (value == 0) return;
      taken++;
    }
  }
};

void Component::construct(Env &env) {
  static Shared shared;
  {
    Counter a(env, shared, "a"), b(env, shared, "b"), c(env, shared, "c");
    Counter *const counters[] = {&a, &b, &c};
    for (Counter *counter : counters) counter->start();
    for (Counter *counter : counters) counter->join();
    log("mutex: ", shared.count, " rounds, ", shared.collisions, " collisions");
  }
  {
    Consumer x(env, shared, "x"), y(env, shared, "y");
    x.start();
    y.start();
    for (u32 i = 1; i <= ROUNDS + 2; i++) {
      shared.empty.down();
      Mutex::Guard guard(shared.mutex);
      shared.slots[shared.written++ % 4] = i <= ROUNDS ? i : 0;
      shared.full.up();
    }
    x.join();
    y.join();
    log("semaphore: ", x.taken + y.taken, " taken, sum ", shared.sum);
  }
  log("this thread: ", Thread::myself()->name());
  env.parent().exit(0);
}
