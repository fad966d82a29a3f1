// Native_pd: how a parent loads a component's program, and how RTCR sees and fills its table and instance.
import { KERNEL_EXPORTS, type PlainData, type SavedGroup } from "../../abi/index.ts";
import { EngineFault } from "../../engine/index.ts";
import {
  type Badges,
  type Capability,
  contentOf,
  type Dataspace,
  INVALID,
  type KernelObject,
  type LoadOptions,
  type NativePd,
  objectOf,
  PAGE_BYTES,
  type PdSession,
  type ProgramFacts,
  type SessionState,
  type SlotReader,
  type VisitSlot,
} from "../../session/index.ts";
import { type Attempt, Bug, Fault, messageOf, type PlainWriter, refusal, success } from "../../util/index.ts";
import { ADDRESS_SPACE_BYTES, type SavedRemain } from "../memory/index.ts";
import type { Component } from "./component.ts";
import type { NativeRun } from "./component-parts.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import { exportOf, type LoadRefusal, loadRefusal } from "./program.ts";

/** What `captureInstance` writes. */
interface InstanceState {
  readonly group: SavedGroup;
  readonly wasi?: PlainData;
  /** Whether the module's start function has begun; absent in older states: it has. */
  readonly started?: PlainData;
  /** Regions that the program began with and that were detached since; absent: none. */
  readonly detached?: readonly string[];
  /** What the program reaches beside what is attached; absent: nothing. */
  readonly memory?: readonly SavedRemain[];
  /** Whether `memory` has also what was written where nothing was ever attached; absent: it has not. */
  readonly unattached?: PlainData;
  /** Of its table, the next one last; absent: none, or an older image. */
  readonly freeSlots?: readonly number[];
}

export class KernelNativePd implements NativePd {
  readonly kind = "native-pd";
  readonly component: Component;
  readonly #badges: Badges;
  #served: readonly Capability[] = [];
  /** Of the program that is loaded, which stays the same. */
  #facts: ProgramFacts | undefined;

  /** @param badges for the objects that a restored program in TypeScript serves */
  constructor(component: Component, badges: Badges) {
    this.component = component;
    this.#badges = badges;
  }

  load(binary: Capability<Dataspace>, options: LoadOptions = {}): Attempt<void, LoadRefusal> {
    const dataspace = objectOf<Dataspace>(binary, "dataspace");
    if (dataspace) {
      const { home } = this.component;
      if (options.pd) this.shownAs(options.pd);
      if (options.growthRequests && home) home.growthRequests = true;
      return this.component.loadNative(dataspace) ?? this.component.load(contentOf(dataspace), options, binary);
    }
    this.component.problem = "the capability denotes no dataspace";
    return refusal("invalid-program");
  }

  shownAs(pd: Capability<PdSession>): void {
    if (this.component.home) this.component.home.account = pd;
  }

  problem(): string {
    return this.component.problem;
  }

  program(): ProgramFacts | undefined {
    return (this.#facts ??= this.#factsOf(this.component));
  }

  #factsOf(component: Component): ProgramFacts | undefined {
    if (component.native) {
      return {
        module: component.native.module,
        native: component.native.name,
        windows: false,
        stackArea: 0,
        linkerArea: 0,
        bootstraps: false,
      };
    }
    if (!component.loaded) return undefined;
    const { info } = component.program;
    const { stackArea = 0, linkerArea = 0 } = component.home?.areas ?? {};
    return {
      module: info.module,
      windows: component.windows !== undefined,
      stackArea,
      linkerArea,
      bootstraps: exportOf(info, KERNEL_EXPORTS.entry) !== undefined,
      ...(component.wasi ? { wasi: true } : {}),
    };
  }

  marked(): boolean {
    return this.component.marks !== undefined;
  }

  mark(marks: boolean): Attempt<void, "busy" | "unsaveable"> {
    const { component } = this;
    if (!component.loaded || marks === this.marked()) return success(undefined);
    return component.alone(() => {
      if (component.onStack) return refusal("busy");
      try {
        component.mark(marks);
        return success(undefined);
      } catch (thrown) {
        loadRefusal(thrown); // a bug is thrown on
        component.problem = messageOf(thrown);
        return refusal("unsaveable");
      }
    });
  }

  data(): Capability<Dataspace> {
    return this.component.home?.data ?? INVALID;
  }

  eachSlot(visit: VisitSlot): void {
    this.component.table.eachSlot(visit);
  }

  install(slot: number, capability: Capability, count = 1): Attempt<void, "slot-taken" | "out-of-caps"> {
    return this.component.table.install(slot, capability, count);
  }

  clearSlots(): void {
    this.component.clearSlots();
  }

  prepareCapture(): void {
    const { component } = this;
    this.program();
    if (!component.loaded) return;
    try {
      component.parts.prepareCapture();
    } catch (thrown) {
      if (!(thrown instanceof EngineFault)) throw thrown; // its CPU is no more: the capture will say so
    }
  }

  captureInstance(to: PlainWriter, unattached = false): ReturnType<NativePd["captureInstance"]> {
    return this.component.onStack ? this.#captureAtRest(to, unattached) : this.#capture(to, unattached);
  }

  /** Apart, so that nothing is made in a pause. */
  #captureAtRest(to: PlainWriter, unattached: boolean): ReturnType<NativePd["captureInstance"]> {
    return this.component.atRest(() => this.#capture(to, unattached));
  }

