// Terminal sessions of a child: with what had come and was not read, so that nothing of it is lost over a restore.
import type { TerminalInfo } from "../checkpoint/index.ts";
import type {
  Errno,
  Readiness,
  SessionState,
  TerminalKind,
  TerminalObject,
  TerminalSession,
  TerminalSize,
} from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
import { captured } from "./file-system.ts";
import type { RecordWriter } from "./record-writer.ts";
import { DEVICES } from "./records.ts";
import { type Opened, SessionBase } from "./session.ts";
import { type ChildContext, requireObject } from "./tracked.ts";

export class RtcrTerminal implements TerminalObject {
  readonly kind = "terminal";
  readonly base: SessionBase<TerminalObject>;
  readonly session: TerminalSession;
  readonly #terminal: TerminalObject;

  constructor(context: ChildContext, opened: Opened<TerminalObject>) {
    this.base = new SessionBase<TerminalObject>(context, this, opened);
    this.#terminal = requireObject<TerminalObject>(opened.real, "terminal");
    this.session = new WatchedTerminal(this.#terminal);
  }

  reopen(state: SessionState): TerminalSession {
    this.#terminal.reopen(state);
    return this.session;
  }

  /** Takes up a recorded session. @throws Fault when its state is none of a terminal */
  restore({ state }: TerminalInfo): void {
    this.#terminal.reopen(state);
  }

  checkpoint(records: RecordWriter): void {
    const { session } = this.#terminal;
    const state = captured("Terminal", this.base.id, () => session.capture());
    const size = session.size();
    this.base.checkpoint(records);
    records.choice(DEVICES.indexOf(session.kind));
    records.flag(size !== undefined);
    records.number(size?.columns ?? 0);
    records.number(size?.rows ?? 0);
    records.number(session.readiness().readableBytes);
    records.plain(state);
  }

  dispose(): void {
    this.base.dispose();
  }
}

/** The session that a child works with; it keeps that, as it does a File_system session (file-system.ts). */
class WatchedTerminal implements TerminalSession {
  readonly #terminal: TerminalObject;

  constructor(terminal: TerminalObject) {
    this.#terminal = terminal;
  }

  get kind(): TerminalKind {
    return this.#terminal.session.kind;
  }

  size(): TerminalSize | undefined {
    return this.#terminal.session.size();
  }

  read(target: Uint8Array): Attempt<number, Errno> {
    return this.#terminal.session.read(target);
  }

  write(source: Uint8Array): Attempt<number, Errno> {
    return this.#terminal.session.write(source);
  }

  readiness(): Readiness {
    return this.#terminal.session.readiness();
  }

  capture(): SessionState {
    return this.#terminal.session.capture();
  }
}
