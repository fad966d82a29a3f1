// A WASI program as a component: preview1 over sessions that are opened at the component's parent, paid for by its PD.
//
//   service       label                      for                    without it
//   File_system   ""                         directories            none are given
//   Terminal      stdin, stdout, stderr      standard streams       no input; output goes to LOG, a line at a time
//   Timer         ""                         monotonic clock        the host's
//   ROM           config                     arguments, variables   only the program's name
//
//   <config> <arg value="-v"/> <env key="HOME" value="/"/> </config>
//
// Sessions that the parent cannot give at once (servers among siblings) are done without: a program's sessions must be
// there before its first instruction. Real time and random numbers are the host's.
//
// The states of File_system and Terminal sessions are theirs: whoever stands in front of them records them, and has them
// reopened before the program's own state is taken up.
import type { PlainData } from "../abi/index.ts";
import {
  type Component,
  type ComponentWasi,
  createClock,
  createCountingClock,
  createFileSystem,
  createLogTerminal,
  createMemoryInput,
  createRandom,
  createSeededRandom,
  type LogTerminal,
  webClocks,
} from "../core/index.ts";
import { textOfModule, tryXml } from "../init/index.ts";
import {
  type ClockSession,
  contentOf,
  type Dataspace,
  DONATION,
  ENV_SESSION,
  type FileSystemObject,
  type KernelObject,
  type LogSession,
  lastElement,
  objectOf,
  type ParentSession,
  type ProgramArguments,
  type ProgramSessions,
  type RomSession,
  type TerminalObject,
  type TerminalSession,
  type TimerSession,
  writeQuota,
} from "../session/index.ts";
import { createWasi, type SessionName, type SessionStates, sessionStates } from "../wasi/index.ts";

/** Ids of the program's sessions: far from those that a program with an SDK besides would choose. */
const FIRST_ID = 0x7a51_0000;
/** Real time of deterministic systems begins on 2026-01-01T00:00Z. */
const EPOCH_NS = 1_767_225_600_000_000_000n;
const TERMINALS = ["stdin", "stdout", "stderr"] as const;

/** As `componentWasi`; random numbers follow from the component's number, real time begins in 2026 with the timer. */
export function deterministicWasi(component: Component): ComponentWasi {
  return makeWasi(component, true);
}

/** The WASI functions of a component; for `CoreOptions.wasi`. */
export function componentWasi(component: Component): ComponentWasi {
  return makeWasi(component, false);
}

function makeWasi(component: Component, deterministic: boolean): ComponentWasi {
  let opened = new OpenedSessions(component, deterministic, "open");
  const wasi = createWasi(opened.sessions(), (bytes) => component.holdings.holdDescriptors(bytes));
  return {
    imports: wasi.imports,
    capture: () => wasi.capture(opened.apart),
    restore: (state) => {
      const again = new OpenedSessions(component, deterministic, "again"); // some may have been closed, or are others
      if (again.complete || !opened.complete) opened = again;
      wasi.open(opened.sessions(sessionStates(state)));
      wasi.restore(state);
    },
    ended: () => opened.flush(),
  };
}

/**
 * What a program works with: sessions that were opened for it once, and what is made of them for each of its lives. A program
 * that is restored has the sessions again that it had; it may have no parent before all else is there.
 */
class OpenedSessions {
  /** Whether there was a parent to ask. */
  readonly complete: boolean;
  readonly #component: Component;
  readonly #deterministic: boolean;
  readonly #parent: Parent;
  readonly #files: FileSystemObject | undefined;
  readonly #program: ProgramArguments;
  readonly #timer: TimerSession | undefined;
  readonly #terminals: ReadonlyMap<(typeof TERMINALS)[number], TerminalObject | undefined>;
  #lines: LogTerminal[] = [];

