// One dataspace at several places: whole, a part of it, for reading only, and inside two region maps. What is written at
// one of them is read at all others, in every turn.
#include "counter.h"

using namespace Rtcr;

void Component::construct(Env &env) {
  const Counter_config config(env);
  Rm_connection rm(env);
  const auto ds = env.ram().alloc(4 * PAGE_SIZE);
  const auto inner = rm.create(8 * PAGE_SIZE), outer = rm.create(16 * PAGE_SIZE);
  if (!inner.ok() || !outer.ok()) return error("region maps: ", inner.error);
  Region_map_client a(inner.value), b(outer.value);
  a.attach_at(ds.value, 2 * PAGE_SIZE, 2 * PAGE_SIZE, PAGE_SIZE);
  b.attach_at(a.dataspace(), 4 * PAGE_SIZE);

  const auto whole = env.rm().attach(ds.value);
  const auto part = env.rm().attach(ds.value, PAGE_SIZE, 2 * PAGE_SIZE);
  const auto reading = env.rm().attach(ds.value, 0, 0, false, 0, false, false);
  const auto nested = env.rm().attach(b.dataspace());
  if (!whole.ok() || !part.ok() || !reading.ok() || !nested.ok()) return error("attach: ", nested.error);
  auto *const words = reinterpret_cast<volatile u32 *>(whole.value + 2 * PAGE_SIZE);
  const auto *const second = reinterpret_cast<volatile u32 *>(part.value);
  const auto *const third = reinterpret_cast<volatile u32 *>(reading.value + 2 * PAGE_SIZE);
  auto *const fourth = reinterpret_cast<volatile u32 *>(nested.value + (4 + 2 + 1) * PAGE_SIZE);

  for (u64 turn = 0; config.goes_on(turn); turn++) {
    words[0] = words[0] + 1;
    fourth[1] = fourth[1] + 2;
    log(words[0], " ", second[0], " ", third[0], " ", fourth[0], ", ", words[1], " ", second[1], " ", third[1]);
    config.delay();
  }
  config.finish(env);
}
