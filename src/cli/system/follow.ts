// A standby system that follows a primary of this machine (`rtcr restore --follow`): each checkpoint of the primary goes to what
// stands by, and that goes on when the primary runs no more, however it has ended.
//
// I1  That the primary is no more is known by its process; one that lives is not taken for dead, whether it answers or not, and
//     whether the state directory can be read or not.
// I2  What it goes on from is the newest checkpoint that was complete when the primary was found to be no more; never an older one
//     than it stood by for, that another run of the primary's name has left.
import { setTimeout } from "node:timers/promises";
import type { PageTarget, ReadPages } from "../../checkpoint/index.ts";
import { nodeOwner, type Store } from "../../store/index-node.ts";
import { messageOf } from "../../util/index.ts";
import type { Io } from "../command.ts";
import { askControl } from "../control.ts";
import type { Home } from "../home.ts";
import { type RunInfo, runOf } from "../runs.ts";
import { loadSystem } from "./load-system.ts";
import type { ToSystem } from "./protocol.ts";

/** Between two looks at the primary. */
const LOOK_MS = 20;

/** A checkpoint in the store. */
export interface Stored {
  readonly id: string;
  readonly created: string;
}

export interface FollowOptions {
  readonly home: Home;
  readonly io: Io;
  readonly primary: RunInfo;
  /** The checkpoint that is stood by for. */
  readonly from: Stored;
  readonly say: (message: ToSystem) => void;
  /** A checkpoint has taken the place of the one before. */
  readonly renewed: (id: string) => void;
}

/** Follows until the primary has ended, or what is returned is called. */
export function follow(options: FollowOptions): () => void {
  const stop = new AbortController();
  new Follower(options, stop.signal).run().catch((thrown: unknown) => {
    if (!stop.signal.aborted)
      options.io.err(`warning: ${options.primary.name} is not followed: ${messageOf(thrown)}\n`);
  });
  return () => stop.abort();
}

class Follower {
  readonly #options: FollowOptions;
  readonly #signal: AbortSignal;
  readonly #pages = new KnownPages();
  #primary: RunInfo;
  #newest: Stored;
  /** What was tried last. */
  #tried: string | undefined;

  constructor(options: FollowOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#primary = options.primary;
    this.#newest = options.from;
  }

  async run(): Promise<void> {
    const { io, say } = this.#options;
    const { name } = this.#primary;
    while (await this.#look()) await setTimeout(LOOK_MS, undefined, { signal: this.#signal });
    await this.#take(name, ({ created }) => created >= this.#newest.created);
    io.err(`note: ${name} runs no more, going on from checkpoint ${this.#newest.id}\n`);
    say({ type: "proceed" });
  }

  /** @returns whether the primary lives */
  async #look(): Promise<boolean> {
    const { pid, started, name } = this.#primary;
    const run = await runOf(this.#options.home, name).catch(() => undefined);
    if (!run) return nodeOwner.alive(pid, started);
    this.#primary = run; // it may have been started anew
    const status = await askControl(run, { type: "status" }, this.#signal).catch(() => undefined); // the next look will show
    const { newest } = (status ?? {}) as { readonly newest?: string };
    if (newest !== undefined) await this.#take(newest);
    return true;
  }

  /** What cannot be taken up is said, and the one before stays. */
  async #take(reference: string, wanted = (_: Stored) => true): Promise<void> {
    if (reference === this.#newest.id || reference === this.#tried) return;
    this.#tried = reference;
    const { home, io, say, renewed } = this.#options;
    try {
      const { root, system } = await loadSystem(home, reference, (store) => this.#pages.reading(store));
      const stored = { id: root.id, created: system.created };
      if (this.#signal.aborted || root.id === this.#newest.id || !wanted(stored)) return;
      this.#newest = stored;
      say({ type: "renew", system: { ...system, modules: undefined } });
      renewed(root.id);
    } catch (thrown) {
      io.err(`warning: checkpoint ${reference} is not taken up: ${messageOf(thrown)}\n`);
    }
  }
}

/** Pages of the checkpoint that was read last: those that the next one has, too, are not read again. */
class KnownPages {
  #last: ReadonlyMap<string, Uint8Array> = new Map();

  reading(store: Pick<Store, "readPages">): ReadPages {
    const before = this.#last;
    const now = new Map<string, Uint8Array>();
    this.#last = now;
    return async (pages) => {
      await store.readPages(pages.filter((page) => !known(before, page)));
      for (const { name, target } of pages) now.set(name, target);
    };
  }
}

/** Whether the page is one of these; then it is in its target. */
function known(pages: ReadonlyMap<string, Uint8Array>, { name, target }: PageTarget): boolean {
  const bytes = pages.get(name);
  if (bytes?.length !== target.length) return false;
  target.set(bytes);
  return true;
}
