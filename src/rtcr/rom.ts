// ROM sessions of a child: what it sees is recorded, because that changes by its own calls only (spec 2.7, S63).
import type { RomInfo } from "../checkpoint/index.ts";
import {
  type Capability,
  contentOf,
  type Dataspace,
  type Identity,
  INVALID,
  lastElement,
  notify,
  objectOf,
  type PdSession,
  type RomSession,
  readSessionArgs,
  type SignalContext,
  type SlotWriter,
} from "../session/index.ts";
import { equalBytes } from "../util/index.ts";
import type { RecordWriter } from "./record-writer.ts";
import { type Made, type Opened, type Resumable, type Resuming, SessionBase } from "./session.ts";
import type { ChildContext } from "./tracked.ts";

/** Slots for capabilities. */
interface SavedRom {
  readonly dataspace: number;
  readonly handler: number;
  readonly kept: boolean;
  readonly told: boolean;
  /** 0: there is no handler. */
  readonly messenger: number;
}

export class RtcrRom implements RomSession, Resumable<SavedRom> {
  readonly kind = "rom";
  readonly base: SessionBase<RomSession>;
  readonly #module: string;
  #dataspace: Capability<Dataspace> = INVALID;
  #handler: Capability<SignalContext> = INVALID;
  /** What `#dataspace` is if it shows what the module was before a restore. */
  #kept: Kept | undefined;
  /** The child has been told of a change, and has not looked since. */
  #told = false;
  #messenger: Messenger | undefined;
  readonly #context: ChildContext;

  constructor(context: ChildContext, opened: Opened<RomSession>) {
    this.#context = context;
    this.base = new SessionBase<RomSession>(context, this, opened);
    const args = readSessionArgs(opened.args);
    this.#module = lastElement((args.ok && args.value.get("label")) || "");
  }

