// The twin of small_dataspaces: 100 dataspaces of one page, with a 16-bit counter at the beginning of each.
import { allocRam, attach, print, start } from "../../../guest/assemblyscript/index";
import { CounterConfig } from "./counter";

export { __stack_pointer } from "../../../guest/assemblyscript/index";

const DATASPACES: i32 = 100;

function construct(): void {
  const config = new CounterConfig();
  const counters = new StaticArray<usize>(DATASPACES);
  for (let i = 0; i < DATASPACES; i++) counters[i] = attach(allocRam(4096));
  for (let turn: u64 = 0; config.goesOn(turn); turn++) {
    print().num(load<u16>(counters[0])).end();
    for (let i = 0; i < DATASPACES; i++) store<u16>(counters[i], load<u16>(counters[i]) + 1);
    config.delay();
  }
  config.finish();
}

export function rtcr_component_start(): void {
  start(construct, 64 << 10);
}
