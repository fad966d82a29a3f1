// The Native_pd that a child sees: passes everything on, and remembers what a program was loaded from. A component that the
// child starts itself is loaded from there again.
import {
  type Capability,
  type Dataspace,
  INVALID,
  type LoadOptions,
  MARKS_BYTES,
  type NativePd,
  type OutOf,
  type PdSession,
  type ProgramFacts,
  type SessionState,
  type SlotReader,
  type SlotWriter,
  type VisitSlot,
} from "../session/index.ts";
import { type Attempt, type PlainWriter, refusal, success } from "../util/index.ts";
import type { Charge } from "./charges.ts";
import { Front } from "./front.ts";
import type { ChildContext } from "./tracked.ts";

export interface SavedNativePd {
  /** A slot. */
  readonly binary: number;
  readonly growthRequests: boolean;
  /** A slot: what marks are charged by. Absent: the supervisor is not charged for any. */
  readonly marks?: number;
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
  /** For the program's marks, if they are this supervisor's wish: another one in front of it pays for its own. */
  #marks: Charge | undefined;
  /** Marks are the wish of one in front. */
  #asked = false;
  /** A wish for marks, or for none, that the program could not follow, and is not asked for again. */
  #refused: boolean | undefined;

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
    this.#asked = options.marks ?? false;
    const paid = this.#asked ? undefined : this.#payForMarks();
    const mirrorSlots = options.mirrorSlots ?? this.#context.mirrorSlots();
    const asked = { ...(paid?.ok ? { marks: true } : {}), ...(mirrorSlots === undefined ? {} : { mirrorSlots }) };
    const loaded = this.#native.load(binary, { ...options, pd: options.pd ?? this.#pd, ...asked });
    if (!this.marked()) this.#endMarks();
    if (!loaded.ok) return loaded;
    this.#sayUnpaid(paid);
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

  marked(): boolean {
    return this.#native.marked();
  }

  /** One in front of this one asks for it, and pays. */
  mark(marks: boolean): ReturnType<NativePd["mark"]> {
    this.#asked = marks;
    return this.settleMarks();
  }

  /** The program marks what it writes if somebody wants that now, and pays for it: for a program that was loaded before. */
  settleMarks(): ReturnType<NativePd["mark"]> {
    const program = this.program();
    if (!program || program.native !== undefined) return success(undefined);
    const wished = this.#asked || this.#context.marks();
    if (wished === this.#refused) return refusal("unsaveable");
    this.#refused = undefined;
    const paid = this.#asked ? undefined : this.#payForMarks();
    const marks = this.#asked || paid?.ok === true;
    const settled = this.#native.mark(marks);
    if (!this.marked() || (settled.ok && !paid?.ok)) this.#endMarks();
    if (!settled.ok && settled.reason === "unsaveable") {
      this.#refused = wished;
      this.#context.warn(`its program goes on ${marks ? "without" : "with"} marks: ${this.problem()}`);
    }
    this.#sayUnpaid(paid);
    return settled;
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
    const marks = this.#marks?.dataspace.valid ? { marks: slots.held(this.#marks.dataspace) } : {};
    return { binary: slots.held(this.#binary), growthRequests: this.#growthRequests, ...marks };
  }

  resume({ binary, growthRequests, marks }: SavedNativePd, slots: SlotReader): void {
    this.#binary = slots.held<Dataspace>(binary, "dataspace");
    this.#growthRequests = growthRequests;
    this.#native.shownAs(this.#pd);
    if (marks !== undefined) this.#marks = this.#context.charges.of(slots.held<Dataspace>(marks, "dataspace"));
  }

  dispose(): void {
    this.#endMarks();
    this.#front.dispose();
  }

  /** @returns undefined: the supervisor wants none */
  #payForMarks(): Attempt<void, OutOf> | undefined {
    if (!this.#context.marks()) return undefined;
    if (this.#marks) return success(undefined);
    const charge = this.#context.charges.take(MARKS_BYTES);
    if (!charge.ok) return charge;
    this.#marks = charge.value;
    return success(undefined);
  }

  /** Nobody marks anything for this supervisor. */
  #endMarks(): void {
    this.#marks?.release();
    this.#marks = undefined;
  }

  #sayUnpaid(paid: Attempt<void, OutOf> | undefined): void {
    if (paid?.ok !== false || this.program()?.native !== undefined) return;
    const without = "its program does not mark what it writes, all is copied each time";
    this.#context.warn(`${without}: marks of ${MARKS_BYTES} bytes: ${paid.reason}`);
  }
}
