// Joins a PD of core with the kernel: its component, its program's memory in its region maps, its threads' page faults.
import { KERNEL_EXPORTS } from "../../abi/index.ts";
import type { ThreadFault } from "../../engine/index.ts";
import {
  type Capability,
  type Dataspace,
  INVALID,
  type NativePd,
  type OutOf,
  objectOf,
  PAGE_BYTES,
  type ParentSession,
  type PdSession,
  toPages,
} from "../../session/index.ts";
import { assert, type PlainWriter } from "../../util/index.ts";
import { type Access, type FaultWaiter, type PageFault, PlainMemory, type SavedRemain } from "../memory/index.ts";
import {
  adoptProgram,
  type CorePd,
  growLinearMemory,
  growthRequest,
  LAYOUTS,
  type ProgramMemory,
} from "../pd/index.ts";
import type { Component } from "./component.ts";
import type { ComponentHome } from "./component-parts.ts";
import type { Kernel } from "./kernel.ts";
import { mirrorFull } from "./mirrored.ts";
import { KernelNativePd } from "./native-pd.ts";
import { exportOf } from "./program.ts";
import type { KernelThread } from "./thread.ts";
import { innermost } from "./thread-state.ts";

/** What a program holds of this beside memory 0 is part of its PD's own cost: tables of 2,048 elements. */
const HELD_FREE_BYTES = 64 << 10;

export interface PdComponentOptions {
  /** memory.grow beyond the quota asks the parent for more and waits, instead of failing. */
  readonly growthRequests?: boolean;
}

/**
 * Gives a PD its component: to be passed as `native` when the PD is created.
 *
 * @returns the PD's Native_pd, which ends with the PD
 */
export function componentFor(kernel: Kernel, pd: CorePd, options: PdComponentOptions = {}): Capability<NativePd> {
  const component = kernel.lifetimes.createComponent(pd.label);
  const home = new PdHome(kernel, pd, options);
  component.home = home;
  pd.onGrant(() => home.granted(component));
  const identity = kernel.badges.identify<NativePd>(new KernelNativePd(component, kernel.badges));
  pd.onDestroy(() => {
    kernel.lifetimes.destroyComponent(component);
    component.holdings.end();
    identity.dispose();
  });
  return identity.capability;
}

class PdHome implements ComponentHome {
  account: Capability<PdSession>;
  growthRequests: boolean;
  readonly #kernel: Kernel;
  readonly #pd: CorePd;
  readonly #waiters = new Map<KernelThread, FaultWaiter>();
  /** What the PD is charged for what its program holds beside memory 0, in bytes. */
  #held = 0;
  #memory: PlainMemory | undefined;
  #program: ProgramMemory | undefined;

  constructor(kernel: Kernel, pd: CorePd, options: PdComponentOptions) {
    this.#kernel = kernel;
    this.#pd = pd;
    this.growthRequests = options.growthRequests ?? false;
    this.account = pd.capability;
  }

