// Signal contexts and their source: pending contexts in a queue, each once, with counted submissions (spec 2.10).
//
// I1  A context is in its source's queue exactly while its count is positive.
// I2  A dead context is in no queue; submitting to it has no effect.
// Who waits for the source (threads, entrypoints) is the kernel's matter: it is told by `listen`.
import type { Capability, Identity, Signal, SignalContext, SignalSource } from "../../session/index.ts";
import type { CoreContext } from "../memory/context.ts";

/** Counts are words of a guest: they stay at this when more is submitted. */
const COUNT_LIMIT = 0xffff_ffff;

/** The neighbours in a queue; a source is the ring's anchor. */
interface Link {
  next: Link;
  previous: Link;
}

export class CoreSignalContext implements SignalContext {
  readonly kind = "signal-context";
  /** As the source gives it back, 32 bits unsigned. */
  readonly imprint: number;
  readonly #identity: Identity<SignalContext>;
  readonly #queue: (context: CoreSignalContext) => void;
  #count = 0;
  #dead = false;
  /** @internal Place in the source's queue. */
  link: (Link & { readonly context: CoreSignalContext }) | undefined;

  /** @internal Made by `CoreSignalSource.createContext`. */
  constructor(core: CoreContext, imprint: number, queue: (context: CoreSignalContext) => void) {
    this.imprint = imprint >>> 0;
    this.#queue = queue;
    this.#identity = core.badges.identify<SignalContext>(this);
  }

  get capability(): Capability<SignalContext> {
    return this.#identity.capability;
  }

  /** Submissions that nobody has taken yet. */
  get pending(): number {
    return this.#count;
  }

  submit(count: number): void {
    if (this.#dead) return;
    const more = count >= 1 ? Math.min(Math.floor(count), COUNT_LIMIT) : 1;
    const waiting = this.#count > 0;
    this.#count = Math.min(this.#count + more, COUNT_LIMIT);
    if (!waiting) this.#queue(this);
  }

  /** @internal The count, which starts again at 0. */
  clear(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }

  /** @internal Ends the context; the source has taken it out of its queue. */
  end(): void {
    this.#dead = true;
    this.#count = 0;
    this.#identity.dispose();
  }
}

export class CoreSignalSource implements SignalSource {
  readonly kind = "signal-source";
  readonly #core: CoreContext;
  readonly #identity: Identity<SignalSource>;
  readonly #anchor: Link;
  #ready: () => void = () => {};

  constructor(core: CoreContext) {
    this.#core = core;
    this.#identity = core.badges.identify<SignalSource>(this);
    const anchor = {} as Link;
    anchor.next = anchor.previous = anchor;
    this.#anchor = anchor;
  }

  get capability(): Capability<SignalSource> {
    return this.#identity.capability;
  }

  take(): Signal | undefined {
    const first = this.#anchor.next as Partial<NonNullable<CoreSignalContext["link"]>>;
    const context = first.context;
    if (!context) return undefined;
    unlink(context);
    return { imprint: context.imprint, count: context.clear() };
  }

  /** A listener that comes when signals are waiting already is told at once. */
  listen(ready: () => void): void {
    this.#ready = ready;
    if (this.#anchor.next !== this.#anchor) ready();
  }

  get empty(): boolean {
    return this.#anchor.next === this.#anchor;
  }

  place(context: SignalContext): number {
    let place = 1;
    for (let link = this.#anchor.next; link !== this.#anchor; link = link.next, place++) {
      if ((link as NonNullable<CoreSignalContext["link"]>).context === context) return place;
    }
    return 0;
  }

  /** A context whose signals arrive here; whoever asks ends it by `removeContext`. */
  createContext(imprint: number): CoreSignalContext {
    return new CoreSignalContext(this.#core, imprint, (context) => this.#enqueue(context));
  }

  /** Ends a context of this source and drops what is pending. */
  removeContext(context: CoreSignalContext): void {
    unlink(context);
    context.end();
  }

  /** Ends the source: what is pending is dropped, contexts live on without effect. */
  dispose(): void {
    for (let link = this.#anchor.next; link !== this.#anchor; link = this.#anchor.next) {
      const { context } = link as NonNullable<CoreSignalContext["link"]>;
      unlink(context);
      context.clear();
    }
    this.#ready = () => {};
    this.#identity.dispose();
  }

  #enqueue(context: CoreSignalContext): void {
    if (!this.capability.valid) {
      context.clear();
      return;
    }
    const anchor = this.#anchor;
    const link = { context, next: anchor, previous: anchor.previous };
    context.link = link;
    anchor.previous.next = link;
    anchor.previous = link;
    if (anchor.next === link) this.#ready();
  }
}

function unlink(context: CoreSignalContext): void {
  const { link } = context;
  if (!link) return;
  link.previous.next = link.next;
  link.next.previous = link.previous;
  context.link = undefined;
}
