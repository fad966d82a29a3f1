// The twin of sheep_counter: counters on the heap, on the stack in memory, and in a dataspace of 20 pages.
import { allocRam, attach, Heap, print, stackAlloc, start } from "../../../guest/assemblyscript/index";
import { CounterConfig } from "./counter";

export { __stack_pointer } from "../../../guest/assemblyscript/index";

function construct(): void {
  const config = new CounterConfig();
  const onHeap = Heap.create().alloc(1);
  const onStack = stackAlloc(1);
  const inDataspace = attach(allocRam(20 * 4096));
  store<u8>(onHeap, 1);
  store<u8>(onStack, 1);
  print().text("Heap|Stack|Manual DS").end();
  for (let turn: u64 = 0; config.goesOn(turn); turn++) {
    print()
      .num(load<u8>(onHeap))
      .text("|")
      .num(load<u8>(onStack))
      .text("|")
      .num(load<u16>(inDataspace))
      .text(" sheep. zzZ")
      .end();
    store<u8>(onHeap, load<u8>(onHeap) + 1);
    store<u8>(onStack, load<u8>(onStack) + 1);
    store<u16>(inDataspace, load<u16>(inDataspace) + 1);
    config.delay();
  }
  config.finish();
}

export function rtcr_component_start(): void {
  start(construct, 64 << 10);
}