  constructor(component: Component, deterministic: boolean, how: "open" | "again") {
    this.#component = component;
    this.#deterministic = deterministic;
    const parent = new Parent(component, how === "again");
    this.#parent = parent;
    this.complete = parent.there;
    this.#files = parent.open<FileSystemObject>("File_system", "file-system", "");
    this.#program = programArguments(component, parent);
    this.#timer = parent.open<TimerSession>("Timer", "timer", "");
    this.#terminals = new Map(
      TERMINALS.map((name) => [name, parent.open<TerminalObject>("Terminal", "terminal", name)]),
    );
  }

  /** Sessions whose states are not the program's to record. */
  get apart(): readonly SessionName[] {
    const terminals = TERMINALS.filter((name) => this.#terminals.get(name));
    return this.#files ? ["files", ...terminals] : terminals;
  }

  /**
   * @param states of a life before: unfinished lines go on, and files that were open are open again if their state was
   *   recorded with the program's, as older images have it
   * @throws FilesFault "missing-files" naming all that are not there
   */
  sessions(states: SessionStates = {}): ProgramSessions {
    const { files, clock, random } = states;
    const seed = BigInt(this.#component.id);
    const seeded = this.#deterministic ? createSeededRandom(seed, random ?? undefined) : undefined;
    const reopened = files === undefined ? this.#files?.session : this.#files?.reopen(files);
    this.#lines = [];
    return {
      program: this.#program,
      clock: clockOf(this.#timer, this.#deterministic, clock),
      random: seeded ?? createRandom(),
      files: reopened ?? createFileSystem([], files),
      stdin: this.#terminals.get("stdin")?.session ?? createMemoryInput(),
      stdout: this.#output("stdout", states.stdout),
      stderr: this.#output("stderr", states.stderr),
    };
  }

  #output(name: "stdout" | "stderr", state: PlainData | undefined): TerminalSession {
    const terminal = this.#terminals.get(name)?.session;
    if (terminal) return terminal;
    const lines = createLogTerminal(() => this.#parent.at<LogSession>(ENV_SESSION.log, "log"), state);
    this.#lines.push(lines);
    return lines;
  }

  /** Writes unfinished lines. */
  flush(): void {
    for (const terminal of this.#lines) terminal.flush();
  }
}

/** What the program may ask of its parent before it runs. */
class Parent {
  readonly #component: Component;
  readonly again: boolean;
  #nextId = FIRST_ID;

  /** @param again nothing is opened: sessions are those that are there already */
  constructor(component: Component, again: boolean) {
    this.#component = component;
    this.again = again;
  }

  get there(): boolean {
    return this.#parent !== undefined;
  }

  /** A session that is there at once, of the kind expected; undefined without one, and then nothing is left of it. */
  open<T extends KernelObject>(service: keyof typeof DONATION, kind: T["kind"], label: string): T | undefined {
    const id = this.#nextId++;
    if (this.again) return this.at<T>(id, kind);
    const args = `${writeQuota(DONATION[service])}, label="${label}"`;
    const made = this.#parent?.session(id, service, args);
    const object = made?.ok ? objectOf<T>(made.value, kind) : undefined;
    if (made?.ok && !object) this.#parent?.close(id);
    return object;
  }

  /** The session that has this number. */
  at<T extends KernelObject>(id: number, kind: T["kind"]): T | undefined {
    const made = this.#parent?.sessionCap(id);
    return made?.ok ? objectOf<T>(made.value, kind) : undefined;
  }

  get #parent(): ParentSession | undefined {
    return objectOf<ParentSession>(this.#component.parent, "parent");
  }
}

function programArguments({ label }: Component, parent: Parent): ProgramArguments {
  const name = lastElement(label);
  const rom = parent.open<RomSession>("ROM", "rom", "config");
  if (parent.again) return { args: [name], environment: [] }; // the captured ones follow
  const module = rom && objectOf<Dataspace>(rom.dataspace(), "dataspace");
  const config = module ? tryXml(textOfModule(contentOf(module))) : undefined;
  if (!config?.ok) return { args: [name], environment: [] };
  const values = config.value.childrenNamed("arg").map(({ attributes }) => attributes.get("value") ?? "");
  const variables = config.value
    .childrenNamed("env")
    .map(({ attributes }) => `${attributes.get("key") ?? ""}=${attributes.get("value") ?? ""}`);
  return { args: [name, ...values], environment: variables };
}

/** The timer's time, so that a system whose time is its own has only that; microseconds are its finest step. */
function clockOf(timer: TimerSession | undefined, deterministic: boolean, state?: PlainData): ClockSession {
  const host = webClocks();
  if (!timer) return deterministic ? createCountingClock(state) : createClock(host, state);
  const monotonicNs = () => BigInt(timer.elapsedUs()) * 1000n;
  const resolutionNs = { monotonic: 1000n, realtime: deterministic ? 1000n : host.resolutionNs.realtime };
  const realtimeNs = deterministic ? () => EPOCH_NS + monotonicNs() : host.realtimeNs;
  // It begins where the timer stands, which goes over with its session, be that restored before the program or behind it.
  const passed = { monotonicNs: monotonicNs(), cpuTimeNs: 0n };
  return createClock({ monotonicNs, realtimeNs, resolutionNs }, passed);
}
