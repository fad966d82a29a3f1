// Captured state of this layer, read back.
import type { PlainData } from "../abi/index.ts";
import { StateReader } from "../util/index.ts";
import { WasiStateFault } from "./fault.ts";

/** @param path what the state is, for messages */
export function readerOf(state: PlainData | undefined, path: string): StateReader {
  return new StateReader(state, path, (message, field) => new WasiStateFault("malformed", message, { field }));
}
