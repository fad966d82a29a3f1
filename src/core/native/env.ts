// Env of a component in TypeScript (spec 2.13): its environment sessions, and signal handlers that run from the event loop.
import {
  type Badges,
  type Capability,
  type CpuSession,
  ENV_SESSION,
  type Env,
  INVALID,
  type KernelObject,
  type Location,
  type LogSession,
  objectOf,
  type ParentSession,
  type PdSession,
  type SessionRefusal,
  type SignalContext,
  type SignalHandler,
  type SignalSource,
  type SlotReader,
  type SlotWriter,
} from "../../session/index.ts";
import { type Attempt, Bug, Fault, messageOf, refusal } from "../../util/index.ts";
import { logPieces } from "../log/index.ts";
import type { TaskQueue } from "./task-queue.ts";

/** A native component asked its environment for something that it could not give. */
export class NativeFault extends Fault<"no-environment" | "out-of-ram" | "out-of-caps"> {}

export interface EnvOptions {
  readonly parent: Capability<ParentSession>;
  readonly badges: Badges;
  readonly tasks: TaskQueue;
}

/** Signal handlers of a component: slots of its source and of each handler's context, by imprint. */
export interface SavedSignals {
  readonly source: number;
  readonly next: number;
  readonly handlers: readonly (readonly [imprint: number, slot: number])[];
}

/** The component's environment and the means to end it. */
export interface OwnedEnv {
  readonly env: Env;
  captureSignals(slots: SlotWriter): SavedSignals;
  /** Before anything else is asked of the environment. */
  restoreSignals(saved: SavedSignals, slots: SlotReader): void;
  /** No handler is called any more. */
  dispose(): void;
}

/** Handlers that are told in one turn of the event loop before others have theirs. */
const SIGNALS_PER_TURN = 64;

/** @throws NativeFault when the parent has no PD or CPU session for the component */
export function createEnv({ parent, badges, tasks }: EnvOptions): OwnedEnv {
  const sessionOf = <T extends KernelObject>(id: number, kind: T["kind"]): Capability<T> => {
    const session = objectOf<ParentSession>(parent, "parent")?.sessionCap(id);
    if (session?.ok && session.value.object?.kind === kind) return session.value as Capability<T>;
    throw new NativeFault("no-environment", `the parent gives no ${kind} session with id ${id}`, { id, kind });
  };
  const pd = sessionOf<PdSession>(ENV_SESSION.pd, "pd");
  const cpu = sessionOf<CpuSession>(ENV_SESSION.cpu, "cpu");
  const log = loggerOf(parent);
  const signals = new Signals(pd, tasks, (message) => writeLine(log, `error: ${message}`));
  const env: Env = {
    parent,
    pd,
    cpu,
    log,
    badges,
    session: (id: number, service: string, args: string, affinity?: Location): Attempt<Capability, SessionRefusal> =>
      objectOf<ParentSession>(parent, "parent")?.session(id, service, args, affinity) ?? refusal("service-denied"),
    signalHandler: (handle) => signals.handler(handle),
    signalHandlerAgain: (context, handle) => signals.again(context, handle),
  };
  return {
    env,
    captureSignals: (slots) => signals.capture(slots),
    restoreSignals: (saved, slots) => signals.restore(saved, slots),
    dispose: () => signals.dispose(),
  };
}

/** Writes a message of any length to a LOG session, as one line. */
export function writeLine(log: LogSession, message: string): void {
  for (const piece of logPieces(`${message.replaceAll("\0", "?")}\n`)) log.write(piece);
}

/** Looks its session up with each write: the parent may give another one. Without one, text is swallowed. */
function loggerOf(parent: Capability<ParentSession>): LogSession {
  const current = (): LogSession | undefined => {
    const session = objectOf<ParentSession>(parent, "parent")?.sessionCap(ENV_SESSION.log);
    return session?.ok ? objectOf<LogSession>(session.value, "log") : undefined;
  };
  return { kind: "log", write: (text) => current()?.write(text) ?? 0 };
}

interface Handler {
  readonly context: Capability<SignalContext>;
  readonly handle: () => void;
}

