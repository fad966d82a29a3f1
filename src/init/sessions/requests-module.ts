// The `session_requests` module as a ROM source: its text is written when somebody looks, so that a burst of requests
// costs no more than one.
import { type RomSource, Watched } from "../../core/index.ts";
import { type ServerRequest, writeRequests } from "./requests.ts";

export class RequestsModule extends Watched implements RomSource {
  readonly #requests: () => readonly ServerRequest[];
  #written: { readonly version: number; readonly content: Uint8Array } | undefined;

  /** @param requests what there is to do now */
  constructor(requests: () => readonly ServerRequest[]) {
    super();
    this.#requests = requests;
  }

  content(): Uint8Array {
    if (this.#written?.version !== this.version()) {
      const content = new TextEncoder().encode(writeRequests(this.#requests()));
      this.#written = { version: this.version(), content };
    }
    return this.#written.content;
  }
}
