// A server of File_system and Terminal sessions, and a client of both, in TypeScript: what tests of such sessions between
// components have in common.
import { createFileSystem, createMemoryInput, type NativeProgram, volumeStates } from "../../src/core/index.ts";
import { createMemoryVolume } from "../../src/core/memory-file-system.ts";
import { Connections } from "../../src/native/index.ts";
import type { Answer, CaptureSession, Service } from "../../src/native/server.ts";
import { type SavedAs, type SavedServing, serving } from "../../src/native/serving.ts";
import {
  type Capability,
  DONATION,
  type FileSystemObject,
  type FileSystemSession,
  type OpenOptions,
  objectOf,
  type ParentSession,
  type SessionState,
  type SignalContext,
  type TerminalObject,
  type TerminalSession,
  type TimerSession,
} from "../../src/session/index.ts";
import { required, success } from "../../src/util/index.ts";

const INPUT = "the quick brown fox jumps";

function given(object: FileSystemObject | TerminalObject, answer: Answer): CaptureSession {
  answer(success({ object, close: () => {} }));
  return () => object.session.capture();
}

/** Its sessions are not to be reopened: they go on with the server. */
function reopened(): never {
  throw new TypeError("expected that nobody reopens a session which its server has again");
}

const filesOf = (session: FileSystemSession): FileSystemObject => ({ kind: "file-system", session, reopen: reopened });
const terminalOf = (session: TerminalSession): TerminalObject => ({ kind: "terminal", session, reopen: reopened });
const volume = (state?: SessionState) => createMemoryVolume({ guestPaths: ["/", "/data"] }, state);

const SERVICES: Readonly<Record<string, Service>> = {
  File_system: {
    serve: (_, answer) => given(filesOf(createFileSystem([volume()])), answer),
    again: (_, { state }, answer) => given(filesOf(createFileSystem([volume(volumeStates(state)[0])], state)), answer),
  },
  Terminal: {
    serve: (_, answer) =>
      given(terminalOf(createMemoryInput({ bytes: new TextEncoder().encode(INPUT), open: true })), answer),
    again: (_, { state }, answer) => given(terminalOf(createMemoryInput({ state, open: true })), answer),
  },
};

/** Each client has files of its own, in memory, and the same input. */
export const streamServer: NativeProgram = (env, saved) =>
  serving(env, saved as SavedAs<SavedServing> | undefined, {
    configured: () => Object.keys(SERVICES),
    service: (name) => required(SERVICES[name], name),
    capture: () => ({}),
  });

const WRITE: OpenOptions = {
  ...{ create: true, exclusive: false, truncate: false, directory: false, follow: true },
  ...{ read: true, write: true, append: false },
};
const PERIOD_US = 2_000;
const TURNS = INPUT.length;
const KINDS = ["File_system", "Terminal", "Timer"] as const;

interface SavedClient {
  readonly connections: ReturnType<Connections["state"]>;
  readonly ids: readonly number[];
  readonly handler: number;
  readonly file: number;
  readonly turn: number;
}

/** Moves a byte from its terminal to its file every two milliseconds, logs the file, and exits at the end of its input. */
export const streamClient: NativeProgram = (env, again) => {
  const saved = again && (again.state as unknown as SavedClient);
  const connections = new Connections(env, saved && again && { saved: saved.connections, slots: again.slots });
  const sessions = new Map<string, Capability>();
  let [file, turn] = [saved?.file ?? -1, saved?.turn ?? 0];
  const tick = () => {
    const { session: files } = required(
      objectOf<FileSystemObject>(sessions.get("File_system")!, "file-system"),
      "files",
    );
    const { session: terminal } = required(objectOf<TerminalObject>(sessions.get("Terminal")!, "terminal"), "input");
    if (file < 0) {
      const opened = files.open(0, "log", WRITE);
      file = opened.ok ? opened.value : -1;
    }
    const [byte, bytes] = [new Uint8Array(1), new Uint8Array(100)];
    terminal.read(byte);
    files.write(file, byte, "end");
    const read = files.read(file, bytes, 0n);
    env.log.write(`${new TextDecoder().decode(bytes.subarray(0, read.ok ? read.value : 0))}\n`);
    if (++turn === TURNS) objectOf<ParentSession>(env.parent, "parent")?.exit(0);
  };
  const handler =
    saved && again
      ? env.signalHandlerAgain(again.slots.held<SignalContext>(saved.handler), tick)
      : env.signalHandler(tick);
  const ready = (service: string, session: Capability) => {
    sessions.set(service, session);
    const timer = sessions.size === KINDS.length && objectOf<TimerSession>(sessions.get("Timer")!, "timer");
    if (!timer) return;
    timer.sigh(handler.context);
    timer.triggerPeriodic(PERIOD_US);
  };
  const ids = KINDS.map((service, i) => {
    const events = {
      ready: (session: Capability) => ready(service, session),
      refused: (why: string) => env.log.write(`no ${service}: ${why}\n`),
    };
    if (!saved) return connections.open({ service, donation: DONATION[service] }, events);
    const session = connections.resume(saved.ids[i]!, events);
    if (session.badge !== 0) sessions.set(service, session);
    return saved.ids[i]!;
  });
  return {
    capture: (slots) =>
      ({
        ...{ connections: connections.state(slots), ids, handler: slots.held(handler.context), file, turn },
      }) as unknown as SessionState,
    dispose: () => connections.dispose(),
  };
};
