// Stack repair (thesis 4.3 and 7.4, spec 4.5). A bootstrap has run on the stack:
//
//   top      |  frames of the bootstrap, made anew    |  kept, where they are as recorded
//   barrier  |----------------------------------------|
//            |  the recorded thread's later frames    |  copied: exactly these bytes
//   recorded |----------------------------------------|
//            |  red zone                              |  copied
//            |----------------------------------------|
//            |  unused                                |  left
//
// Stacks grow downwards: the C ABI of WebAssembly says so (tool-conventions, BasicCABI); SDKs follow it. The thesis left
// open whether what the bootstrap makes anew above the barrier may be kept: it may where it is the same, which is looked
// at byte by byte; frames that are still active may have changed since, and then the recorded bytes are used. Nor does it
// know of the red zone: a function that calls none may have data below the stack pointer, without moving it.
import type { AttachedRegionInfo, DataspaceInfo, ThreadInfo } from "../checkpoint/index.ts";
import { beginScope, endScope } from "../profile/index.ts";
import type { Dataspace } from "../session/index.ts";
import { assert } from "../util/index.ts";
import type { Standing } from "./bootstrap.ts";
import type { RepairReport } from "./restore.ts";
import { restoreBytes } from "./scopes.ts";

/** LLVM's of WebAssembly (WebAssemblyFrameLowering, `RedZoneSize`): what of C, C++ and Rust calls nothing may use it. */
const RED_ZONE_BYTES = 128;

export interface StackToRepair {
  readonly child: string;
  readonly threads: readonly ThreadInfo[];
  readonly standing: Standing;
  /** Where the stack lies in the stack area, and the area in the address space. */
  readonly region: AttachedRegionInfo;
  readonly base: number;
  readonly dataspace: Dataspace;
  readonly info: DataspaceInfo;
}

/** Brings the stacks in one dataspace into their recorded state. Without a thread on it all of it is copied. */
export function repairStack({
  child,
  threads,
  standing,
  region,
  base,
  dataspace,
  info,
}: StackToRepair): RepairReport[] {
  const start = base + region.address;
  const end = start + region.size;
  const lookUp = beginScope("Dataspace Checkpoint Look-Up", "blue");
  const thread = threads.find(({ stackPointer }) => stackPointer > start && stackPointer <= end);
  const barrier = thread && standing.get(thread.allocated);
  endScope(lookUp);
  if (!thread || barrier === undefined || barrier <= start || barrier > end) {
    restoreBytes(dataspace, 0, info.content);
    return [];
  }
  const recorded = thread.stackPointer - start;
  const upper = Math.max(recorded, barrier - start);
  assert(recorded >= 0 && upper <= info.content.length, "stack pointers lie within their stack");
  const lower = Math.max(0, recorded - RED_ZONE_BYTES);
  const copied = restoreBytes(dataspace, lower, info.content.subarray(lower, upper));
  assert(copied === upper - lower, "exactly the bytes between the stack pointers, and the red zone, are repaired");
  const now = new Uint8Array(info.content.length - upper);
  dataspace.read(upper, now);
  const replaced = countDifferent(now, info.content.subarray(upper));
  if (replaced > 0) restoreBytes(dataspace, upper, info.content.subarray(upper));
  const sizes = { repaired: upper - recorded, redZone: recorded - lower };
  return [{ child, thread: thread.name, ...sizes, kept: now.length - replaced, replaced }];
}

function countDifferent(a: Uint8Array, b: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count;
}
