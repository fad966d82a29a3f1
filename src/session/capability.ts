// Capabilities: unforgeable references to objects (S1-S6). A TypeScript component holds the Capability itself, a guest
// holds slot numbers of its own table (core/); neither can make one up.
//
// I1  A capability denotes one object for ever: when that dies, it and every copy denote nothing. An object that stands in
//     front of another, as an interposer does, is dead as soon as that one is: nobody can tell them apart by it.
// I2  Badges are numbers for look-ups and may be reused after an object's death; nothing is ever found by badge alone.
import { assert } from "../util/index.ts";

/** What can be denoted: every kind of object that has functions of its own (abi/rpc.ts), and dataspaces. */
export const OBJECT_KINDS = [
  "pd",
  "native-pd",
  "region-map",
  "rm",
  "dataspace",
  "cpu",
  "cpu-thread",
  "native-cpu",
  "signal-source",
  "signal-context",
  "rpc-object",
  "parent",
  "root",
  "rom",
  "log",
  "timer",
  "trace",
  "report",
  "io-mem",
  "io-port",
  "irq",
  "file-system",
  "terminal",
  "rtcr",
] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];

/** An object that capabilities can denote. Its other members are those of its kind's contract. */
export interface KernelObject {
  readonly kind: ObjectKind;
}

// Of Capability, for Badges and Identity alone: making a capability is the object owner's right.
let create: <T extends KernelObject>(
  badge: number,
  object: T | undefined,
  behind: Capability | undefined,
) => Capability<T>;
let fulfil: <T extends KernelObject>(promised: Capability<T>, object: T, behind: Capability | undefined) => void;
let revoke: (capability: Capability) => void;
// Of Capability, for Notes.
let noteAt: (capability: Capability, by: object) => object | undefined;
let putNote: (capability: Capability, by: object, note: object | undefined) => void;

type NotesOfSeveral = Map<object, object>;
const SEVERAL: object = Object.freeze({});

/** A reference to an object, or to none: `object` is undefined for `INVALID` and after the object's death. */
export class Capability<T extends KernelObject = KernelObject> {
  /** System-wide number of the object, at least 1; 0 only for `INVALID`. */
  readonly badge: number;
  #object: T | undefined;
  /** What the object stands in front of. */
  #behind: Capability | undefined;
  /** Whose note the next one is; SEVERAL: it is a map of the notes of several. */
  #noter: object | undefined;
  #note: object | undefined;

  private constructor(badge: number, object: T | undefined, behind: Capability | undefined) {
    this.badge = badge;
    this.#object = object;
    this.#behind = behind;
  }

  get object(): T | undefined {
    return this.#behind === undefined || this.#behind.valid ? this.#object : undefined;
  }

  get valid(): boolean {
    return this.object !== undefined;
  }

  /** @internal Of the object, even while what that stands in front of denotes nothing. */
  get objectKind(): ObjectKind | undefined {
    return this.#object?.kind;
  }

  /** @internal Whether it is `other`, or its object stands in front of that of `other`, whatever is between. */
  reaches(other: Capability): boolean {
    let at: Capability | undefined = this;
    while (at && at !== other) at = at.#behind;
    return at === other;
  }

  static {
    create = (badge, object, behind) => new Capability(badge, object, behind);
    fulfil = (capability, object, behind) => {
      capability.#object = object;
      capability.#behind = behind;
    };
    revoke = (capability) => (capability.#object = undefined);
    noteAt = (capability, by) => {
      if (capability.#noter === by) return capability.#note;
      return capability.#noter === SEVERAL ? (capability.#note as NotesOfSeveral).get(by) : undefined;
    };
    putNote = (capability, by, note) => {
      const noter = capability.#noter;
      if (noter === undefined || noter === by) {
        capability.#noter = note && by;
        capability.#note = note;
      } else if (noter === SEVERAL) {
        const notes = capability.#note as NotesOfSeveral;
        if (note) notes.set(by, note);
        else notes.delete(by);
      } else if (note) {
        capability.#note = new Map([
          [noter, capability.#note],
          [by, note],
        ]);
        capability.#noter = SEVERAL;
      }
    };
  }
}

/** The invalid capability (S2): a legal value everywhere; every call on it fails in a defined way. */
export const INVALID: Capability<never> = create<never>(0, undefined, undefined);

/**
 * What somebody keeps of capabilities, by capability: as a `WeakMap`, but it lies in the capabilities themselves, so that nothing
 * is hashed and nothing grows with their number. Nobody else sees it. Meant for few keepers of one capability.
 */
export class Notes<T extends object> {
  get(capability: Capability): T | undefined {
    return noteAt(capability, this) as T | undefined;
  }

