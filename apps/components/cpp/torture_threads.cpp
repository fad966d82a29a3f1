// What one thread can do to others: pause, single-step, cancel what they wait for, save their state and set it again, kill
// them in the middle.
//
//   <config turns="5"/>
#include <rtcr/component.h>

using namespace Rtcr;

namespace {

class Worker : public Thread {
 public:
  volatile u32 count = 0;
  volatile bool stop = false;
  Worker(Env &env, Text name) : Thread(env, name) {}
  void entry() override {
    while (!stop) {
      count = count + 1;

    }
  }
};

/** Waits in a call, a futex and a signal receiver in turn; counts how its waits end. */
class Waiter : public Thread {
  Env &_env;

 public:
  Futex futex;
  u32 futexes = 0, sleeps = 0;
  volatile bool stop = false;
  explicit Waiter(Env &env) : Thread(env, "waiter"), _env(env) {}
  void entry() override {
    Timer::Connection timer(_env);
    while (!stop) {
      if (futex.wait(0) == Abi::FUTEX_CANCELED) futexes++;
      if (stop) return;
      timer.msleep(2);
      sleeps++;
    }
  }
};

void turn(Env &env, u32 number) {
  Timer::Connection timer(env);
  Worker worker(env, "worker"), doomed(env, "doomed");
  Waiter waiter(env);
  worker.start();
  doomed.start();
  waiter.start();
  timer.msleep(1);

  worker.client().pause();
  const u32 at_pause = worker.count;
  const auto state = worker.client().state();
  const auto saved_ds = env.ram().alloc(2 * PAGE_SIZE);
  const auto saved = worker.client().save_state(saved_ds.value);
  timer.msleep(1);
  log("turn ", number, ": ", at_pause > 0 ? "has counted" : "HAS NOT COUNTED", ", paused ", u32(state.value.paused), ", frames ",
      state.value.frames, worker.count == at_pause ? ", stands still" : ", GOES ON");
  worker.client().resume();
  timer.msleep(1);
  worker.client().pause();
  const u32 later = worker.count;
  const Error set = worker.client().set_state(saved_ds.value, saved.value);
  log("turn ", number, ": ", later > at_pause ? "went on" : "STOOD STILL", ", set ", name_of(saved.error), " ", name_of(set));
  worker.client().single_step(true);
  worker.client().resume();
  u32 steps = 0;
  for (u32 i = 0; i < 4; i++) {
    for (u32 look = 0; look < 10 && !worker.client().state().value.paused; look++) timer.msleep(1);
    steps += worker.client().state().value.paused;
    worker.client().resume();
  }
  worker.client().single_step(false);
  worker.client().resume();
  env.ram().free(saved_ds.value);

  for (u32 i = 0; i < 3; i++) {
    waiter.client().cancel_blocking();
    timer.msleep(3);
  }
  env.cpu().kill_thread(doomed.cap());
  const u32 killed_at = doomed.count;
  timer.msleep(1);
  log("turn ", number, ": steps ", steps, ", cancelled ", waiter.futexes, ", slept ", waiter.sleeps,
      doomed.count == killed_at ? ", killed" : ", KILLED, AND GOES ON", ", state ", name_of(doomed.client().state().error));
  worker.stop = true;
  waiter.stop = true;
  waiter.client().cancel_blocking();
  worker.join();
  waiter.join();
}

} // namespace

void Component::construct(Env &env) {
  u32 turns = 5;
  {
    const Attached_rom_dataspace config(env, "config");
    turns = u32(config.xml().attribute_value("turns", turns));
  }
  for (u32 i = 0; i < turns; i++) turn(env, i);
  env.parent().exit(0);
}
