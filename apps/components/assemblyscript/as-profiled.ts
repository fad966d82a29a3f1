// The twin of profiled: scopes, one inside another.
import { beginScope, Color, endScope, exit, print, start } from "../../../guest/assemblyscript/index";

export { __stack_pointer, rtcr_profiling } from "../../../guest/assemblyscript/index";

function sumUp(from: u32): u32 {
  const scope = beginScope("sum", Color.Blue);
  let sum: u32 = 0;
  for (let i: u32 = 0; i < 1000; i++) sum += from + i;
  endScope(scope);
  return sum;
}

function construct(): void {
  for (let turn: u32 = 0; turn < 3; turn++) {
    const scope = beginScope("turn", Color.Red);
    print().text("sum ").num(sumUp(turn)).end();
    endScope(scope);
  }
  exit(0);
}

export function rtcr_component_start(): void {
  start(construct, 64 << 10);
}
