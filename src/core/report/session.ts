// Report session (spec 2.14): a buffer that the client fills, and a function that takes what it submits.
import type { Capability, Dataspace, ReportSession } from "../../session/index.ts";
import type { OwnedDataspace } from "../service/dataspaces.ts";

export class CoreReport implements ReportSession {
  readonly kind = "report";
  readonly #buffer: OwnedDataspace;
  readonly #submitted: (report: Uint8Array) => void;

  /** @param buffer belongs to the session @param submitted is given a copy of each report */
  constructor(buffer: OwnedDataspace, submitted: (report: Uint8Array) => void) {
    this.#buffer = buffer;
    this.#submitted = submitted;
  }

  dataspace(): Capability<Dataspace> {
    return this.#buffer.capability;
  }

  /** Lengths beyond the buffer are cut to it. */
  submit(length: number): void {
    const report = new Uint8Array(Math.min(Math.max(0, Math.floor(length)), this.#buffer.size));
    this.#buffer.capability.object?.read(0, report);
    this.#submitted(report);
  }

  /** Nobody answers reports here. */
  responseSigh(): void {}

  obtainResponse(): number {
    return 0;
  }

  dispose(): void {
    this.#buffer.dispose();
  }
}
