// What RTCR knows of one child's objects: one generic registry for every kind (design.md section 7).
//
// I1  Adding, finding and removing take constant time; iteration is in the order of allocation (thesis 7.2).
// I2  An entry leaves when its object goes: nothing waits for the next checkpoint. One whose object has gone without the
//     child (its server ended, its component did) is passed over and leaves when somebody looks.
import type { DataspaceInfo, ObjectInfo } from "../checkpoint/index.ts";
import {
  type Badges,
  type Cached,
  type Capability,
  type Identity,
  type KernelObject,
  Notes,
  type SlotReader,
} from "../session/index.ts";
import { type Placed, Row } from "../util/index.ts";
import { NO_CHARGES } from "./charges.ts";
import { Listing } from "./listing.ts";
import type { ModuleDataspaces } from "./module.ts";
import type { RecordWriter } from "./record-writer.ts";

/** Which object of a service stands behind which of a supervisor's: children may hold each other's. */
export class Fronts {
  readonly #real = new Map<Capability, Capability>();

  /**
   * The service's object behind one of ours; every other capability stands for itself. Several of ours stand one before the
   * other if a child's service is one that another child has of us and passes on.
   */
  real<T extends KernelObject>(capability: Capability<T>): Capability<T> {
    let real: Capability = capability;
    for (let next = this.#real.get(real); next; next = this.#real.get(real)) real = next;
    return real as Capability<T>;
  }

  add(ours: Capability, real: Capability): void {
    this.#real.set(ours, real);
  }

  remove(ours: Capability): void {
    this.#real.delete(ours);
  }
}

/** A dataspace as it is matched with a recorded one. */
export interface MadeDataspace {
  readonly allocated: number;
  readonly size: number;
  readonly cached: Cached;
}

/** Recorded dataspaces that a bootstrap is expected to make again. */
export interface Expected {
  /** By allocation number. */
  readonly dataspaces: readonly (DataspaceInfo | undefined)[];
  /** Told of each allocation. */
  readonly matching: (() => void) | undefined;
  readonly deviates: (recorded: DataspaceInfo, made: MadeDataspace) => void;
}

/** A record without its badge, which is another one in another life of the supervisor. */
export type SavedRecord = Pick<ObjectInfo, "allocated" | "bootstrapped">;

export function savedRecord({ allocated, bootstrapped }: SavedRecord): SavedRecord {
  return { allocated, bootstrapped };
}

/** Numbers and flags of a child, as plain data. */
export interface SavedContext {
  readonly bootstrapping: boolean;
  readonly allocated: number;
  readonly triggers: number;
}

/** Numbers and flags that all objects of one child draw from. */
export class ChildContext {
  readonly badges: Badges;
  readonly fronts: Fronts;
  /** True until the child's run-time library has set up everything, just before `construct`. */
  bootstrapping = true;
  /** True while the child becomes what was recorded of it: until its threads go on. */
  restoring = false;
  /** Whether stores of programs that are loaded now mark what they write. */
  marks = (): boolean => false;
  /** Slots of the mirrors that such programs shall have. */
  mirrorSlots = (): number | undefined => undefined;
  /** Charge the supervisor for what programs of the child have for the supervisor's purposes. */
  charges = NO_CHARGES;
  /** Warns of something about the child; once of the same. */
  warn = (_message: string): void => {};
  #allocated = 0;
  #triggers = 0;
  /** What a bootstrap should allocate; absent: there is none that is looked at. */
  expected: Expected | undefined;
  #as: readonly SavedRecord[] = [];
  #next = 0;
  /** Slots of the capabilities that fronts had before the supervisor was restored; those that are made now take them. */
  #again: { readonly slots: SlotReader; readonly fronts: readonly number[]; next: number } | undefined;

  /** What a module keeps of its dataspaces; absent: it keeps nothing. */
  readonly dataspaces: ModuleDataspaces | undefined;

  /** @param fronts those of the supervisor */
  constructor(badges: Badges, fronts = new Fronts(), dataspaces?: ModuleDataspaces) {
    this.badges = badges;
    this.fronts = fronts;
    this.dataspaces = dataspaces;
  }

  /** The common part of a record of an object that is made now. */
  record(badge: number): ObjectInfo {
    const as = this.recorded();
    const allocated = this.number(as);
    return { badge, allocated, bootstrapped: as ? as.bootstrapped : this.bootstrapping };
  }

  /** What was recorded of the object that is made now; undefined: it is a new one. Asked once of each. */
  recorded(): SavedRecord | undefined {
    return this.#as.length === 0 ? undefined : this.#as[this.#next++];
  }

