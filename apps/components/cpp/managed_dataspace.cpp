// managed_dataspace of RTCR v1: region maps inside region maps. The same pages are seen through three levels, and where
// they are attached directly.
//
//   <config rounds="1" iterations="10000000"/>   so often, with a delay behind each
#include "counter.h"

using namespace Rtcr;

/** @returns false if something could not be made, which it has said. */
static bool nest(Env &env) {
  Rm_connection rm(env);
  const auto ds = env.ram().alloc(2 * PAGE_SIZE);
  const auto inner = rm.create(8 * PAGE_SIZE);
  const auto middle = rm.create(16 * PAGE_SIZE);
  const auto outer = rm.create(32 * PAGE_SIZE);
  if (!inner.ok() || !middle.ok() || !outer.ok()) return error("region maps: ", inner.error), false;

  Region_map_client a(inner.value), b(middle.value), c(outer.value);
  const auto in_inner = a.attach_at(ds.value, 3 * PAGE_SIZE);
  const auto in_middle = b.attach_at(a.dataspace(), 4 * PAGE_SIZE);
  const auto in_outer = c.attach_at(b.dataspace(), 8 * PAGE_SIZE);
  log("inner ", Hex{in_inner.value}, ", middle ", Hex{in_middle.value}, ", outer ", Hex{in_outer.value});

  const auto space = env.rm().attach(c.dataspace());
  const auto direct = env.rm().attach(ds.value);
  if (!space.ok() || !direct.ok()) return error("attach: ", space.ok() ? direct.error : space.error), false;
  const addr_t through = space.value + (8 + 4 + 3) * PAGE_SIZE;
  auto *nested = reinterpret_cast<volatile u32 *>(through);
  auto *plain = reinterpret_cast<volatile u32 *>(direct.value);
  nested[0] = 0x5eed;
  plain[2047] = 0xcafe;
  log("nested ", Hex{nested[2047]}, ", direct ", Hex{plain[0]});

  a.detach(in_inner.value);
  const auto again = a.attach_at(ds.value, 5 * PAGE_SIZE);
  auto *moved = reinterpret_cast<volatile u32 *>(through + 2 * PAGE_SIZE);
  log("moved to ", Hex{again.value}, ": ", Hex{moved[0]}, " ", Hex{moved[2047]});
  rm.destroy(a);
  log("destroyed: direct ", Hex{plain[0]});
  env.rm().detach(space.value);
  env.rm().detach(direct.value);
  env.ram().free(ds.value);
  return true;
}

void Component::construct(Env &env) {
  const Counter_config config(env, "rounds", 1);
  for (u64 round = 0; config.begins(round); round++) {
    if (!nest(env)) return;
    config.delay();
  }
  config.finish(env);
}
