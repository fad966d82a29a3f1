// WASI preview1 as a client of sessions: the functions that a program imports, and the state behind them.

import { type HostFunction, type HostImports, type PlainData, PREVIEW1_MODULE } from "../abi/index.ts";
import { type ProgramArguments, type ProgramSessions, writeState } from "../session/index.ts";
import { type PlainWriter, plainOf, type StateReader } from "../util/index.ts";
import { args } from "./args.ts";
import { clock } from "./clock.ts";
import { WasiContext } from "./context.ts";
import { type HoldDescriptors, readDescriptors } from "./descriptors.ts";
import { directory } from "./directory.ts";
import { WasiStateFault } from "./fault.ts";
import { fd } from "./fd.ts";
import { io } from "./io.ts";
import { path } from "./path.ts";
import { readerOf } from "./plain-data.ts";
import { poll } from "./poll.ts";
import { proc } from "./proc.ts";
import { random } from "./random.ts";
import { sock } from "./sock.ts";

/** The import module of preview1. The older `wasi_unstable` has other layouts and is not offered. */
export const WASI_MODULE = PREVIEW1_MODULE;

const STATE_VERSION = 1;
const SESSION_NAMES = ["clock", "random", "files", "stdin", "stdout", "stderr", "sockets"] as const;

export type SessionName = (typeof SESSION_NAMES)[number];

/** Captured states of a program's sessions; their services create the sessions again from them. */
export type SessionStates = { readonly [name in SessionName]?: PlainData };

export interface Wasi {
  readonly imports: HostImports;
  /** Gives sessions to a program that was instantiated without; it must not run before. */
  open(sessions: ProgramSessions): void;
  /** Descriptors, arguments and the states of all sessions. No call may be running, but for frozen ones. */
  capture(): PlainData;
  /** Writes the same without making anything. @param apart sessions that somebody else records */
  writeState(to: PlainWriter, apart?: readonly SessionName[]): void;
  /**
   * Puts a captured state in place of the present one. The sessions must have been created from
   * its session states (`sessionStates`). Nothing has changed after a WasiStateFault.
   */
  restore(state: PlainData): void;
}

/**
 * All of preview1 over the given sessions, which stay the caller's to dispose; without any, they come by `open`.
 *
 * @param hold asked before descriptors take more room, and told when they take less; default: there is always room
 */
export function createWasi(given?: ProgramSessions, hold: HoldDescriptors = () => true): Wasi {
  const context = new WasiContext(hold);
  const open = (sessions: ProgramSessions) => {
    requireStrings(sessions.program);
    context.open(sessions);
  };
  if (given) open(given);
  /** All but the sessions' states; the last field is for them. */
  const begin = (to: PlainWriter) => {
    const { program, descriptors } = context;
    to.fields();
    to.put("version", STATE_VERSION);
    to.put("args", program.args);
    to.put("environment", program.environment);
    to.field("descriptors");
    descriptors.writeState(to);
  };
  return {
    imports: { [WASI_MODULE]: functions(context) },
    open,
    capture: () => {
      const own = plainOf((to) => {
        begin(to);
        to.end();
      });
      const sessions = SESSION_NAMES.flatMap((name) => {
        const session = context.sessions[name];
        return session ? [[name, session.capture()]] : [];
      });
      return { ...(own as object), sessions: Object.fromEntries(sessions) };
    },
    writeState: (to, apart = []) => {
      begin(to);
      to.field("sessions");
      to.fields();
      for (let i = 0; i < SESSION_NAMES.length; i++) {
        const name = SESSION_NAMES[i]!;
        const session = context.sessions[name];
        if (!session || apart.includes(name)) continue;
        to.field(name);
        writeState(session, to);
      }
      to.end();
      to.end();
    },
    restore: (state) => {
      const reader = readState(state);
      const program = readProgram(reader);
      context.descriptors.restore(reader.field("descriptors"));
      context.program = program;
    },
  };
}

/**
 * The states of the sessions in a captured state: what the sessions must be created from before `restore`.
 *
 * @throws WasiStateFault also for what only `restore` would need: sessions that are opened have effects
 */
export function sessionStates(state: PlainData): SessionStates {
  readProgram(readState(state));
  readDescriptors(readState(state).field("descriptors"));
  const sessions = readState(state)
    .field("sessions")
    .only(...SESSION_NAMES);
  const present = SESSION_NAMES.filter((name) => !sessions.field(name).absent);
  return Object.fromEntries(present.map((name) => [name, sessions.field(name).raw() as PlainData]));
}

function readProgram(state: StateReader): ProgramArguments {
  const texts = (name: string) =>
    state
      .field(name)
      .items()
      .map((item) => item.text());
  const program = { args: texts("args"), environment: texts("environment") };
  requireStrings(program);
  return program;
}

function readState(state: PlainData): StateReader {
  const reader = readerOf(state, "wasi");
  const version = reader.field("version").count();
  if (version === STATE_VERSION) return reader.only("version", "args", "environment", "descriptors", "sessions");
  throw new WasiStateFault("malformed", `wasi state: version ${version}, this build reads ${STATE_VERSION}`, {
    version,
  });
}

function functions(context: WasiContext): Record<string, HostFunction> {
  return {
    ...args(context),
    ...clock(context),
    ...fd(context),
    ...io(context),
    ...directory(context),
    ...path(context),
    ...poll(context),
    ...proc(),
    ...random(context),
    ...sock(context),
  };
}

function requireStrings({ args: list, environment }: ProgramArguments): void {
  const bad = [...list, ...environment].find((text) => text.includes("\0"));
  if (bad === undefined) return;
  throw new WasiStateFault(
    "malformed",
    `argument ${JSON.stringify(bad)} holds a NUL character, programs cannot see it`,
  );
}
