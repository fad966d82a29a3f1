// The `session_requests` module as a ROM source: its text is written when somebody looks, so that a burst of requests
// costs no more than one.
import type { RomSource } from "../../core/index.ts";
import { type ServerRequest, writeRequests } from "./requests.ts";

export class RequestsModule implements RomSource {
  readonly #requests: () => readonly ServerRequest[];
  readonly #watchers = new Set<() => void>();
  #version = 0;
  #written: { readonly version: number; readonly content: Uint8Array } | undefined;

  /** @param requests what there is to do now */
  constructor(requests: () => readonly ServerRequest[]) {
    this.#requests = requests;
  }

  content(): Uint8Array {
    if (this.#written?.version !== this.#version) {
      const content = new TextEncoder().encode(writeRequests(this.#requests()));
      this.#written = { version: this.#version, content };
    }
    return this.#written.content;
  }

  version(): number {
    return this.#version;
  }

  watch(changed: () => void): () => void {
    const watcher = () => changed();
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** The requests have changed. */
  changed(): void {
    this.#version++;
    for (const watcher of [...this.#watchers]) watcher();
  }
}
