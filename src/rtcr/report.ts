// Report sessions of a child, with what stands in their buffer, and whom the service tells of responses.
import type { ReportInfo } from "../checkpoint/index.ts";
import {
  type Capability,
  type Dataspace,
  INVALID,
  objectOf,
  type ReportSession,
  type SignalContext,
  type SlotWriter,
} from "../session/index.ts";
import type { RecordWriter } from "./record-writer.ts";
import { type Made, type Opened, type Resumable, type Resuming, SessionBase } from "./session.ts";
import type { ChildContext } from "./tracked.ts";

/** A slot. */
interface SavedReport {
  readonly handler: number;
}

export class RtcrReport implements ReportSession, Resumable<SavedReport> {
  readonly kind = "report";
  readonly base: SessionBase<ReportSession>;
  #handler: Capability<SignalContext> = INVALID;

  constructor(context: ChildContext, opened: Opened<ReportSession>) {
    this.base = new SessionBase<ReportSession>(context, this, opened);
  }

  get #report(): ReportSession {
    return this.base.object;
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
    this.#handler = context;
    this.#report.responseSigh(context);
  }

  obtainResponse(): number {
    return this.#report.obtainResponse();
  }

  checkpoint(records: RecordWriter): void {
    const dataspace = this.dataspace();
    this.base.checkpoint(records);
    records.badge(dataspace);
    records.shown(objectOf<Dataspace>(dataspace, "dataspace"));
    records.badge(this.#handler);
  }

  /**
   * Takes up a recorded session.
   *
   * @param known its server has been restored, and has the handler already
   */
  restore({ content }: ReportInfo, handler: Capability<SignalContext>, known: boolean): void {
    this.current.object?.write(0, content);
    if (known) this.#handler = handler;
    else if (handler.valid) this.responseSigh(handler);
  }

  get made(): Made {
    return this.base.made;
  }

  capture(slots: SlotWriter): SavedReport {
    return { handler: slots.held(this.#handler) };
  }

  /** The session behind has the handler by itself. */
  resume({ handler }: SavedReport, { slots }: Resuming): void {
    this.#handler = slots.held<SignalContext>(handler);
  }

  dispose(): void {
    this.base.dispose();
  }
}
