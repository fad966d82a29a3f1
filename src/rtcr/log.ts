// LOG sessions of a child: nothing to record but how they were opened.
import type { LogSession } from "../session/index.ts";
import type { RecordWriter } from "./record-writer.ts";
import { type Opened, SessionBase } from "./session.ts";
import type { ChildContext } from "./tracked.ts";

export class RtcrLog implements LogSession {
  readonly kind = "log";
  readonly base: SessionBase<LogSession>;

  constructor(context: ChildContext, opened: Opened<LogSession>) {
    this.base = new SessionBase<LogSession>(context, this, opened);
  }

  write(text: string): number {
    return this.base.object.write(text);
  }

  checkpoint(records: RecordWriter): void {
    this.base.checkpoint(records);
  }

  dispose(): void {
    this.base.dispose();
  }
}
