// What a program is given when it starts, and the bundle of sessions that a WASI program works with.

import type { ClockSession } from "./clock.ts";
import type { FileSystemSession } from "./file-system.ts";
import type { RandomSession } from "./random.ts";
import type { SocketSession } from "./socket.ts";
import type { TerminalSession } from "./terminal.ts";

export interface ProgramArguments {
  /** The program's name first. No string holds a NUL character. */
  readonly args: readonly string[];
  /** `NAME=value` strings. */
  readonly environment: readonly string[];
}

export interface ProgramSessions {
  readonly program: ProgramArguments;
  readonly clock: ClockSession;
  readonly random: RandomSession;
  readonly files: FileSystemSession;
  readonly stdin: TerminalSession;
  readonly stdout: TerminalSession;
  readonly stderr: TerminalSession;
  /** Absent: the program has no sockets. */
  readonly sockets?: SocketSession;
}
