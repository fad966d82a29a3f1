// A loaded program's memory as dataspaces of its PD: what it begins with, and how memory.grow adds to it.
//
//   component layout                                    plain layout
//   linker area  0            data: all that the        address space  0   data, then one region a growth
//                             instance begins with
//                behind it    growths, while it is      linker area        text
//                             the last thing in memory
//                at its end   text: the binary
//   elsewhere    later growths
//
// The text region is there to be executed only: a function has no address in linear memory, so nothing is shown at the
// region's addresses, and no memory is used for it. In a program whose text is detached a thread's start is an execute fault,
// and a dispatch, which is an indirect call of the program's table. What runs already goes on.
import {
  type AttachRefusal,
  type Capability,
  type Dataspace,
  type OutOf,
  PAGE_BYTES,
  type PdSession,
  toPages,
  writeSessionArgs,
} from "../../session/index.ts";
import { type Attempt, assert, refusal, success } from "../../util/index.ts";
import type { ComponentMemory } from "../memory/component-memory.ts";
import { ByteDataspace } from "../memory/dataspace.ts";
import type { PageFault } from "../memory/faults.ts";
import { ADDRESS_SPACE_BYTES } from "../memory/limits.ts";
import type { Region } from "../memory/region-map.ts";
import { LAYOUTS, type LayoutName, LINKER_AREA_BYTES } from "./areas.ts";
import type { CorePd } from "./pd.ts";

const WASM_PAGE_BYTES = 65_536;

export interface ProgramMemoryOptions {
  readonly layout: LayoutName;
  /** The binary; absent: there is no text region, and anything may be executed. */
  readonly text?: Capability<Dataspace>;
}

export type ProgramMemoryRefusal = OutOf | "undefined-ref-account" | "region-conflict";

const NONE: readonly string[] = [];

/** A region that a program begins with. */
type OwnRegion = "linker-area" | "stack-area" | "data" | "text";

/** What `adoptProgram` made. */
export class ProgramMemory {
  readonly layout: LayoutName;
  /** The memory that the program began with; undefined if it has none. Guests may free it like any other. */
  readonly data: Capability<Dataspace> | undefined;
  /** Address of the text in the address space. */
  readonly textAddress: number | undefined;
  readonly #pd: CorePd;
  readonly #own: readonly (readonly [OwnRegion, Region])[];
  /** The regions that its code is executed in, as long as they are attached: asked at each dispatch. */
  readonly #code: readonly Region[];

  /** @internal Made by `adoptProgram`. */
  constructor(
    pd: CorePd,
    layout: LayoutName,
    data: Capability<Dataspace> | undefined,
    textAddress: number | undefined,
  ) {
    this.#pd = pd;
    this.layout = layout;
    this.data = data;
    this.textAddress = textAddress;
    const { linkerArea, stackArea } = LAYOUTS[layout];
    const { addressSpaceMap: space, linkerAreaMap: linker } = pd;
    const own: readonly (readonly [OwnRegion, Region | undefined])[] = [
      ["linker-area", space.regions.at(linkerArea)],
      ["stack-area", space.regions.at(stackArea)],
      ["data", data && (layout === "component" ? linker : space).regions.at(0)],
      ["text", textAddress === undefined ? undefined : linker.regions.at(textAddress - linkerArea)],
    ];
    this.#own = own.flatMap(([name, region]) => (region ? [[name, region] as const] : []));
    this.#code = this.#own.flatMap(([name, region]) => (name === "text" || name === "linker-area" ? [region] : []));
  }

