// Quota that moves in a circle among PDs, one of which uses some, while another thread allocates and frees: the sum never
// changes, and what is refused is refused in the same way.
//
//   <config turns="10"/>
#include <rtcr/component.h>

using namespace Rtcr;

namespace {

constexpr u32 PDS = 3;

class Eater : public Thread {
  Env &_env;
  const u32 _turns;

 public:
  u32 eaten = 0;
  Eater(Env &env, u32 turns) : Thread(env, "eater"), _env(env), _turns(turns) {}
  void entry() override {
    for (u32 turn = 0; turn < _turns * 2; turn++) {
      const auto ds = _env.pd().alloc((turn % 3 + 1) * PAGE_SIZE);
      if (!ds.ok()) continue;
      eaten++;
      Abi::rtcr_yield();
      _env.pd().free(ds.value);
    }
  }
};

void account(Env &env, u32 turns) {
  Pd_connection a(env, "a"), b(env, "b"), c(env, "c");
  Pd_connection *const pds[PDS] = {&a, &b, &c};
  for (Pd_connection *pd : pds) {
    if (pd->ref_account(env.pd_session_cap()) != Error::OK) error("no reference account");
    const Error error = env.pd().transfer_ram_quota(pd->cap(), 64 * 1024);
    const Error caps = env.pd().transfer_cap_quota(pd->cap(), 8);
    if (error != Error::OK || caps != Error::OK) log("not given: ", name_of(error), " ", name_of(caps));
  }
  const auto sum = [&] {
    u64 all = 0;
    for (Pd_connection *pd : pds) all += pd->ram_quota();
    return all + env.pd().ram_quota();
  };
  const u64 whole = sum();
  Eater eater(env, turns);
  eater.start();
  Ram_dataspace_capability held;
  for (u32 turn = 0; turn < turns; turn++) {
    Pd_connection &from = *pds[turn % PDS], &to = *pds[(turn + 1) % PDS];
    const Error back = from.transfer_ram_quota(env.pd_session_cap(), 16 * 1024);
    const Error there = env.pd().transfer_ram_quota(to.cap(), 16 * 1024);
    const Error across = from.transfer_ram_quota(to.cap(), 4096);
    const Error much = from.transfer_ram_quota(env.pd_session_cap(), 1 << 30);
    const Error caps = from.transfer_cap_quota(env.pd_session_cap(), 2);
    const Error again = env.pd().transfer_cap_quota(from.cap(), 2);
    if (held.valid()) {
      pds[(turn + PDS - 1) % PDS]->free(held);
      held = {};
    }
    const auto used = from.alloc(3 * PAGE_SIZE);
    const auto too_much = from.alloc(1 << 20);
    if (used.ok()) held = used.value;
    log("turn ", turn, ": ", name_of(back), " ", name_of(there), " ", name_of(across), " ", name_of(much), " ",
        name_of(caps), " ", name_of(again), " ", name_of(used.error), " ", name_of(too_much.error), ", used ",
        from.used_ram(), ", caps ", from.used_caps(), " of ", from.cap_quota());
    Abi::rtcr_yield();
  }
  eater.join();
  log("eaten ", eater.eaten, sum() == whole ? ", the sum is the same" : ", THE SUM HAS CHANGED");
}

} // namespace

void Component::construct(Env &env) {
  u32 turns = 10;
  {
    const Attached_rom_dataspace config(env, "config");
    turns = u32(config.xml().attribute_value("turns", turns));
  }
  account(env, turns);
  env.parent().exit(0);
}
