// The checkpoints that a supervisor keeps for clients of its `Rtcr` sessions, by key, and what they cost.
//
// I1  One checkpoint a key is kept: a later one replaces it when it is complete, and its storage is given back.
// I2  Storage is not given back while a restore reads it.
// I3  As long as its storage is held a checkpoint is charged to the supervisor's PD (charges.ts).
import {
  type Checkpoint,
  fromCheckpoint,
  frozen,
  type SystemCheckpoint,
  toCheckpoint,
  whole,
} from "../checkpoint/index.ts";
import type { Dataspace, OutOf, SavedComponent, SessionState, SlotWriter } from "../session/index.ts";
import { type Attempt, success } from "../util/index.ts";
import type { Captured } from "./capture.ts";
import { bytesOf, type Charge, type Charges } from "./charges.ts";

/** A checkpoint that is kept, as plain data. */
export interface SavedKept {
  readonly name: string;
  readonly checkpoint: SessionState;
  /** A slot: what it is charged by. Absent in images from before there were charges. */
  readonly charge?: number;
}

/** It is given back when nobody has it any more: it may be replaced while it is restored. */
export class Kept {
  readonly system: SystemCheckpoint;
  readonly charge: Charge;
  readonly #end: () => void;
  #users = 1;

  constructor(system: SystemCheckpoint, charge: Charge, end: () => void) {
    this.system = system;
    this.charge = charge;
    this.#end = end;
  }

  /** As they are charged. */
  get bytes(): number {
    return bytesOf(this.charge);
  }

  use(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users === 0) this.#end();
  }
}

export class KeptCheckpoints {
  readonly #charges: Charges;
  readonly #kept = new Map<string, Kept>();
  /** Of those, and of what is kept no longer and still read. */
  readonly #held = new Set<Charge>();

  constructor(charges: Charges) {
    this.#charges = charges;
  }

  get keys(): readonly string[] {
    return [...this.#kept.keys()];
  }

  get(key: string): Kept | undefined {
    return this.#kept.get(key);
  }

  /** @returns undefined: it is none of them */
  keyOf(system: SystemCheckpoint): string | undefined {
    return [...this.#kept].find(([, kept]) => kept.system === system)?.[0];
  }

  /** Instead of what was kept under the key. @returns why not: its storage is given back, nothing else has changed */
  keep(key: string, { system, lease, bytes }: Captured): Attempt<void, OutOf> {
    const charge = this.#charges.take(bytes);
    if (!charge.ok) {
      lease.release();
      return charge;
    }
    this.#kept.get(key)?.release();
    this.#put(key, system, charge.value, () => lease.release());
    return success(undefined);
  }

  /** @returns false: there is none */
  forget(key: string): boolean {
    const kept = this.#kept.get(key);
    kept?.release();
    return this.#kept.delete(key);
  }

  /** Bytes of checkpoints are no copies, but of increments. */
  capture(slots: SlotWriter): readonly SavedKept[] {
    return Array.from(this.#kept, ([name, { system, charge }]) => ({
      name,
      checkpoint: whole(toCheckpoint(system)) as unknown as SessionState,
      charge: slots.held(charge.dataspace),
    }));
  }

  /** Slots of the charges of what is kept no longer, and still read. Who goes on from a capture reads nothing of that. */
  captureEnded(slots: SlotWriter): readonly number[] {
    const kept = new Set(Array.from(this.#kept.values(), ({ charge }) => charge));
    return [...this.#held].filter((charge) => !kept.has(charge)).map(({ dataspace }) => slots.held(dataspace));
  }

  /** @param ended as `captureEnded` gave it @throws TypeError if it is no such state */
  resumeEnded(ended: readonly number[], slots: SavedComponent["slots"]): void {
    for (const slot of ended) this.#charges.of(slots.held<Dataspace>(slot, "dataspace")).release();
  }

  /**
   * Takes up what `capture` gave.
   *
   * @throws TypeError if it is none, or is not charged for what it holds
   */
  resume({ name, checkpoint, charge: slot }: SavedKept, slots: SavedComponent["slots"]): void {
    const taken = { bytes: 0 };
    const system = frozen(fromCheckpoint(copied(checkpoint, taken) as unknown as Checkpoint));
    const { bytes: size } = taken;
    const charge =
      slot === undefined
        ? this.#charges.takeAny(size)
        : success(this.#charges.of(slots.held<Dataspace>(slot, "dataspace")));
    const of = `checkpoint ${JSON.stringify(name)} of ${taken.bytes} bytes`;
    if (!charge.ok) throw new TypeError(`${of} that was kept: ${charge.reason}`);
    this.#put(name, system, charge.value, () => {});
    const { bytes = 0 } = this.#kept.get(name) ?? {};
    if (bytes < taken.bytes) throw new TypeError(`${of} is charged by a dataspace of ${bytes}`);
  }

  dispose(): void {
    for (const key of this.keys) this.forget(key);
  }

  #put(key: string, system: SystemCheckpoint, charge: Charge, ended: () => void): void {
    this.#held.add(charge);
    const end = () => {
      this.#held.delete(charge);
      charge.release();
      ended();
    };
    this.#kept.set(key, new Kept(system, charge, end));
  }
}

/** Bytes of a state that is taken up may be anybody's. @param taken how many there are is added to it */
function copied(state: SessionState, taken: { bytes: number }): SessionState {
  if (state instanceof Uint8Array) {
    taken.bytes += state.length;
    return state.slice();
  }
  if (Array.isArray(state)) return (state as readonly SessionState[]).map((each) => copied(each, taken));
  if (typeof state !== "object" || state === null) return state;
  const fields = Object.entries(state).map(
    ([key, field]) => [key, field === undefined ? field : copied(field, taken)] as const,
  );
  return Object.fromEntries(fields);
}
