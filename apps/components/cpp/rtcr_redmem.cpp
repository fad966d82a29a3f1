// rtcr_redmem (branch red_mem of RTCR v1): what a child writes is written twice while it runs. Each turn writes pages of a
// dataspace in every width, across their borders and as blocks, and says what all of it comes to.
//
//   <config pages="20" written="20" iterations="10000000" turns="0"/>
#include "counter.h"

using namespace Rtcr;

static void write(u8 *page, u32 turn, u32 number, bool last) {
  u32 value = turn * 2654435761u + number;
  for (u32 at = 0; at < 256; at++) page[at] = u8(value + at);
  for (u32 at = 256; at < 512; at += 2) *reinterpret_cast<u16 *>(page + at) = u16(value ^ at);
  for (u32 at = 512; at < 1024; at += 4) *reinterpret_cast<u32 *>(page + at) = value += at;
  for (u32 at = 1024; at < 2048; at += 8) *reinterpret_cast<double *>(page + at) = double(value) / double(at);
  __builtin_memcpy(page + 2048, page + turn % 1024, 1024);
  __builtin_memset(page + 3072, int(value), 1021);
  const u64 across = (u64(value) << 32) | turn;
  if (!last) __builtin_memcpy(page + PAGE_SIZE - 3, &across, sizeof across);
}

static u32 sum(const u32 *words, size_t count) {
  u32 all = 2166136261u;
  for (size_t i = 0; i < count; i++) all = (all ^ words[i]) * 16777619u;
  return all;
}

void Component::construct(Env &env) {
  const Counter_config counting(env);
  const Attached_rom_dataspace config(env, "config");
  const u32 pages = config.valid() ? u32(config.xml().attribute_value("pages", 20)) : 20;
  const u32 written = config.valid() ? u32(config.xml().attribute_value("written", pages)) : pages;
  Attached_ram_dataspace dataspace(env.ram(), env.rm(), pages * PAGE_SIZE);
  u8 *bytes = dataspace.local_addr<u8>();
  for (u32 turn = 0; counting.goes_on(turn); turn++) {
    for (u32 i = 0; i < written; i++) {
      const u32 number = (turn * 7 + i) % pages;
      write(bytes + number * PAGE_SIZE, turn, number, number + 1 == pages);
    }
    log(turn + 1, " sheep. ", sum(dataspace.local_addr<u32>(), pages * PAGE_SIZE / sizeof(u32)));
    counting.delay();
  }
  counting.finish(env);
}
