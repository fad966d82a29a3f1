// As many dataspaces of a size as the configuration says, all attached, every n-th page written; counts in the first one.
//
//   <config dataspaces="100" pages="1" every="1" iterations="10000000" turns="0"/>
#include "counter.h"

using namespace Rtcr;

void Component::construct(Env &env) {
  const Counter_config counting(env);
  const Attached_rom_dataspace config(env, "config");
  const u64 dataspaces = config.xml().attribute_value("dataspaces", 100);
  const u64 pages = config.xml().attribute_value("pages", 1);
  const u64 every = config.xml().attribute_value("every", 1);
  u16 *first = nullptr;
  for (u64 i = 0; i < dataspaces; i++) {
    const auto ds = env.ram().alloc(u32(pages * PAGE_SIZE));
    const auto at = env.rm().attach(ds.value);
    if (!ds.ok() || !at.ok()) return error("dataspace: ", ds.ok() ? at.error : ds.error);
    for (u64 page = 0; page < pages; page += every) *reinterpret_cast<u64 *>(at.value + u32(page * PAGE_SIZE) + 8) = i + page;
    if (!first) first = reinterpret_cast<u16 *>(at.value);
  }
  for (u64 turn = 0; counting.goes_on(turn); turn++) {
    log(*first);
    ++*first;
    counting.delay();
  }
  counting.finish(env);
}
