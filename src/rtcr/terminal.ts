// Terminal sessions of a child: with what had come and was not read, so that nothing of it is lost over a restore.
import type { TerminalInfo } from "../checkpoint/index.ts";
import {
  type Errno,
  objectOf,
  type Readiness,
  type SessionState,
  type TerminalKind,
  type TerminalObject,
  type TerminalSession,
  type TerminalSize,
} from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
import { captured } from "./file-system.ts";
import { requireObject } from "./front.ts";
import type { RecordWriter } from "./record-writer.ts";
import { DEVICES } from "./records.ts";
import { type Opened, SessionBase } from "./session.ts";
import type { ChildContext } from "./tracked.ts";

export class RtcrTerminal implements TerminalObject {
  readonly kind = "terminal";
  readonly base: SessionBase<TerminalObject>;
  readonly session: TerminalSession;
  #known: TerminalObject | undefined;

  constructor(context: ChildContext, opened: Opened<TerminalObject>) {
    this.base = new SessionBase<TerminalObject>(context, this, opened);
    this.#known = objectOf<TerminalObject>(opened.real, "terminal"); // in a restore its server may come later
    this.session = new WatchedTerminal(() => this.#terminal);
  }

  get #terminal(): TerminalObject {
    return (this.#known ??= requireObject<TerminalObject>(this.base.real, "terminal"));
  }

  reopen(state: SessionState): TerminalSession {
    this.#terminal.reopen(state);
    return this.session;
  }

  /** Takes up a recorded session. @throws Fault when its state is none of a terminal */
  restore({ state }: TerminalInfo): void {
    this.#terminal.reopen(state);
  }

  /** @param apart whether its state is that of a server which is in the checkpoint, too */
  checkpoint(records: RecordWriter, apart = false): void {
    const { session } = this.#terminal;
    const state = apart ? null : captured("Terminal", this.base.id, () => session.capture());
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
  readonly #terminalOf: () => TerminalObject;

  constructor(terminalOf: () => TerminalObject) {
    this.#terminalOf = terminalOf;
  }

  get #terminal(): TerminalObject {
    return this.#terminalOf();
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