  #capture(to: PlainWriter, unattached: boolean): ReturnType<NativePd["captureInstance"]> {
    const { component } = this;
    if (component.native) return this.#captureNative(component.native, to);
    if (!component.loaded || component.onStack) return refusal("busy");
    const { home, table } = component;
    component.saveGlobals();
    try {
      to.fields();
      to.field("group");
      component.parts.writeOutside(to);
      to.put("started", component.starts.startGiven);
      if (component.wasi) {
        to.field("wasi");
        component.wasi.writeState(to);
      }
      if (home && home.detached.length > 0) to.put("detached", home.detached);
      if (table.free.length > 0) to.put("freeSlots", table.free);
      const before = to.neededBytes;
      to.field("memory");
      const all = unattached || (home?.wroteUnattached() ?? false);
      const bytes = home?.writeRemains(to, all);
      if (bytes === undefined) to.dropSince(before);
      else if (bytes > KERNEL_LIMITS.detachedBytes) return refusal("too-much-detached");
      if (all) to.put("unattached", true);
      to.end();
      return success(undefined);
    } catch (thrown) {
      if (!(thrown instanceof EngineFault)) throw thrown;
      component.problem = thrown.message;
      return refusal("unsaveable");
    }
  }

  prepareMemory(...[state, { end, from, to }]: Parameters<NativePd["prepareMemory"]>): boolean {
    const { home, loaded, onStack } = this.component;
    const { detached = [] } = (state ?? {}) as Partial<InstanceState>;
    if (!home || !loaded || onStack || detached.length > 0 || end > ADDRESS_SPACE_BYTES) return false;
    return home.prepareMemory(end, from, to);
  }

  restoreInstance(state: SessionState): Attempt<void, "busy" | "mismatch"> {
    const { component } = this;
    if (component.native) return this.#restoreNative(component.native, state);
    if (!component.loaded || component.onStack || component.parts.standing > 0) return refusal("busy");
    component.saveGlobals();
    component.problem = "";
    try {
      const { group, wasi, started, detached = [] } = state as unknown as InstanceState;
      if (group.instances.length > KERNEL_LIMITS.threads) return refusal("mismatch");
      const paid = component.holdings.restore(group, () => {
        if (wasi !== undefined) component.wasi?.restore(wasi); // what is not there refuses all
        component.parts.restoreOutside(group);
      });
      if (!paid) {
        component.problem = "its tables, memories beside memory 0 and instances: out-of-ram";
        return refusal("mismatch");
      }
      component.starts.startGiven = started !== false;
      component.home?.detach(detached);
      return success(undefined);
    } catch (thrown) {
      if (!(thrown instanceof Fault || thrown instanceof TypeError)) throw thrown;
      if (thrown instanceof Fault) component.problem = thrown.message;
      return refusal("mismatch");
    }
  }

  restoreRest(state: SessionState): Attempt<void, "mismatch"> {
    const { home, native } = this.component;
    if (native || !home || state === null) return success(undefined);
    if (!home.reached) return refusal("mismatch"); // the program would see a memory of another size
    try {
      const { memory = [], freeSlots = [], unattached } = state as unknown as InstanceState;
      this.component.table.freeAs(freeSlots);
      return home.restoreRemains(memory.map(requireRemain), unattached === true)
        ? success(undefined)
        : refusal("mismatch");
    } catch (thrown) {
      if (thrown instanceof RangeError || thrown instanceof TypeError) return refusal("mismatch");
      throw thrown;
    }
  }

  served(): readonly Capability[] {
    return this.#served;
  }

  #captureNative(native: NativeRun, to: PlainWriter): Attempt<void, "busy" | "unsaveable"> {
    const { table } = this.component;
    table.clear();
    const served: Capability[] = [];
    this.component.problem = "";
    try {
      const state = native.capture({
        held: (capability) => table.insert(capability),
        served: (capability) => {
          if (capability.valid) served.push(capability);
          return table.insert(capability);
        },
      });
      this.#served = served;
      if (state === undefined) return refusal("unsaveable");
      to.plain(state);
      return success(undefined);
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      this.component.problem = thrown.message;
      return refusal(thrown.code === "busy" ? "busy" : "unsaveable");
    }
  }

  #restoreNative(native: NativeRun, state: SessionState): Attempt<void, "mismatch"> {
    const { table } = this.component;
    const slots: SlotReader = {
      held: <T extends KernelObject>(slot: number, kind?: T["kind"]) => {
        const capability = table.lookup(slot);
        if (kind && !this.#badges.expect(capability, kind)) throw new TypeError(`slot ${slot}: expected a ${kind}`);
        return capability as Capability<T>;
      },
      served: (slot, object, behind) => {
        const identity = this.#badges.fulfil(table.lookup(slot), object, behind);
        if (!identity) throw new TypeError(`slot ${slot} is none of an object that the program serves`);
        return identity;
      },
    };
    try {
      native.restore({ state, slots });
      return success(undefined);
    } catch (thrown) {
      if (thrown instanceof Bug) throw thrown;
      this.component.problem = messageOf(thrown);
      return refusal("mismatch");
    }
  }
}

/** An image may say anything. @throws TypeError for what is no range of pages, with pieces inside it */
function requireRemain(remain: SavedRemain): SavedRemain {
  const { address, size, pieces } = remain;
  const pages = [address, size].every((number) => Number.isInteger(number) && number >= 0 && number % PAGE_BYTES === 0);
  const inside = pieces.every(
    (piece) =>
      Number.isInteger(piece.address) &&
      piece.bytes instanceof Uint8Array &&
      piece.address >= address &&
      piece.address + piece.bytes.length <= address + size,
  );
  if (!pages || !inside || size === 0 || address + size > ADDRESS_SPACE_BYTES) throw new TypeError("no range of pages");
  return remain;
}
