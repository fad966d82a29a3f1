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
