// The Native_pd that a child sees: passes everything on, and remembers what a program was loaded from. A component that the
// child starts itself is loaded from there again.
import {
  type Capability,
  type Dataspace,
  INVALID,
  type LoadOptions,
  type NativePd,
  type PdSession,
  type ProgramFacts,
  type SessionState,
  type SlotReader,
  type SlotWriter,
  type VisitSlot,
} from "../session/index.ts";
import type { Attempt, PlainWriter } from "../util/index.ts";
import { Front } from "./front.ts";
import type { ChildContext } from "./tracked.ts";

export interface SavedNativePd {
  /** A slot. */
  readonly binary: number;
  readonly growthRequests: boolean;
}

export class RtcrNativePd implements NativePd {
  readonly kind = "native-pd";
  readonly capability: Capability<NativePd>;
  /** What the kernel follows to the PD's component. */
  readonly native: Capability<NativePd>;
  readonly #front: Front<NativePd>;
  readonly #context: ChildContext;
  readonly #pd: Capability<PdSession>;
  #binary: Capability<Dataspace> = INVALID;
  #growthRequests = false;

  /** @param pd as the child sees it: memory.grow allocates there */
  constructor(context: ChildContext, real: Capability<NativePd>, pd: Capability<PdSession>) {
    this.native = real;
    this.#context = context;
    this.#pd = pd;
    this.#front = new Front<NativePd>(context, this, real);
    this.capability = this.#front.capability;
  }

  get #native(): NativePd {
    return this.#front.object;
  }

  /** What the program was loaded from; INVALID before. */
  get binary(): Capability<Dataspace> {
    return this.#binary;
  }

  get growthRequests(): boolean {
    return this.#growthRequests;
  }

  load(binary: Capability<Dataspace>, options: LoadOptions = {}): ReturnType<NativePd["load"]> {
    const marks = options.marks || this.#context.marks();
    const mirrorSlots = options.mirrorSlots ?? this.#context.mirrorSlots();
    const asked = { ...(marks ? { marks } : {}), ...(mirrorSlots === undefined ? {} : { mirrorSlots }) };
    const loaded = this.#native.load(binary, { ...options, pd: options.pd ?? this.#pd, ...asked });
    if (!loaded.ok) return loaded;
    this.#binary = binary;
    this.#growthRequests = options.growthRequests ?? false;
    return loaded;
  }

  shownAs(pd: Capability<PdSession>): void {
    this.#native.shownAs(pd);
  }

  problem(): string {
    return this.#native.problem();
  }

  program(): ProgramFacts | undefined {
    return this.#native.program();
  }

  data(): Capability<Dataspace> {
    return this.#native.data();
  }

  eachSlot(visit: VisitSlot): void {
    this.#native.eachSlot(visit);
  }

  install(slot: number, capability: Capability, count?: number): Attempt<void, "slot-taken" | "out-of-caps"> {
    return this.#native.install(slot, capability, count);
  }

  clearSlots(): void {
    this.#native.clearSlots();
  }

  prepareCapture(): void {
    this.#native.prepareCapture();
  }

  captureInstance(to: PlainWriter, unattached = false): ReturnType<NativePd["captureInstance"]> {
    return this.#native.captureInstance(to, unattached);
  }

  prepareMemory(...[state, needs]: Parameters<NativePd["prepareMemory"]>): boolean {
    return this.#native.prepareMemory(state, needs);
  }

  restoreInstance(state: SessionState): Attempt<void, "busy" | "mismatch"> {
    return this.#native.restoreInstance(state);
  }

  restoreRest(state: SessionState): Attempt<void, "mismatch"> {
    return this.#native.restoreRest(state);
  }

  served(): readonly Capability[] {
    return this.#native.served();
  }

  capture(slots: SlotWriter): SavedNativePd {
    return { binary: slots.held(this.#binary), growthRequests: this.#growthRequests };
  }

  resume({ binary, growthRequests }: SavedNativePd, slots: SlotReader): void {
    this.#binary = slots.held<Dataspace>(binary, "dataspace");
    this.#growthRequests = growthRequests;
    this.#native.shownAs(this.#pd);
  }

  dispose(): void {
    this.#front.dispose();
  }
}