  get #rom(): RomSession {
    return this.base.object;
  }

  /** As at the service, what is not shown any more ends. */
  dataspace(): Capability<Dataspace> {
    this.#forget();
    this.#told = false;
    return (this.#dataspace = this.#rom.dataspace());
  }

  /** What was kept over a restore is refreshed in place as the service would have done it: if the content fits. */
  update(): boolean {
    this.#told = false;
    if (!this.#kept) return this.#rom.update();
    const kept = objectOf<Dataspace>(this.#dataspace, "dataspace");
    const module = objectOf<Dataspace>(this.#rom.dataspace(), "dataspace");
    const content = module && contentOf(module);
    if (!kept || !content || content.length > kept.size()) return false;
    const padded = new Uint8Array(kept.size());
    padded.set(content);
    kept.write(0, padded);
    return true;
  }

  sigh(context: Capability<SignalContext>): void {
    this.#handler = context;
    this.#messenger?.dispose();
    this.#messenger = this.#messengerTo(context);
    this.#rom.sigh(this.#messenger.capability);
  }

  #messengerTo(context: Capability<SignalContext>): Messenger {
    return new Messenger(this.#context, context, () => {
      this.#told = true;
    });
  }

  /** A change that the child has not been told of. */
  tell(): void {
    this.#told = true;
    notify(this.#handler);
  }

  /**
   * Takes up what a recorded session showed: the child sees what it saw, whatever the module holds now, until it asks for
   * more.
   *
   * @param keep makes a dataspace of this content; used if the module has changed
   */
  show({ dataspaceBadge, content }: RomInfo, keep: Keep): void {
    if (dataspaceBadge === 0) return;
    const now = this.dataspace();
    if (now.object && equalBytes(contentOf(now.object), content)) return;
    this.#kept = keep(content);
    this.#dataspace = this.#kept.capability;
  }

  #forget(): void {
    this.#kept?.dispose();
    this.#kept = undefined;
  }

  /** Takes up what a recorded session showed where the server has been restored, which has that dataspace again. */
  shows(dataspace: Capability<Dataspace>): void {
    this.#dataspace = dataspace;
  }

  /**
   * After `show` or `shows`: the handler of a recorded session.
   *
   * @returns whether the child must be told (`tell`) that the module has changed since
   */
  listen({ content, told = false }: RomInfo, handler: Capability<SignalContext>): boolean {
    if (handler.valid) this.sigh(handler);
    this.#told = told;
    if (told || !this.#kept) return false;
    const { object } = this.#rom.dataspace();
    const now = object ? contentOf(object) : new Uint8Array();
    return !equalBytes(withoutPadding(now), withoutPadding(content));
  }

  /** What the child has attached, if it has asked for it. */
  get current(): Capability<Dataspace> {
    return this.#dataspace;
  }

  checkpoint(records: RecordWriter): void {
    this.base.checkpoint(records);
    records.text(this.#module);
    records.badge(this.#dataspace);
    records.badge(this.#handler);
    records.shown(objectOf<Dataspace>(this.#dataspace, "dataspace"));
    records.flag(this.#told);
  }

  get made(): Made {
    return this.base.made;
  }

  capture(slots: SlotWriter): SavedRom {
    const { capability } = this.#messenger ?? { capability: INVALID };
    return {
      dataspace: slots.held(this.#dataspace),
      handler: slots.held(this.#handler),
      kept: this.#kept !== undefined,
      told: this.#told,
      messenger: capability.valid ? slots.served(capability) : 0,
    };
  }

  resume({ dataspace, handler, kept, told, messenger }: SavedRom, { slots, free }: Resuming): void {
    const capability = slots.held<Dataspace>(dataspace, "dataspace");
    this.#dataspace = capability;
    if (kept) this.#kept = { capability, dispose: () => free(capability) };
    this.#told = told;
    if (messenger === 0) return;
    this.#handler = slots.held<SignalContext>(handler);
    const fronts = { fronts: [messenger], records: [] };
    this.#messenger = this.#context.again(slots, fronts, () => this.#messengerTo(this.#handler));
    // A server that is restored with the supervisor has the messenger; one beside it could not be given it before.
    objectOf<RomSession>(this.base.real, "rom")?.sigh(this.#messenger.capability);
  }

  dispose(): void {
    this.#forget();
    this.#messenger?.dispose();
    this.base.dispose();
  }
}

/** A dataspace in the hands of whoever asked for it. */
export interface Kept {
  readonly capability: Capability<Dataspace>;
  dispose(): void;
}

/** Makes a dataspace with this content that belongs to the supervisor. */
export type Keep = (content: Uint8Array) => Kept;

/** @param account the supervisor's PD */
export function keepIn(account: Capability<PdSession>): Keep {
  return (content) => {
    const pd = objectOf<PdSession>(account, "pd");
    const made = pd?.alloc(content.length);
    if (!made?.ok) return { capability: INVALID, dispose: () => {} };
    const capability = made.value;
    capability.object?.write(0, content);
    return { capability, dispose: () => pd?.free(capability) };
  };
}

/** Stands in front of the child's handler at the service: notes that the child is told. */
class Messenger implements SignalContext {
  readonly kind = "signal-context";
  readonly #real: Capability<SignalContext>;
  readonly #identity: Identity<SignalContext>;
  readonly #note: () => void;

  constructor(context: ChildContext, real: Capability<SignalContext>, note: () => void) {
    this.#real = real;
    this.#note = note;
    this.#identity = context.identify<SignalContext>(this, real);
  }

  get capability(): Capability<SignalContext> {
    return this.#real.valid ? this.#identity.capability : INVALID;
  }

  get pending(): number {
    return this.#real.object?.pending ?? 0;
  }

  submit(count: number): void {
    this.#note();
    notify(this.#real, count);
  }

  dispose(): void {
    this.#identity.dispose();
  }
}

/** A dataspace that was refreshed with a shorter content has zeros behind it. */
function withoutPadding(content: Uint8Array): Uint8Array {
  return content.subarray(0, content.findLastIndex((byte) => byte !== 0) + 1);
}
