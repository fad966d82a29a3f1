// A WASI program as a component: preview1 over sessions that are opened at the component's parent, paid for by its PD
// (parent-sessions.ts). Real time and random numbers are the host's.
//
//   <config> <arg value="-v"/> <env key="HOME" value="/"/> </config>
//
// The states of File_system and Terminal sessions are theirs: whoever stands in front of them, or serves them, records them
// and has them again before the program goes on.
import type { HostCall, HostFunction, HostImports, PlainData } from "../abi/index.ts";
import {
  type Component,
  type ComponentWasi,
  type Core,
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
  type Capability,
  type ClockSession,
  contentOf,
  type Dataspace,
  type FileSystemObject,
  type FileSystemSession,
  type KernelObject,
  lastElement,
  objectOf,
  type ProgramArguments,
  type ProgramSessions,
  type RomSession,
  type TerminalSession,
  type TimerSession,
  writeState,
} from "../session/index.ts";
import { createWasi, type SessionName, type SessionStates, sessionStates } from "../wasi/index.ts";
import { type Ask, Conversations } from "./conversation.ts";
import { GuestFiles, GuestTerminal } from "./guest-files.ts";
import { ParentFiles, ParentTerminal } from "./parent-files.ts";
import { ParentSessions } from "./parent-sessions.ts";

/** Real time of deterministic systems begins on 2026-01-01T00:00Z. */
const EPOCH_NS = 1_767_225_600_000_000_000n;
type TerminalName = "stdin" | "stdout" | "stderr";
/** How long a program that waits for its sessions does not look again if nobody wakes it, as after a restore. */
const RETRY_NS = 10_000_000n;
/** What the functions need of the core. */
type WasiCore = Pick<Core, "kernel">;

/** As `componentWasi`; random numbers follow from the component's number, real time begins in 2026 with the timer. */
export function deterministicWasi(component: Component, core: WasiCore): ComponentWasi {
  return makeWasi(component, core, true);
}

/** The WASI functions of a component; for `CoreOptions.wasi`. */
export function componentWasi(component: Component, core: WasiCore): ComponentWasi {
  return makeWasi(component, core, false);
}

function makeWasi(component: Component, { kernel }: WasiCore, deterministic: boolean): ComponentWasi {
  const wasi = createWasi(undefined, (bytes) => component.holdings.holdDescriptors(bytes));
  const conversations = new Conversations(kernel.rpc.requests);
  const { ask } = conversations;
  let parent = new ParentSessions(component);
  /** Undefined before its first call, and while it waits for its sessions in that. */
  let life: Life | undefined;
  parent.ask();
  const begin = (call: HostCall) => {
    while (!parent.look()) {
      parent.watch(kernel.badges);
      if (call.wait(RETRY_NS) === "freeze") call.freeze();
    }
    const made = new Life({ component, deterministic, parent, ask });
    wasi.open(made.sessions);
    life = made;
    call.note?.();
  };
  const held = (host: HostFunction): HostFunction["call"] => {
    return (outer, ...args) =>
      conversations.hold(component.running!, outer, (call) => {
        if (!life) begin(call);
        return host.call(call, ...args);
      });
  };
  return {
    imports: mapImports(wasi.imports, (host) => ({ freeze: "restartable", call: held(host) })),
    writeState: (to) => (life ? wasi.writeState(to, life.apart) : to.plain(parent.capture())),
    restore: (state) => {
      const awaited = ParentSessions.awaitedIn(state);
      parent = new ParentSessions(component, awaited);
      life = undefined;
      if (awaited) return;
      life = new Life({ component, deterministic, parent, ask }, sessionStates(state));
      wasi.open(life.sessions);
      wasi.restore(state);
    },
    lost: () => parent.lost,
    ended: () => life?.flush(),
    refused: () => parent.close(),
  };
}

function mapImports(imports: HostImports, map: (host: HostFunction) => HostFunction): HostImports {
  const modules = Object.entries(imports).map(([module, functions]) => [
    module,
    Object.fromEntries(Object.entries(functions).map(([name, host]) => [name, map(host)])),
  ]);
  return Object.fromEntries(modules);
}

interface LifeParts {
  readonly component: Component;
  readonly deterministic: boolean;
  readonly parent: ParentSessions;
  readonly ask: Ask;
}

