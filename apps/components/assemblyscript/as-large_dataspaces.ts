// The twin of large_dataspaces: one dataspace of 100 pages, with a 16-bit counter at its beginning.
import { allocRam, attach, print, start } from "../../../guest/assemblyscript/index";
import { CounterConfig } from "./counter";

export { __stack_pointer } from "../../../guest/assemblyscript/index";

function construct(): void {
  const config = new CounterConfig();
  const counter = attach(allocRam(100 * 4096));
  for (let turn: u64 = 0; config.goesOn(turn); turn++) {
    print().num(load<u16>(counter)).end();
    store<u16>(counter, load<u16>(counter) + 1);
    config.delay();
  }
  config.finish();
}

export function rtcr_component_start(): void {
  start(construct, 64 << 10);
}
