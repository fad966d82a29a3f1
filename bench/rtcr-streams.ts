// Calls of File_system and Terminal sessions for bench rtcr: core's session, and the one that RTCR puts in front of it.
import { createCoreContext, createFileSystem, createSharedInput } from "../src/core/index.ts";
import { createMemoryVolume } from "../src/core/memory-file-system.ts";
import { fileSystemRoot, terminalRoot } from "../src/core/service/small-roots.ts";
import { ChildContext, RtcrFileSystem, RtcrTerminal } from "../src/rtcr/index.ts";
import {
  type Capability,
  DONATION,
  type FileSystemObject,
  type FileSystemSession,
  type OpenOptions,
  type TerminalObject,
  type TerminalSession,
  writeQuota,
} from "../src/session/index.ts";
import { gotten, required } from "./attempts.ts";
import { timed } from "./measure.ts";

/** Calls that are measured at once. */
const BATCH = 2000;
const PIECE_BYTES = 1024;
const ANYWHERE = { x: 0, y: 0, width: 0, height: 0 };
const ARGS = `${writeQuota(DONATION.File_system)}, label="bench"`;
const OPTIONS: OpenOptions = {
  ...{ create: true, exclusive: false, truncate: false, directory: false, follow: true },
  ...{ read: true, write: true, append: false },
};

function files(watched: boolean): FileSystemSession {
  const core = createCoreContext();
  const root = fileSystemRoot(core, () => createFileSystem([createMemoryVolume({ guestPaths: ["/"] })]));
  const real = gotten(root.session(ARGS, ANYWHERE)) as Capability<FileSystemObject>;
  if (!watched) return required(real.object).session;
  return new RtcrFileSystem(new ChildContext(core.badges), { id: 1, args: ARGS, real }).session;
}

function terminal(watched: boolean): { readonly session: TerminalSession; push(bytes: Uint8Array): void } {
  const core = createCoreContext();
  const input = createSharedInput();
  const real = gotten(terminalRoot(core, () => input).session(ARGS, ANYWHERE)) as Capability<TerminalObject>;
  const session = watched
    ? new RtcrTerminal(new ChildContext(core.badges), { id: 1, args: ARGS, real }).session
    : required(real.object).session;
  return { session, push: (bytes) => input.push(bytes) };
}

type Make = (watched: boolean) => () => number;

function onFile(call: (session: FileSystemSession, node: number, bytes: Uint8Array) => void): Make {
  return (watched) => {
    const session = files(watched);
    const node = gotten(session.open(0, "file", OPTIONS));
    const bytes = new Uint8Array(PIECE_BYTES);
    gotten(session.write(node, bytes, 0n));
    return () =>
      timed(() => {
        for (let i = 0; i < BATCH; i++) call(session, node, bytes);
      });
  };
}

/** By name; each makes what is measured, without RTCR or with it, and gives what takes the milliseconds of BATCH calls. */
export function streamOperations(): Readonly<Record<string, Make>> {
  return {
    "file: 1 KiB read": onFile((session, node, bytes) => gotten(session.read(node, bytes, 0n))),
    "file: 1 KiB written": onFile((session, node, bytes) => gotten(session.write(node, bytes, 0n))),
    "file: status": onFile((session, node) => gotten(session.status(node))),
    "file: opened and closed": onFile((session) => gotten(session.close(gotten(session.open(0, "file", OPTIONS))))),
    "terminal: 16 bytes read": (watched) => {
      const { session, push } = terminal(watched);
      const bytes = new Uint8Array(16);
      return () => {
        push(new Uint8Array(16 * BATCH));
        return timed(() => {
          for (let i = 0; i < BATCH; i++) gotten(session.read(bytes));
        });
      };
    },
    "terminal: readiness": (watched) => {
      const { session } = terminal(watched);
      return () =>
        timed(() => {
          for (let i = 0; i < BATCH; i++) session.readiness();
        });
    },
  };
}
