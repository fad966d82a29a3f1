// Dataspaces that are allocated and nowhere attached while turns pass (thesis 7.5): afterwards they hold what was written
// into them, and their capabilities can be attached, passed on and given back.
#include "counter.h"

using namespace Rtcr;

namespace {

constexpr size_t BYTES = 2 * PAGE_SIZE;

void fill(Env &env, const Ram_dataspace_capability &ds, u32 factor) {
  const auto at = env.rm().attach(ds);
  for (u32 i = 0; i < BYTES / sizeof(u32); i++) reinterpret_cast<u32 *>(at.value)[i] = i * factor;
  env.rm().detach(at.value);
}

bool right(Env &env, const Dataspace_capability &ds, u32 factor) {
  const auto at = env.rm().attach(ds);
  if (!at.ok()) return false;
  bool same = true;
  for (u32 i = 0; i < BYTES / sizeof(u32); i++) same &= reinterpret_cast<u32 *>(at.value)[i] == i * factor;
  env.rm().detach(at.value);
  return same;
}

/** Gets a dataspace from another entrypoint's thread. */
class Taker final : public Rpc_object {
  Env &_env;

 public:
  explicit Taker(Env &env) : _env(env) {}
  u32 dispatch(u32, Rpc_request &request) override {
    const auto given = request.get<Dataspace_capability>();
    return request.reply(u32(right(_env, given, 7) ? 1 : 0));
  }
};

} // namespace

void Component::construct(Env &env) {
  const Counter_config config(env);
  const Attached_ram_dataspace first(env.ram(), env.rm(), PAGE_SIZE);
  first.local_addr<u32>()[5] = 55;
  const auto second = env.ram().alloc(BYTES), third = env.ram().alloc(BYTES);
  fill(env, second.value, 7);
  fill(env, third.value, 9);
  Entrypoint other(env, "other");
  Taker taker(env);
  other.manage(taker);
  const u64 used = env.ram().avail_ram();

  for (u64 turn = 0; config.goes_on(turn); turn++) {
    log("turn ", turn);
    config.delay();
  }

  log("first ", first.local_addr<u32>()[5], ", second ", right(env, second.value, 7) ? "right" : "WRONG");
  const auto passed = Rpc_client(taker.cap()).call<u32>(0, second.value);
  log("passed on: ", passed.ok() && passed.value == 1 ? "right" : "WRONG");
  env.ram().free(second.value);
  log("freed: ", u64(env.ram().avail_ram() - used), " bytes, ", second.value.badge() == 0 ? "dead" : "ALIVE");
  log("third ", right(env, third.value, 9) ? "right" : "WRONG");
  env.parent().exit(0);
}
