// Report sessions of a child, with what stands in their buffer.
import type { ReportInfo } from "../checkpoint/index.ts";
import {
  type Capability,
  contentOf,
  type Dataspace,
  objectOf,
  type ReportSession,
  type SignalContext,
} from "../session/index.ts";
import { type Opened, SessionBase } from "./session.ts";
import { type ChildContext, requireObject } from "./tracked.ts";

export class RtcrReport implements ReportSession {
  readonly kind = "report";
  readonly base: SessionBase<ReportSession>;

  constructor(context: ChildContext, opened: Opened<ReportSession>) {
    this.base = new SessionBase<ReportSession>(context, this, opened);
  }

  get #report(): ReportSession {
    return requireObject<ReportSession>(this.base.real, "report");
  }

  dataspace(): Capability<Dataspace> {
    return this.#report.dataspace();
  }

  submit(length: number): void {
    this.#report.submit(length);
  }

  responseSigh(context: Capability<SignalContext>): void {
    this.#report.responseSigh(context);
  }

  obtainResponse(): number {
    return this.#report.obtainResponse();
  }

  checkpoint(): ReportInfo {
    const capability = this.dataspace();
    const dataspace = objectOf<Dataspace>(capability, "dataspace");
    const content = dataspace ? contentOf(dataspace) : new Uint8Array();
    return { ...this.base.info(), dataspaceBadge: dataspace ? capability.badge : 0, content };
  }

  dispose(): void {
    this.base.dispose();
  }
}
