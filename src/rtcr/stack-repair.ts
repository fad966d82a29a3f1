// Stack repair (thesis 4.3 and 7.4, spec 4.5). A bootstrap has run on the stack:
//
//   top      |  frames of the bootstrap, made anew    |  kept; only bytes that are not as recorded are replaced
//   barrier  |----------------------------------------|
//            |  the recorded thread's later frames    |  copied: exactly these bytes
//   recorded |----------------------------------------|
//            |  red zone                              |  copied
//            |----------------------------------------|
//            |  unused                                |  left
//
// Stacks grow downwards: the C ABI of WebAssembly says so (tool-conventions, BasicCABI). A thread that stands above where
// it began, on the same stack, is refused: strategy "direct" copies stacks whole, and does not care. The thesis left open
// whether what the bootstrap makes anew above the barrier may be kept. It may where it is the same, which is looked at byte
// by byte. It need not be: those frames are of functions that were still active when the program was taken, and went on to
// write in them behind the barrier; C++ programs differ in one byte, of the frame in which `ep` dispatches the call that
// constructs. There the recorded bytes are the right ones. Nor does the thesis know of the red zone: a function that calls
// none may have data below the stack pointer, without moving it.
import type { AttachedRegionInfo, DataspaceInfo, ThreadInfo } from "../checkpoint/index.ts";
import { beginScope, endScope } from "../profile/index.ts";
import type { Dataspace } from "../session/index.ts";
import { assert } from "../util/index.ts";
import type { Standing, StandingThread } from "./bootstrap.ts";
import { RtcrFault } from "./faults.ts";
import { fillDataspace } from "./fill-dataspace.ts";
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

/**
 * Brings the stack in one dataspace into its recorded state. All of it is copied unless one thread is on it, and the stack
 * begins where the dataspace does.
 *
 * @throws RtcrFault "mismatch" if a stack grows upwards; nothing is written then
 */
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
  const [thread, ...others] = threads.filter(({ stackPointer }) => stackPointer > start && stackPointer <= end);
  const stands = thread && standing.get(thread.allocated);
  endScope(lookUp);
  const alone = others.length === 0 && region.offset === 0;
  if (!thread || !alone || !stands || stands.stackPointer <= start || stands.stackPointer > end) {
    fillDataspace(dataspace, info.content, false);
    return [];
  }
  if (stands.startedAt >= start && stands.startedAt <= end) requireDownwards(child, thread, stands);
  const recorded = thread.stackPointer - start;
  const upper = Math.max(recorded, stands.stackPointer - start);
  assert(recorded >= 0 && upper <= info.content.length, "stack pointers lie within their stack");
  const lower = Math.max(0, recorded - RED_ZONE_BYTES);
  const copied = restoreBytes(dataspace, lower, info.content.subarray(lower, upper));
  const replaced = replaceDifferent(dataspace, info, upper);
  const sizes = { repaired: upper - recorded, redZone: recorded - lower, replaced };
  assert(copied === upper - lower, "what lies between the pointers is written");
  return [
    { child, thread: thread.name, ...sizes, kept: info.content.length - upper - replaced, written: copied + replaced },
  ];
}

function requireDownwards(child: string, { name, stackPointer }: ThreadInfo, stands: StandingThread): void {
  const { startedAt } = stands;
  const highest = Math.max(stackPointer, stands.stackPointer);
  if (startedAt === 0 || highest <= startedAt) return;
  const hex = (address: number) => `0x${address.toString(16)}`;
  const message = `restore of "${child}": thread "${name}" began at ${hex(startedAt)} and stands at ${hex(highest)}, above it: \
its stack grows upwards, which strategy "bootstrap" does not repair; restore it with strategy "direct"`;
  throw new RtcrFault("mismatch", message, { child, thread: name });
}

/** Writes what is not as recorded from a byte on, run by run. @returns how many bytes were written */
function replaceDifferent(dataspace: Dataspace, { content }: DataspaceInfo, from: number): number {
  const recorded = content.subarray(from);
  const now = new Uint8Array(recorded.length);
  dataspace.read(from, now);
  const differs = (i: number) => i < now.length && now[i] !== recorded[i];
  let written = 0;
  for (let i = 0; i < now.length; i++) {
    const begin = i;
    while (differs(i)) i++;
    if (i > begin) written += restoreBytes(dataspace, from + begin, recorded.subarray(begin, i));
  }
  return written;
}