/** What stands for a native component's entrypoint: its source, and who handles which imprint. */
class Signals {
  readonly #pd: Capability<PdSession>;
  readonly #tasks: TaskQueue;
  readonly #report: (message: string) => void;
  readonly #handlers = new Map<number, Handler>();
  #source: Capability<SignalSource> = INVALID;
  #nextImprint = 1;
  #posted = false;

  constructor(pd: Capability<PdSession>, tasks: TaskQueue, report: (message: string) => void) {
    this.#pd = pd;
    this.#tasks = tasks;
    this.#report = report;
  }

  /** @throws NativeFault when the component has no capability left for it */
  handler(handle: () => void): SignalHandler {
    const pd = this.#session();
    if (!this.#source.valid) {
      const source = pd.allocSignalSource();
      if (!source.ok) throw new NativeFault(source.reason, "no quota for the signal source");
      this.#listen(source.value);
    }
    const imprint = this.#nextImprint++;
    const context = pd.allocContext(this.#source, imprint);
    if (!context.ok) {
      const code = context.reason === "invalid-signal-source" ? "no-environment" : context.reason;
      throw new NativeFault(code, "no quota for a signal context");
    }
    return this.#own(imprint, context.value, handle);
  }

  /** @throws NativeFault when the context is none of a handler's */
  again(context: Capability<SignalContext>, handle: () => void): SignalHandler {
    const [imprint] = [...this.#handlers].find(([, handler]) => handler.context === context) ?? [];
    if (imprint === undefined) throw new NativeFault("no-environment", "a signal context is none of the component's");
    return this.#own(imprint, context, handle);
  }

  capture(slots: SlotWriter): SavedSignals {
    return {
      source: slots.held(this.#source),
      next: this.#nextImprint,
      handlers: Array.from(this.#handlers, ([imprint, { context }]) => [imprint, slots.held(context)]),
    };
  }

  /** Handlers that nobody takes over by `again` end with their next signal. */
  restore({ source, next, handlers }: SavedSignals, slots: SlotReader): void {
    this.#nextImprint = next;
    for (const [imprint, slot] of handlers)
      this.#freeWhenTaken(imprint, slots.held<SignalContext>(slot, "signal-context"));
    if (source !== 0) this.#listen(slots.held<SignalSource>(source, "signal-source"));
  }

  #listen(source: Capability<SignalSource>): void {
    this.#source = source;
    source.object?.listen(() => this.#post());
  }

  #own(imprint: number, context: Capability<SignalContext>, handle: () => void): SignalHandler {
    const handler = { context, handle };
    this.#handlers.set(imprint, handler);
    const dispose = () => {
      if (this.#handlers.get(imprint) !== handler) return;
      if (context.object?.pending) this.#freeWhenTaken(imprint, context);
      else this.#free(imprint, context);
    };
    return { context, dispose };
  }

  #free(imprint: number, context: Capability<SignalContext>): void {
    this.#handlers.delete(imprint);
    objectOf<PdSession>(this.#pd, "pd")?.freeContext(context);
  }

  /** A pending context is freed when it has been taken: what it has to say is nobody's loss. */
  #freeWhenTaken(imprint: number, context: Capability<SignalContext>): void {
    this.#handlers.set(imprint, { context, handle: () => this.#free(imprint, context) });
  }

  dispose(): void {
    this.#handlers.clear();
    this.#source.object?.listen(() => {});
  }

  #session(): PdSession {
    const pd = objectOf<PdSession>(this.#pd, "pd");
    if (!pd) throw new NativeFault("no-environment", "the component's PD is gone");
    return pd;
  }

  #post(): void {
    if (this.#posted) return;
    this.#posted = true;
    this.#tasks.post(() => this.#drain());
  }

  #drain(): void {
    this.#posted = false;
    for (let left = SIGNALS_PER_TURN; left > 0; left--) {
      const signal = this.#source.object?.take();
      if (!signal) return;
      this.#handle(signal.imprint);
    }
    this.#post();
  }

  /** What a handler could not do is its component's affair: it must not stop the machine. */
  #handle(imprint: number): void {
    try {
      this.#handlers.get(imprint)?.handle();
    } catch (thrown) {
      if (thrown instanceof Bug) throw thrown;
      this.#report(messageOf(thrown));
    }
  }
}
