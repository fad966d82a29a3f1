// What ROM sessions show to their clients.

/** What ROM sessions serve: a content that may change, or vanish, or not exist yet. */
export interface RomSource {
  /** Undefined: there is none at present. Never changed in place. */
  content(): Uint8Array | undefined;
  /** Grows with each change. */
  version(): number;
  /** Calls `changed` after each change until the result is called. */
  watch(changed: () => void): () => void;
}

/** What all sources whose owner says when they change have in common. */
export class Watched {
  #version = 0;
  readonly #watchers = new Set<() => void>();

  version(): number {
    return this.#version;
  }

  watch(changed: () => void): () => void {
    // A watcher of its own, so that the same function can watch twice.
    const watcher = () => changed();
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** The content has changed. */
  changed(): void {
    this.#version++;
    for (const watcher of [...this.#watchers]) watcher();
  }
}
