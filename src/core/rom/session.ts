// ROM session (spec 2.7): a client's view of a module. What the client sees changes only when it calls `dataspace` or
// `update`, however often the module has changed meanwhile.
import {
  type Capability,
  type Dataspace,
  INVALID,
  notify,
  type RomSession,
  type SignalContext,
  type SlotReader,
  type SlotWriter,
} from "../../session/index.ts";
import type { MakeDataspace, OwnedDataspace } from "../service/dataspaces.ts";
import type { RomSource } from "./source.ts";

/** A session of a boot module: all of them share one dataspace, which nobody may write to and which never changes. */
export class BootRom implements RomSession {
  readonly kind = "rom";
  readonly #dataspace: () => Capability<Dataspace>;

  constructor(dataspace: () => Capability<Dataspace>) {
    this.#dataspace = dataspace;
  }

  dataspace(): Capability<Dataspace> {
    return this.#dataspace();
  }

  update(): boolean {
    return this.#dataspace().valid;
  }

  sigh(): void {}

  dispose(): void {}
}

/** A session as plain data: slots of its dataspace and of its client's handler. */
export interface SavedRom {
  readonly dataspace: number;
  /** The module has changed since the client has looked. */
  readonly stale: boolean;
  readonly handler: number;
}

/** A session of a module that changes. Its dataspace is its own. */
export class CoreRom implements RomSession {
  readonly kind = "rom";
  readonly #source: RomSource;
  readonly #make: MakeDataspace;
  readonly #unwatch: () => void;
  #current: OwnedDataspace | undefined;
  /** Version of the module that the client has seen; what is there before it looks counts as seen. */
  #seen: number;
  #context: Capability<SignalContext> = INVALID;

  /** @param make pays for the session's dataspace; when it refuses, `dataspace` gives INVALID */
  constructor(source: RomSource, make: MakeDataspace) {
    this.#source = source;
    this.#make = make;
    this.#seen = source.version();
    this.#unwatch = source.watch(() => notify(this.#context));
  }

  dataspace(): Capability<Dataspace> {
    const stale = this.#seen !== this.#source.version();
    if (this.#current && !stale) return this.#current.capability;
    this.#current?.dispose();
    this.#current = undefined;
    this.#seen = this.#source.version();
    const content = this.#source.content();
    if (!content) return INVALID;
    const made = this.#make(content.length);
    if (!made.ok) return INVALID;
    made.value.fill(content);
    this.#current = made.value;
    return made.value.capability;
  }

  update(): boolean {
    if (!this.#current) return false;
    if (this.#seen === this.#source.version()) return true;
    const content = this.#source.content();
    if (!content || content.length > this.#current.size) return false;
    this.#current.fill(content, "zero");
    this.#seen = this.#source.version();
    return true;
  }

  /** A change that the client has not seen yet is told at once, so that none is lost between looking and listening. */
  sigh(context: Capability<SignalContext>): void {
    this.#context = context;
    if (this.#seen !== this.#source.version()) notify(context);
  }

  capture(slots: SlotWriter): SavedRom {
    return {
      dataspace: slots.held(this.#current?.capability ?? INVALID),
      stale: this.#seen !== this.#source.version(),
      handler: slots.held(this.#context),
    };
  }

  /** Becomes what was captured of another. @param own the dataspace in the hands of this session */
  restore(
    { dataspace, stale, handler }: SavedRom,
    slots: SlotReader,
    own: (dataspace: Capability<Dataspace>) => OwnedDataspace,
  ): void {
    const capability = slots.held<Dataspace>(dataspace, "dataspace");
    if (capability.valid) this.#current = own(capability);
    this.#seen = this.#source.version() - (stale ? 1 : 0);
    this.#context = slots.held<SignalContext>(handler);
  }

  /** Ends the client's dataspace. */
  dispose(): void {
    this.#unwatch();
    this.#context = INVALID;
    this.#current?.dispose();
    this.#current = undefined;
  }
}
