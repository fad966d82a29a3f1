// Functions whose form on the wire differs from the contract's method: numbers for names, flags for absent options,
// dataspaces for plain data that does not fit into a message.

import {
  type Cached,
  type Capability,
  type CpuSession,
  type CpuThread,
  type Dataspace,
  FAULT_TYPES,
  type Location,
  type NativePd,
  objectOf,
  type ParentSession,
  type PdSession,
  type RegionMap,
  SESSION_RESPONSES,
} from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import { fromStateBytes, toStateBytes } from "./state-bytes.ts";

const CACHED: readonly Cached[] = ["uncached", "write-combined", "cached"];

type Adapter = (object: never, ...args: never[]) => unknown;

/** By `kind function`. */
export const ADAPTERS: ReadonlyMap<string, Adapter> = new Map<string, Adapter>([
  ["pd alloc", (pd: PdSession, size: number, cached: number) => pd.alloc(size, CACHED[cached] ?? "cached")],
  [
    "native-pd load",
    (native: NativePd, binary: Capability<Dataspace>, windows: boolean) => native.load(binary, { windows }),
  ],
  ["region-map attach", attach],
  ["region-map state", regionMapState],
  ["cpu create_thread", createThread],
  ["cpu-thread save_state", saveState],
  ["cpu-thread set_state", loadState],
  ["parent session_response", sessionResponse],
]);

function attach(
  map: RegionMap,
  dataspace: Capability<Dataspace>,
  size: number,
  offset: number,
  useAddress: boolean,
  address: number,
  executable: boolean,
  writeable: boolean,
): ReturnType<RegionMap["attach"]> {
  return map.attach(dataspace, { size, offset, executable, writeable, ...(useAddress ? { address } : {}) });
}

function regionMapState(map: RegionMap): { readonly type: number; readonly address: number } {
  const { type, address } = map.state();
  return { type: FAULT_TYPES.indexOf(type), address };
}

function createThread(
  cpu: CpuSession,
  pd: Capability<PdSession>,
  name: string,
  affinity: Location,
  weight: number,
  utcb: number,
): ReturnType<CpuSession["createThread"]> {
  const placed = affinity.width > 0 && affinity.height > 0 ? { affinity } : {};
  return cpu.createThread(pd, { name, weight, utcb, ...placed });
}

/** Writes the saved state into a dataspace; the number of bytes it took. */
function saveState(thread: CpuThread, into: Capability): Attempt<number, "state-access-failed"> {
  const state = thread.state();
  if (!state.ok) return state;
  const bytes = toStateBytes(state.value.saved);
  const written = objectOf<Dataspace>(into, "dataspace")?.write(0, bytes);
  return written === bytes.length ? success(written) : refusal("state-access-failed");
}

function loadState(thread: CpuThread, source: Capability, length: number): Attempt<void, "state-access-failed"> {
  const dataspace = objectOf<Dataspace>(source, "dataspace");
  if (!dataspace || length > dataspace.size()) return refusal("state-access-failed");
  const bytes = new Uint8Array(length);
  dataspace.read(0, bytes);
  const saved = fromStateBytes(bytes);
  // Guests know one refusal (spec 2.3).
  const set = saved !== undefined && thread.setState({ saved }).ok;
  return set ? success(undefined) : refusal("state-access-failed");
}

function sessionResponse(parent: ParentSession, id: number, response: number): void {
  parent.sessionResponse(id, SESSION_RESPONSES[response] ?? "service-denied");
}
