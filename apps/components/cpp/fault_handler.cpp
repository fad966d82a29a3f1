// fault_handler of RTCR v1: a managed dataspace is filled page by page while a thread walks over it.
//
//   <config rounds="1" iterations="10000000"/>   so often, with a delay behind each
#include "counter.h"

using namespace Rtcr;

constexpr u32 PAGES = 4;

class Walker : public Thread {
  volatile u32 *_words;

 public:
  u32 sum = 0;
  Walker(Env &env, addr_t at) : Thread(env, "walker"), _words(reinterpret_cast<volatile u32 *>(at)) {}
  void entry() override {
    for (u32 page = 0; page < PAGES; page++) {
      volatile u32 &word = _words[page * PAGE_SIZE / sizeof(u32)];
      if (page % 2) word = 100 + page;
      sum += word;
    }
  }
};

/** @returns false if something could not be made, which it has said. */
static bool fill(Env &env) {
  Rm_connection rm(env);
  auto map = rm.create(PAGES * PAGE_SIZE);
  if (!map.ok()) return error("region map: ", map.error), false;
  Signal_receiver receiver;
  Signal_context context;
  map.value.fault_handler(receiver.manage(context));
  const auto at = env.rm().attach(map.value.dataspace());
  if (!at.ok()) return error("attach: ", at.error), false;

  Walker walker(env, at.value);
  walker.start();
  const char *const types[] = {"ready", "read fault", "write fault", "exec fault"};
  Ram_dataspace_capability pages[PAGES];
  for (u32 page = 0; page < PAGES; page++) {
    receiver.wait_for_signal();
    const auto state = map.value.state();
    log(types[u32(state.type) & 3], " at ", Hex{state.addr});
    const auto ds = env.ram().alloc(PAGE_SIZE);
    {
      const auto here = env.rm().attach(ds.value);
      *reinterpret_cast<u32 *>(here.value) = 10 + page;
      env.rm().detach(here.value);
    }
    map.value.attach_at(ds.value, state.addr & ~(PAGE_SIZE - 1));
    pages[page] = ds.value;
  }
  walker.join();
  log("sum ", walker.sum, ", state ", types[u32(map.value.state().type) & 3]);
  receiver.dissolve(context);
  env.rm().detach(at.value);
  for (const auto &page : pages) env.ram().free(page);
  return true;
}

void Component::construct(Env &env) {
  const Counter_config config(env, "rounds", 1);
  for (u64 round = 0; config.begins(round); round++) {
    if (!fill(env)) return;
    config.delay();
  }
  config.finish(env);
}
