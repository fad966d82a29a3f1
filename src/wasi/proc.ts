// The process: its end, signals (which preview1 cannot deliver), and giving way to others.

import type { HostFunction } from "../abi/index.ts";
import { fail } from "./fault.ts";
import { instant, restartable } from "./function.ts";

export function proc(): Record<string, HostFunction> {
  return {
    proc_exit: instant(["u32"], ({ call }, code) => call.exit(code)),
    proc_raise: instant(["u8"], () => fail("nosys")),
    sched_yield: restartable([], ({ call }) => {
      // Issued again after a freeze it has given way already.
      if (call.progress === undefined && call.wait(0n) === "freeze") call.freeze("yielded");
    }),
  };
}