  get areas(): ComponentHome["areas"] {
    return LAYOUTS[this.#program?.layout ?? "component"];
  }

  get data(): Capability<Dataspace> {
    return this.#program?.data ?? INVALID;
  }

  get parent(): Capability<ParentSession> {
    return this.#pd.parent;
  }

  adopt(component: Component, text: Capability<Dataspace>): string | undefined {
    const memory = memoryOf(this.#kernel, component);
    if (!memory) return undefined;
    const layout = exportOf(component.program.info, KERNEL_EXPORTS.entry) ? "component" : "plain";
    const adopted = adoptProgram(this.#pd, memory, { layout, ...(text.valid ? { text } : {}) });
    if (!adopted.ok) return `its memory of ${memory.size()} bytes: ${adopted.reason}`;
    this.#memory = memory;
    this.#program = adopted.value;
    return undefined;
  }

  readopt(component: Component, other: boolean): void {
    const memory = memoryOf(this.#kernel, component);
    if (!memory || !this.#memory) return;
    const { addressSpaceMap } = this.#pd;
    const remains = addressSpaceMap.remains();
    const others = other ? addressSpaceMap.unattached() : [];
    addressSpaceMap.unbind();
    memory.ensure(this.#memory.size());
    this.#memory = memory;
    const problem = addressSpaceMap.bind(memory);
    assert(!problem, "what was attached in one memory can be attached in another of the same size");
    addressSpaceMap.restoreRemains(remains);
    for (const { address, bytes } of others) {
      component.marks?.wrote(address, bytes.length);
      memory.view(address, bytes.length).set(bytes);
    }
  }

  get detached(): readonly string[] {
    return this.#program?.detached ?? [];
  }

  detach(names: readonly string[]): void {
    this.#program?.detach(names);
  }

  writeRemains(to: PlainWriter, unattached: boolean): number | undefined {
    return this.#pd.addressSpaceMap.writeRemains(to, unattached);
  }

  wroteUnattached(): boolean {
    return this.#pd.addressSpaceMap.wroteUnattached();
  }

  restoreRemains(remains: readonly SavedRemain[], unattached: boolean): boolean {
    return this.#pd.addressSpaceMap.restoreRemains(remains, unattached);
  }

  prepareMemory(end: number, from: number, to: number): boolean {
    const memory = this.#memory;
    if (!memory || memory.windows || !memory.growAhead(end)) return false;
    memory.touch(from, Math.min(to, end));
    return true;
  }

  get reached(): boolean {
    return this.#memory?.whole ?? true;
  }

  grow(deltaPages: number): "grown" | "refuse" | "park" {
    if (!this.#memory) return "refuse";
    const account = objectOf<PdSession>(this.account, "pd") ?? this.#pd;
    const grown = growLinearMemory(account, this.#memory, deltaPages, this.#program?.layout);
    if (grown.ok) return "grown";
    const lacks = grown.reason === "out-of-ram" || grown.reason === "out-of-caps";
    return lacks && this.request(deltaPages, grown.reason) ? "park" : "refuse";
  }

  request(deltaPages: number, reason: OutOf): boolean {
    if (this.growthRequests) {
      objectOf<ParentSession>(this.parent, "parent")?.resourceRequest(growthRequest(deltaPages, reason));
    }
    return this.growthRequests;
  }

  hold(bytes: number): OutOf | undefined {
    assert(Number.isSafeInteger(bytes), `${bytes} are bytes to hold`);
    const wanted = toPages(Math.max(0, bytes - HELD_FREE_BYTES));
    const { ram } = this.#pd.budget;
    if (wanted > this.#held && !ram.withdraw(wanted - this.#held)) return "out-of-ram";
    if (wanted < this.#held) ram.replenish(this.#held - wanted);
    this.#held = wanted;
    return undefined;
  }

  fault(thread: KernelThread, fault: ThreadFault): boolean {
    if (fault.type === "grow") return true; // goes on when the PD has more: `granted`
    const met = this.#pd.addressSpaceMap.resolve(fault.address, fault.type);
    if (met.ok) return false;
    this.#wait(thread, met.fault);
    return true;
  }

  faultAgain(thread: KernelThread, address: number, access: Access, place: number): boolean {
    const met = this.#pd.addressSpaceMap.resolve(address, access);
    if (met.ok) return false;
    const { faults } = met.fault.map;
    this.#enlist(thread, (resume) => faults.waitAgain(met.fault, resume, place));
    return true;
  }

  placeOf(thread: KernelThread): number | undefined {
    return this.#waiters.get(thread)?.place();
  }

  granted(component: Component): void {
    for (const thread of component.threads) {
      if (thread.waiting?.kind === "fault" && !this.#waiters.has(thread)) thread.wake(undefined);
    }
  }

  get mayExecute(): boolean {
    return this.#program?.checkExecutable() === undefined;
  }

  executable(thread: KernelThread): boolean {
    const fault = this.#program?.checkExecutable();
    if (!fault) return true;
    thread.block({ kind: "fault", address: fault.address, access: "exec" });
    this.#wait(thread, fault);
    return false;
  }

  forget(thread: KernelThread): void {
    this.#waiters.get(thread)?.cancel();
    this.#waiters.delete(thread);
  }

  #wait(thread: KernelThread, fault: PageFault): void {
    const { map, address, type, nested } = fault;
    if (!nested) {
      const at = innermost(thread);
      const place = `${type} at 0x${address.toString(16)} in function ${at.function} at ${at.position}`;
      const alone = map.faults.handled ? "" : ", nobody is told";
      this.#kernel.warn(`${thread.component.label}: ${thread.name}: ${place}${alone}`);
    }
    this.#enlist(thread, (resume) => map.faults.wait(fault, resume));
  }

  #enlist(thread: KernelThread, wait: (resume: () => void) => FaultWaiter): void {
    this.forget(thread);
    const resume = () => {
      this.#waiters.delete(thread);
      if (thread.waiting?.kind === "fault") thread.wake(undefined);
    };
    this.#waiters.set(thread, wait(resume));
  }
}

function memoryOf(kernel: Kernel, component: Component): PlainMemory | undefined {
  const memory = component.engine.memories(0)?.[0];
  if (!memory) return undefined;
  assert(memory.buffer.byteLength % PAGE_BYTES === 0, "Wasm pages are whole pages");
  return new LiveMemory(kernel, component, memory);
}

/** A memory whose component sees at once when it has grown. */
class LiveMemory extends PlainMemory {
  readonly #kernel: Kernel;
  readonly #component: Component;

  constructor(kernel: Kernel, component: Component, memory: WebAssembly.Memory) {
    super(memory, component.windows, component.program.info.memories[0]!.index64, component);
    this.#kernel = kernel;
    this.#component = component;
  }

  still<T>(body: () => T): T {
    return this.#component.still(body);
  }

  override ensure(end: number): boolean {
    const full = mirrorFull(this.#component.mirror, end);
    if (full) this.#kernel.warn(`${this.#component.label}: ${full}`);
    else this.#component.memoryChanges();
    return !full && super.ensure(end);
  }

  override growAhead(end: number): boolean {
    this.#component.memoryChanges();
    return !mirrorFull(this.#component.mirror, end) && super.growAhead(end);
  }
}
