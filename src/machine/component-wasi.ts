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
  type FileSystemObject,
  type LogTerminal,
  type TerminalObject,
  webClocks,
} from "../core/index.ts";
import { textOfModule, tryXml } from "../init/index.ts";
import {
  type ClockSession,
  contentOf,
  type Dataspace,
  DONATION,
  ENV_SESSION,
  type KernelObject,
  type LogSession,
  lastElement,
  objectOf,
  type ParentSession,
  type ProgramArguments,
  type RomSession,
  type TerminalSession,
  type TimerSession,
  writeQuota,
} from "../session/index.ts";
import { createWasi } from "../wasi/index.ts";

/** Ids of the program's sessions: far from those that a program with an SDK besides would choose. */
const FIRST_ID = 0x7a51_0000;
/** Real time of deterministic systems begins on 2026-01-01T00:00Z. */
const EPOCH_NS = 1_767_225_600_000_000_000n;

/** As `componentWasi`; random numbers follow from the component's number, real time begins in 2026 with the timer. */
export function deterministicWasi(component: Component): ComponentWasi {
  return makeWasi(component, true);
}

/** The WASI functions of a component; for `CoreOptions.wasi`. */
export function componentWasi(component: Component): ComponentWasi {
  return makeWasi(component, false);
}

function makeWasi(component: Component, deterministic: boolean): ComponentWasi {
  const parent = new Parent(component);
  const log = () => parent.environment<LogSession>(ENV_SESSION.log, "log");
  const outputs: LogTerminal[] = [];
  const output = (name: string): TerminalSession => {
    const terminal = parent.open<TerminalObject>("Terminal", "terminal", name)?.session;
    if (terminal) return terminal;
    const lines = createLogTerminal(log);
    outputs.push(lines);
    return lines;
  };
  const files = parent.open<FileSystemObject>("File_system", "file-system", "")?.session;
  const wasi = createWasi({
    program: programArguments(component, parent),
    clock: clockOf(parent.open<TimerSession>("Timer", "timer", ""), deterministic),
    random: deterministic ? createSeededRandom(BigInt(component.id)) : createRandom(),
    files: files ?? createFileSystem([]),
    stdin: parent.open<TerminalObject>("Terminal", "terminal", "stdin")?.session ?? createMemoryInput(),
    stdout: output("stdout"),
    stderr: output("stderr"),
  });
  return {
    imports: wasi.imports,
    capture: () => wasi.capture(),
    restore: (state) => wasi.restore(state),
    ended: () => {
      for (const terminal of outputs) terminal.flush();
    },
  };
}

/** What the program may ask of its parent before it runs. */
class Parent {
  readonly #component: Component;
  #nextId = FIRST_ID;

  constructor(component: Component) {
    this.#component = component;
  }

  /** A session that is there at once, of the kind expected; undefined without one, and then nothing is left of it. */
  open<T extends KernelObject>(service: keyof typeof DONATION, kind: T["kind"], label: string): T | undefined {
    const id = this.#nextId++;
    const args = `${writeQuota(DONATION[service])}, label="${label}"`;
    const made = this.#parent?.session(id, service, args);
    const object = made?.ok ? objectOf<T>(made.value, kind) : undefined;
    if (made?.ok && !object) this.#parent?.close(id);
    return object;
  }

  environment<T extends KernelObject>(id: number, kind: T["kind"]): T | undefined {
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
function clockOf(timer: TimerSession | undefined, deterministic: boolean): ClockSession {
  const host = webClocks();
  if (!timer) return deterministic ? createCountingClock() : createClock(host);
  const monotonicNs = () => BigInt(timer.elapsedUs()) * 1000n;
  const resolutionNs = { monotonic: 1000n, realtime: deterministic ? 1000n : host.resolutionNs.realtime };
  const realtimeNs = deterministic ? () => EPOCH_NS + monotonicNs() : host.realtimeNs;
  return createClock({ monotonicNs, realtimeNs, resolutionNs });
}