  /** Numbers the object that is made now. */
  number(recorded: SavedRecord | undefined): number {
    if (!recorded) return ++this.#allocated;
    this.#allocated = Math.max(this.#allocated, recorded.allocated);
    return recorded.allocated;
  }

  /** The child has allocated a dataspace. No more work than this: it is a part of each allocation. */
  match(made: MadeDataspace): void {
    if (!this.expected) return;
    this.expected.matching?.();
    const recorded = this.expected.dataspaces[made.allocated];
    if (recorded && (recorded.size !== made.size || recorded.cached !== made.cached)) {
      this.expected.deviates(recorded, made);
    }
  }

  /** Numbers what the child triggers its timers for. */
  nextTrigger(): number {
    return ++this.#triggers;
  }

  /** Runs `make`; the objects that it makes take the places of recorded ones among the child's objects, in that order. */
  as<T>(recorded: readonly SavedRecord[], make: () => T): T {
    this.#as = recorded;
    this.#next = 0;
    try {
      return make();
    } finally {
      this.#as = [];
    }
  }

  /** As `as`, of a supervisor that is restored itself: what `make` makes stands behind the capabilities that it had, too. */
  again<T>(slots: SlotReader, { fronts, records }: SavedFronts, make: () => T): T {
    this.#again = { slots, fronts, next: 0 };
    try {
      return this.as(records, make);
    } finally {
      this.#again = undefined;
    }
  }

  /** A capability for what stands in front of `real`. */
  identify<T extends KernelObject>(self: T, real: Capability<T>): Identity<T> {
    const slot = this.#again?.fronts[this.#again.next++];
    if (!this.#again || slot === undefined) return this.badges.identify(self, real);
    return this.#again.slots.served(slot, self, real);
  }

  capture(): SavedContext {
    return { bootstrapping: this.bootstrapping, allocated: this.#allocated, triggers: this.#triggers };
  }

  resume({ bootstrapping, allocated, triggers }: SavedContext): void {
    this.bootstrapping = bootstrapping;
    this.#allocated = allocated;
    this.#triggers = triggers;
  }
}

/** What the making of an interposer makes, in that order. */
export interface SavedFronts {
  /** Slots of capabilities. */
  readonly fronts: readonly number[];
  readonly records: readonly SavedRecord[];
}

/** What is tracked: an object of a child, with its own capability of it. */
export interface Entry extends Placed {
  readonly capability: Capability;
  dispose(): void;
}

/** How `Tracked.checkpoint` writes: what is there no more is passed over. */
export function ofTracked<T extends Entry>(write: (records: RecordWriter, entry: T) => void): Listing<T> {
  return new Listing<T>((records, entry) => {
    const { valid } = entry.capability;
    if (valid) write(records, entry);
    return valid;
  });
}

/** Objects by capability, in the order of their allocation. */
export class Tracked<T extends Entry> {
  readonly #entries = new Row<T>();
  readonly #byCapability = new Notes<T>();
  /** What `each` visits with. */
  #visit: (entry: T) => void = () => {};
  readonly #look = (entry: T) => {
    if (this.#alive(entry)) this.#visit(entry);
  };

  get size(): number {
    return this.#entries.size;
  }

  /** An entry takes the place of one that has the same capability. */
  add(entry: T): void {
    const before = this.#byCapability.get(entry.capability);
    if (before) this.#entries.delete(before);
    this.#entries.add(entry);
    this.#byCapability.set(entry.capability, entry);
  }

  get(capability: Capability): T | undefined {
    return this.#byCapability.get(capability);
  }

  /** Puts the entries in another order. */
  sort(compare: (a: T, b: T) => number): void {
    for (const entry of [...this.#entries].sort(compare)) {
      this.#entries.delete(entry);
      this.#entries.add(entry);
    }
  }

  /** The entry that was there. */
  remove(capability: Capability): T | undefined {
    const entry = this.#byCapability.get(capability);
    if (!entry) return undefined;
    this.#byCapability.delete(capability);
    this.#entries.delete(entry);
    return entry;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const entry of this.#entries) if (this.#alive(entry)) yield entry;
  }

  /** Visits all, oldest first. Nothing is made for an entry: no iterator, no pair. */
  each(visit: (entry: T) => void): void {
    const outer = this.#visit;
    this.#visit = visit;
    try {
      this.#entries.forEach(this.#look);
    } finally {
      this.#visit = outer;
    }
  }

  /** Writes a list with a record of each, oldest first. @param listing `ofTracked` of the same entries */
  checkpoint(records: RecordWriter, listing: Listing<T>): void {
    listing.write(records, this.#entries);
  }

  #alive(entry: T): boolean {
    const { valid } = entry.capability;
    if (!valid) this.remove(entry.capability)?.dispose();
    return valid;
  }
}
