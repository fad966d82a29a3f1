// The thesis's sheep_counter: an object on the heap, an 8-bit counter on the stack, an 8-bit counter on the heap, and a
// 16-bit counter in a dataspace of 20 pages that the program has allocated itself.
#include "counter.h"

using namespace Rtcr;

void Component::construct(Env &env) {
  const Counter_config config(env);
  constexpr size_t PAGES = 20;
  Heap heap(env);
  u8 *on_heap = new (heap) u8(1);
  volatile u8 on_stack = 1;
  Attached_ram_dataspace dataspace(env.ram(), env.rm(), PAGES * PAGE_SIZE);
  u16 *in_dataspace = dataspace.local_addr<u16>();

  log("Heap|Stack|Manual DS");
  for (u64 turn = 0; config.goes_on(turn); turn++) {
    log(*on_heap, "|", u8(on_stack), "|", *in_dataspace, " sheep. zzZ");
    ++*on_heap;
    on_stack = u8(on_stack + 1);
    ++*in_dataspace;
    config.delay();
  }
  config.finish(env);
}
