// random_get: in pieces, so that filling a gigabyte does not hold up a freeze.

import type { HostFunction } from "../abi/index.ts";
import { success } from "../util/index.ts";
import type { WasiContext } from "./context.ts";
import { restartable } from "./function.ts";
import { transfer } from "./transfer.ts";

export function random(wasi: WasiContext): Record<string, HostFunction> {
  return {
    random_get: restartable(["u32", "u32"], (guest, pointer, length) => {
      guest.memory.require(pointer, length);
      const step = (piece: Uint8Array) => {
        wasi.sessions.random.fill(piece);
        return success(piece.length);
      };
      transfer(guest, [{ pointer, length }], { direction: "in", step });
    }),
  };
}
