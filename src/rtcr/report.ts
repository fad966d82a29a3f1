// Report sessions of a child, with what stands in their buffer.
import { type Capability, type Dataspace, objectOf, type ReportSession, type SignalContext } from "../session/index.ts";
import type { RecordWriter } from "./record-writer.ts";
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

  /** What its buffer is; as `dataspace` for those who only look. */
  get current(): Capability<Dataspace> {
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

  checkpoint(records: RecordWriter): void {
    const dataspace = this.dataspace();
    this.base.checkpoint(records);
    records.badge(dataspace);
    records.content(objectOf<Dataspace>(dataspace, "dataspace"));
  }

  dispose(): void {
    this.base.dispose();
  }
}
