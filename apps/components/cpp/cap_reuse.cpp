// cap_reuse of RTCR v1: the number of a freed capability is used again, and an old reference never reaches the new object.
//
//   <config rounds="1" iterations="10000000"/>   so often, with a delay behind each
#include "counter.h"

using namespace Rtcr;

static void reuse(Env &env) {
  constexpr u32 TURNS = 1000;
  u32 badges[TURNS];
  u32 reused = 0, alive = 0, reached = 0;
  Capability old = env.ram().alloc(PAGE_SIZE).value;
  for (u32 turn = 0; turn < TURNS; turn++) {
    badges[turn] = old.badge();
    for (u32 i = 0; i < turn; i++)
      if (badges[i] == badges[turn]) {
        reused++;
        break;
      }
    env.ram().free(old);
    Capability fresh = env.ram().alloc(PAGE_SIZE).value;
    if (old.badge() != 0) alive++;
    // a call through the old reference must not answer for the new object
    if (Dataspace_client(old).size() != 0) reached++;
    old = fresh;
  }
  env.ram().free(old);
  log("badges used again: ", reused > 0 ? "yes" : "no", ", stale references alive: ", alive, ", reached: ", reached);
}

void Component::construct(Env &env) {
  const Counter_config config(env, "rounds", 1);
  for (u64 round = 0; config.begins(round); round++) {
    reuse(env);
    config.delay();
  }
  config.finish(env);
}