/** What a program works with in one of its lives. */
class Life {
  readonly sessions: ProgramSessions;
  /** Sessions whose states are not the program's to record. */
  readonly apart: SessionName[] = [];
  readonly #parent: ParentSessions;
  readonly #ask: Ask;
  readonly #lines: LogTerminal[] = [];

  /**
   * @param states of a life before: unfinished lines go on, and files that were open are open again if their state was
   *   recorded with the program's, as older images have it
   * @throws FilesFault "missing-files" naming all that are not there
   */
  constructor({ component, deterministic, parent, ask }: LifeParts, states?: SessionStates) {
    this.#parent = parent;
    this.#ask = ask;
    const seed = BigInt(component.id);
    this.sessions = {
      program: programArguments(component, states ? undefined : parent),
      clock: lazyClock(() =>
        clockOf(objectOf<TimerSession>(parent.find("timer"), "timer"), deterministic, states?.clock),
      ),
      random: deterministic ? createSeededRandom(seed, states?.random ?? undefined) : createRandom(),
      files: this.#files(states),
      stdin: this.#terminal("stdin", states) ?? createMemoryInput(),
      stdout: this.#terminal("stdout", states) ?? this.#logged("stdout", states),
      stderr: this.#terminal("stderr", states) ?? this.#logged("stderr", states),
    };
  }

  /** Whether the parent has given a session: in a life before, or as is seen now. */
  #given(name: "files" | TerminalName, states: SessionStates | undefined): boolean {
    const given = (states && states[name] === undefined) || this.#parent.find(name).valid;
    if (given) this.apart.push(name);
    return given;
  }

  #files(states: SessionStates | undefined): FileSystemSession {
    if (!this.#given("files", states)) return createFileSystem([], states?.files);
    if (states?.files !== undefined) {
      objectOf<FileSystemObject>(this.#parent.find("files"), "file-system")?.reopen(states.files);
    }
    const find = sessionAt<FileSystemSession>("file-system", (session) => new GuestFiles(this.#ask, session));
    return new ParentFiles(() => find(this.#parent.find("files")));
  }

  #terminal(name: TerminalName, states: SessionStates | undefined): TerminalSession | undefined {
    if (!this.#given(name, states)) return undefined;
    const find = sessionAt<TerminalSession>("terminal", (session) => new GuestTerminal(this.#ask, session));
    return new ParentTerminal(() => find(this.#parent.find(name)));
  }

  #logged(name: "stdout" | "stderr", states: SessionStates | undefined): TerminalSession {
    const lines = createLogTerminal(() => this.#parent.log, states?.[name]);
    this.#lines.push(lines);
    return lines;
  }

  /** Writes unfinished lines. */
  flush(): void {
    for (const terminal of this.#lines) terminal.flush();
  }
}

/** The session behind a capability: an object of TypeScript, or what `made` stands for a guest's object. */
function sessionAt<T>(kind: "file-system" | "terminal", made: (session: Capability) => T) {
  let guest: { readonly capability: Capability; readonly session: T } | undefined;
  return (capability: Capability): T | undefined => {
    const { object } = capability;
    if (object?.kind === kind) return (object as KernelObject & { readonly session: T }).session;
    if (object?.kind !== "rpc-object") return undefined;
    if (guest?.capability !== capability) guest = { capability, session: made(capability) };
    return guest.session;
  };
}

/** @param parent absent: the captured ones follow */
function programArguments({ label }: Component, parent: ParentSessions | undefined): ProgramArguments {
  const name = lastElement(label);
  const rom = parent && objectOf<RomSession>(parent.find("config"), "rom");
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

/** A clock that is made when it is first looked at: the timer of a restored program may come after its state. */
function lazyClock(make: () => ClockSession): ClockSession {
  let made: ClockSession | undefined;
  const clock = () => (made ??= make());
  return {
    monotonicNs: () => clock().monotonicNs(),
    realtimeNs: () => clock().realtimeNs(),
    cpuTimeNs: () => clock().cpuTimeNs(),
    get resolutionNs() {
      return clock().resolutionNs;
    },
    waited: (ns) => clock().waited?.(ns),
    capture: () => clock().capture(),
    writeState: (to) => writeState(clock(), to),
  };
}
