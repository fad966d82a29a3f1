// The twin of large_stack_counter: 31,650 counters of 16 bits on the stack in memory.
import { print, stackAlloc, start } from "../../../guest/assemblyscript/index";
import { CounterConfig } from "./counter";

export { __stack_pointer } from "../../../guest/assemblyscript/index";

const COUNTERS: usize = 31_650;

function construct(): void {
  const config = new CounterConfig();
  const counters = stackAlloc(COUNTERS * 2);
  for (let i: usize = 0; i < COUNTERS; i++) store<u16>(counters + i * 2, 1);
  for (let turn: u64 = 0; config.goesOn(turn); turn++) {
    print().num(load<u16>(counters)).end();
    for (let i: usize = 0; i < COUNTERS; i++) store<u16>(counters + i * 2, load<u16>(counters + i * 2) + 1);
    config.delay();
  }
  config.finish();
}

export function rtcr_component_start(): void {
  start(construct, 64 << 10);
}
