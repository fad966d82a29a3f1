// What the supervisor (main thread) and a CPU (worker) say to each other. Everything here can be cloned.
//
// The supervisor posts one request, then sets the flag in the control memory; the CPU freezes at the next safe point,
// does what was asked and goes on. One request is under way at a time.

import type { MessagePort } from "node:worker_threads";
import type { HostDirectory } from "../core/host-files/index-node.ts";
import type { StandardStreams } from "../core/index-node.ts";
import type { Arena, MemorySize } from "./arenas.ts";
import type { ProgramState } from "./wasi-program.ts";

/** What a run is given beside its module, on every host. */
export interface ProgramSpec {
  readonly args: readonly string[];
  /** `NAME=value` strings. */
  readonly environment: readonly string[];
  /** Directories of an in-memory file system, by guest path; its content is part of every checkpoint. */
  readonly memoryDirectories: readonly string[];
  /** Hold standard output until the next checkpoint. */
  readonly holdOutput: boolean;
  /** Monotonic time, real time and random numbers are made up, the same in every run. */
  readonly deterministic: boolean;
}

/** What a run under Node is given. */
export interface RunSpec extends ProgramSpec {
  readonly directories: readonly HostDirectory[];
  /** Folder of the undo journal; absent: changes of files are not undone at a restore. */
  readonly journal?: string | undefined;
}

/** Where a run goes on. */
export interface Resumption {
  readonly state: ProgramState;
  /** Memory contents are empty in `state`: the supervisor has them, and fills the memories of the prepared program. */
  readonly unfilled?: boolean;
  readonly acceptChangedFiles: boolean;
  /** Output that the checkpoint holds was written out by the run that was captured. */
  readonly outputReleased: boolean;
}

/** What every CPU begins with. */
export interface CpuLoad {
  readonly module: Uint8Array;
  /** SHA-256 of the module, hexadecimal. */
  readonly hash: string;
  readonly resumption?: Resumption | undefined;
}

export interface CpuData extends CpuLoad {
  readonly spec: RunSpec;
  readonly streams: StandardStreams;
  /** Folder of rewritten modules; absent: each is rewritten anew. */
  readonly cache?: string | undefined;
  /** The program's end of the sockets, and where they listen. */
  readonly sockets?: { readonly port: MessagePort; readonly addresses: readonly string[] } | undefined;
}

/** A program that a spare CPU loads before it is asked to run something. */
export interface ExpectedProgram {
  readonly module: Uint8Array;
  /** SHA-256 of the module, hexadecimal. */
  readonly hash: string;
  /** Folder of rewritten modules. */
  readonly cache?: string | undefined;
}

/** What a spare CPU begins with. */
export interface SpareData {
  readonly spare: true;
  readonly rehearse: boolean;
  readonly expected: ExpectedProgram | undefined;
}

export interface WebCpuData extends CpuLoad {
  readonly spec: ProgramSpec;
  /** The ring that standard input comes through. */
  readonly input: SharedArrayBuffer;
}

export type Request =
  /** Capture the state; then go on, stay frozen until "resume", or end the CPU. */
  | {
      readonly type: "capture";
      readonly id: number;
      readonly after: "go-on" | "stay" | "end";
      /**
       * Memory for the contents; what is missing or too small is made. "in-place": the contents are the memories themselves
       * where these are shared, and stay as they are until the program goes on.
       */
      readonly arenas?: readonly Arena[] | "in-place";
    }
  /** Tell the sizes of the memories. */
  | { readonly type: "measure"; readonly id: number }
  /** The memories of an unfilled program are filled; `contents` are those of memories that could not be reached. */
  | { readonly type: "filled"; readonly id: number; readonly contents: readonly Arena[] }
  /** Let a program that stays frozen go on. */
  | { readonly type: "resume"; readonly id: number }
  /** Go on at once: long-running loops enter code that has been optimised meanwhile. */
  | { readonly type: "re-enter"; readonly id: number }
  /** Write out the output that the last capture holds. */
  | { readonly type: "release"; readonly id: number };

export type Report =
  /** The program is loaded; `control` is its control memory. */
  | { readonly type: "ready"; readonly control: SharedArrayBuffer; readonly warnings: readonly string[] }
  /** An unfilled program waits for its memories. */
  | { readonly type: "unfilled"; readonly memories: readonly MemoryToFill[] }
  | { readonly type: "measured"; readonly id: number; readonly sizes: readonly MemorySize[] }
  | { readonly type: "captured"; readonly id: number; readonly state: ProgramState; readonly pausedMs: number }
  | { readonly type: "done"; readonly id: number }
  /** The request could not be fulfilled; the program goes on. */
  | { readonly type: "refused"; readonly id: number; readonly fault: FaultData }
  | { readonly type: "ended"; readonly ending: EndingReport }
  /** In browsers: the program has written to standard output (1) or standard error (2). */
  | { readonly type: "output"; readonly stream: 1 | 2; readonly bytes: Uint8Array }
  /** The CPU could not begin. */
  | { readonly type: "failed"; readonly fault: FaultData };

export interface MemoryToFill extends MemorySize {
  /** The memory itself, all zero; absent: it cannot be shared, and its content comes with "filled". */
  readonly buffer?: SharedArrayBuffer;
}

export interface FaultData {
  readonly code: string;
  readonly message: string;
  /** `fault` is the class's name: the same code may mean different things in different layers. */
  readonly detail?: { readonly fault: string };
}

/** How a program ended, for people. */
export interface EndingReport {
  readonly kind: "returned" | "exited" | "trapped" | "exhausted" | "threw";
  /** Exit code of the command: its own, 0 when it returned, 134 after a trap or an uncaught exception. */
  readonly exitCode: number;
  /** For endings by error: what happened and where, one line each. */
  readonly lines: readonly string[];
}

/** Exit code after a trap, stack exhaustion or an uncaught exception: that of an abort. */
export const ABORTED = 134;