  set(capability: Capability, note: T): void {
    putNote(capability, this, note);
  }

  /** Harmless if there is none. */
  delete(capability: Capability): void {
    putNote(capability, this, undefined);
  }
}

/** What nobody has who does not get it here. */
const OWNER = Symbol("owner");

/** The owner's end of an object's one capability. Disposing of it makes the capability invalid and frees the badge. */
export class Identity<T extends KernelObject = KernelObject> {
  readonly capability: Capability<T>;
  readonly #badges: Badges;
  #disposed = false;

  /** @internal Made by `Badges` only: whoever has an identity can revoke what it is of. */
  constructor(badges: Badges, capability: Capability<T>, owner: typeof OWNER) {
    assert(owner === OWNER, "identities are given by those who give badges");
    this.#badges = badges;
    this.capability = capability;
  }

  /** Harmless when repeated. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    revoke(this.capability);
    this.#badges.release(this.capability.badge);
  }
}

interface Promised {
  /** What holders take it for. */
  kind?: ObjectKind;
}

/** Gives out badges, one sequence for a whole system; the numbers of dead objects are used again, oldest first. */
export class Badges {
  #next = 1;
  #free: number[] = [];
  #firstFree = 0;
  readonly #promised = new Map<Capability, Promised>();
  readonly #listeners: (() => void)[] = [];

  /** How many objects live or are promised. */
  get live(): number {
    return this.#next - 1 - (this.#free.length - this.#firstFree);
  }

  /**
   * A fresh identity of `object`; whoever asks owns it.
   *
   * @param behind what the object stands in front of: its capability denotes nothing once this one denotes nothing
   */
  identify<T extends KernelObject>(object: T, behind?: Capability): Identity<T> {
    return new Identity(this, create(this.#take(), object, behind), OWNER);
  }

  /**
   * A capability of an object that is yet to be made: it denotes nothing until somebody calls `fulfil`, and can be handed
   * out before. What restores a whole system needs that: its objects refer to each other in circles.
   */
  promise(): Capability {
    const capability = create<KernelObject>(this.#take(), undefined, undefined);
    this.#promised.set(capability, {});
    return capability;
  }

  /** Whether what `capability` denotes is a `kind`; what is promised will be one, or is never fulfilled. Nothing is any. */
  expect(capability: Capability, kind: ObjectKind): boolean {
    const promised = this.#promised.get(capability);
    if (promised) promised.kind ??= kind;
    return (promised?.kind ?? capability.objectKind ?? kind) === kind;
  }

  /** What `capability` denotes, or is expected to; undefined: nothing, or nobody has said. */
  kindOf(capability: Capability): ObjectKind | undefined {
    return this.#promised.get(capability)?.kind ?? capability.objectKind;
  }

  /**
   * Makes `object` what a promised capability denotes; the caller owns it.
   *
   * @param behind as of `identify`
   * @returns undefined if nothing is promised
   * @throws TypeError if another kind is expected, or `object` would stand in front of itself
   */
  fulfil<T extends KernelObject>(promised: Capability, object: T, behind?: Capability): Identity<T> | undefined {
    const found = this.#promised.get(promised);
    if (!found) return undefined;
    if (!this.expect(promised, object.kind)) throw new TypeError(`expected a ${found.kind}, found a ${object.kind}`);
    if (behind?.reaches(promised)) throw new TypeError(`a ${object.kind} in front of itself`);
    this.#promised.delete(promised);
    const capability = promised as Capability<T>; // of the kind that is expected, as was seen
    fulfil(capability, object, behind);
    return new Identity(this, capability, OWNER);
  }

  /** Takes back a promise that nobody has fulfilled: the capability never denotes anything. */
  withdraw(promised: Capability): void {
    if (this.#promised.delete(promised)) this.release(promised.badge);
  }

  /** @param ended called after each object's death */
  listen(ended: () => void): void {
    this.#listeners.push(ended);
  }

  /** @internal Called by `Identity.dispose`. */
  release(badge: number): void {
    this.#free.push(badge);
    for (const ended of this.#listeners) ended();
  }

  #take(): number {
    if (this.#firstFree === this.#free.length) return this.#next++;
    const badge = this.#free[this.#firstFree++]!;
    if (this.#firstFree > 1024 && this.#firstFree * 2 > this.#free.length) {
      this.#free = this.#free.slice(this.#firstFree);
      this.#firstFree = 0;
    }
    return badge;
  }
}