  /** Names of the regions that the program began with and that were detached since. */
  get detached(): readonly string[] {
    let count = 0;
    for (let i = 0; i < this.#own.length; i++) if (!attached(this.#own[i]![1])) count++;
    return count === 0 ? NONE : this.#own.flatMap(([name, region]) => (attached(region) ? [] : [name]));
  }

  /** Detaches the regions of these names, if they are attached. */
  detach(names: readonly string[]): void {
    for (const [name, region] of this.#own) {
      if (names.includes(name) && attached(region)) region.map.detach(region.start);
    }
  }

  /** The fault of executing the program's code; undefined if it may be executed. */
  checkExecutable(): PageFault | undefined {
    if (this.textAddress === undefined || this.#code.every(attached)) return undefined;
    return this.#pd.addressSpaceMap.checkExecutable(this.textAddress);
  }
}

function attached(region: Region): boolean {
  return region.chain !== undefined;
}

/**
 * Lays out the address space of a PD for its program, takes the instance's memory as it is into a dataspace that the PD
 * is charged for, and shows there what has been attached before. Call it once, when the instance exists and before its
 * first thread runs. Windows begin behind the program's own memory.
 *
 * @returns a refusal leaves the PD as it was
 */
export function adoptProgram(
  pd: CorePd,
  memory: ComponentMemory,
  options: ProgramMemoryOptions,
): Attempt<ProgramMemory, ProgramMemoryRefusal> {
  const undo: (() => void)[] = [];
  const adopted = adopt(pd, memory, options, undo);
  if (!adopted.ok) for (const step of undo.reverse()) step();
  return adopted;
}

function adopt(
  pd: CorePd,
  memory: ComponentMemory,
  options: ProgramMemoryOptions,
  undo: (() => void)[],
): Attempt<ProgramMemory, ProgramMemoryRefusal> {
  const { addressSpaceMap: space, linkerAreaMap: linker, stackAreaMap: stacks } = pd;
  const layout = LAYOUTS[options.layout];
  for (const [area, address] of [
    [linker, layout.linkerArea],
    [stacks, layout.stackArea],
  ] as const) {
    const attached = space.attachFree(area.dataspace(), { address, executable: area === linker });
    if (!attached.ok) return refusal(nameOf(attached.reason));
    undo.push(() => space.detach(address));
  }
  const data = takeData(pd, memory, options.layout === "component" ? linker : space, undo);
  if (!data.ok) return data;
  if (options.layout === "component") space.gap = { start: LINKER_AREA_BYTES, end: layout.lowestAutomatic };
  const textAt = attachText(pd, options.text, undo);
  if (!textAt.ok) return textAt;
  if (memory.windows) memory.windows.limit = memory.size();
  const problem = space.bind(memory);
  if (problem) return refusal(problem.reason === "memory-full" ? "out-of-ram" : "region-conflict");
  const textAddress = textAt.value === undefined ? undefined : layout.linkerArea + textAt.value;
  return success(new ProgramMemory(pd, options.layout, data.value, textAddress));
}

function takeData(
  pd: CorePd,
  memory: ComponentMemory,
  map: CorePd["addressSpaceMap"],
  undo: (() => void)[],
): Attempt<Capability<Dataspace> | undefined, ProgramMemoryRefusal> {
  if (memory.size() === 0) return success(undefined);
  if (memory.windows && memory.size() === ADDRESS_SPACE_BYTES) return refusal("out-of-ram"); // no room for windows
  const allocated = pd.alloc(memory.size());
  if (!allocated.ok) return allocated;
  undo.push(() => pd.free(allocated.value));
  const dataspace = allocated.value.object;
  assert(dataspace instanceof ByteDataspace, "a PD of core allocates dataspaces of core");
  dataspace.adoptLinear();
  dataspace.ofProgram = "data";
  const attached = map.attach(allocated.value, { address: 0, executable: false });
  return attached.ok ? allocated : refusal(nameOf(attached.reason));
}

/** Attaches the binary at the end of the linker area. @returns where in the area; undefined without a binary */
function attachText(
  pd: CorePd,
  text: Capability<Dataspace> | undefined,
  undo: (() => void)[],
): Attempt<number | undefined, ProgramMemoryRefusal> {
  const binary = text?.object;
  if (!text || !binary) return success(undefined);
  const size = Math.min(toPages(binary.size()), LINKER_AREA_BYTES / 2);
  const address = LINKER_AREA_BYTES - size;
  const attached = pd.linkerAreaMap.attachFree(text, {
    address,
    size,
    executable: true,
    writeable: false,
    hidden: true,
  });
  if (!attached.ok) return refusal(nameOf(attached.reason));
  undo.push(() => pd.linkerAreaMap.detach(address));
  return success(address);
}

/**
 * memory.grow of a program: memory of its PD, attached behind the memory it has, which has grown when this returns.
 *
 * @param pd the PD as the component sees it (an interposer's, where there is one)
 * @param deltaPages Wasm pages of 64 KiB
 * @returns the pages it had before. A refusal leaves everything as it was: the guest sees -1, or waits until a resource
 *   request (`growthRequest`) was granted
 */
export function growLinearMemory(
  pd: PdSession,
  memory: ComponentMemory,
  deltaPages: number,
  layout: LayoutName = "plain",
): Attempt<number, ProgramMemoryRefusal> {
  const before = memory.size();
  if (deltaPages === 0) return success(before / WASM_PAGE_BYTES);
  const end = before + deltaPages * WASM_PAGE_BYTES;
  const allocated = pd.alloc(end - before);
  if (!allocated.ok) return allocated;
  const { windows } = memory;
  // Nothing is attached there if the attachment succeeds, so the program's own memory may go on at full speed.
  const direct = windows?.limit === before && end < ADDRESS_SPACE_BYTES;
  if (direct) windows.limit = end;
  const inLinkerArea = layout === "component" && before < LINKER_AREA_BYTES;
  const map = (inLinkerArea ? pd.linkerArea() : pd.addressSpace()).object;
  const attached = map?.attach(allocated.value, { address: before });
  if (attached?.ok && memory.ensure(end)) {
    const dataspace = allocated.value.object;
    if (dataspace instanceof ByteDataspace) dataspace.ofProgram = "growth";
    return success(before / WASM_PAGE_BYTES);
  }
  pd.free(allocated.value);
  if (direct && windows.limit > before) windows.limit = before;
  return refusal(attached && !attached.ok ? nameOf(attached.reason) : "region-conflict");
}

/** A program's memory is never invalid: where it cannot be attached, something else is. */
function nameOf(reason: AttachRefusal): ProgramMemoryRefusal {
  return reason === "invalid-dataspace" ? "region-conflict" : reason;
}

/** The arguments of a resource request for a growth that was refused. */
export function growthRequest(deltaPages: number, reason: OutOf): string {
  const args =
    reason === "out-of-caps" ? { cap_quota: 1 } : { ram_quota: deltaPages * WASM_PAGE_BYTES + 2 * PAGE_BYTES };
  const written = writeSessionArgs(Object.entries(args));
  assert(written.ok, "two numbers are short enough for session arguments");
  return written.value;
}
