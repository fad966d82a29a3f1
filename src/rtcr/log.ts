// LOG sessions of a child: nothing to record but how they were opened.
import type { LogInfo } from "../checkpoint/index.ts";
import type { LogSession } from "../session/index.ts";
import { type Opened, SessionBase } from "./session.ts";
import { type ChildContext, requireObject } from "./tracked.ts";

export class RtcrLog implements LogSession {
  readonly kind = "log";
  readonly base: SessionBase<LogSession>;

  constructor(context: ChildContext, opened: Opened<LogSession>) {
    this.base = new SessionBase<LogSession>(context, this, opened);
  }

  write(text: string): number {
    return requireObject<LogSession>(this.base.real, "log").write(text);
  }

  checkpoint(): LogInfo {
    return this.base.info();
  }

  dispose(): void {
    this.base.dispose();
  }
}
