// ROM sessions of a child: what it sees is recorded, because that changes by its own calls only (spec 2.7, S63).
import type { RomInfo } from "../checkpoint/index.ts";
import {
  type Capability,
  contentOf,
  type Dataspace,
  INVALID,
  lastElement,
  notify,
  objectOf,
  type RomSession,
  readSessionArgs,
  type SignalContext,
} from "../session/index.ts";
import { equalBytes } from "../util/index.ts";
import type { RecordWriter } from "./record-writer.ts";
import { type Opened, SessionBase } from "./session.ts";
import { type ChildContext, requireObject } from "./tracked.ts";

export class RtcrRom implements RomSession {
  readonly kind = "rom";
  readonly base: SessionBase<RomSession>;
  readonly #module: string;
  #dataspace: Capability<Dataspace> = INVALID;
  #handler: Capability<SignalContext> = INVALID;
  /** `#dataspace` shows what the module was before a restore. */
  #kept = false;

  constructor(context: ChildContext, opened: Opened<RomSession>) {
    this.base = new SessionBase<RomSession>(context, this, opened);
    const args = readSessionArgs(opened.args);
    this.#module = lastElement((args.ok && args.value.get("label")) || "");
  }

  get #rom(): RomSession {
    return requireObject<RomSession>(this.base.real, "rom");
  }

  dataspace(): Capability<Dataspace> {
    this.#kept = false;
    return (this.#dataspace = this.#rom.dataspace());
  }

  /** What was kept over a restore is not refreshed in place: the client must ask for the module's own dataspace. */
  update(): boolean {
    return this.#rom.update() && !this.#kept;
  }

  sigh(context: Capability<SignalContext>): void {
    this.#handler = context;
    this.#rom.sigh(context);
  }

  /**
   * Takes up what a recorded session showed: the child sees what it saw, whatever the module holds now, until it asks for
   * more.
   *
   * @param keep makes a read-only dataspace of this content; used if the module has changed
   */
  show({ dataspaceBadge, content }: RomInfo, keep: (content: Uint8Array) => Capability<Dataspace>): void {
    if (dataspaceBadge === 0) return;
    const now = this.dataspace();
    if (now.object && equalBytes(contentOf(now.object), content)) return;
    this.#dataspace = keep(content);
    this.#kept = true;
  }

  /** After `show`: the handler of a recorded session, which hears of it if the module has changed since. */
  listen(handler: Capability<SignalContext>): void {
    this.#handler = handler;
    if (!handler.valid) return;
    this.#rom.sigh(handler);
    if (this.#kept) notify(handler);
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
    records.content(objectOf<Dataspace>(this.#dataspace, "dataspace"));
  }

  dispose(): void {
    this.base.dispose();
  }
}
