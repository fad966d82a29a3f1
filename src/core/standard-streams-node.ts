// The standard streams of a process, split between its threads: the main thread receives input that may have to be
// waited for, the program's thread does everything else.
//
//   main thread      openStandardStreams(wake) -> StandardStreams, plain data for workerData
//   program's thread createStandardStreams(streams, options) -> the terminal sessions

import type { SessionState, TerminalKind, TerminalSession, TerminalSize } from "../session/index.ts";
import { ByteRing } from "./ring.ts";
import { type HeldOutput, holdOutput } from "./terminal-held.ts";
import { createFileInput, createNodeOutput, makeOutputsNonBlocking, terminalKind } from "./terminal-node.ts";
import { type InputPump, pumpInput } from "./terminal-pump-node.ts";
import { createRingInput } from "./terminal-ring.ts";

/** What the program's thread must be told; can be cloned. */
export interface StandardStreams {
  readonly input: { readonly kind: TerminalKind; readonly ring: SharedArrayBuffer };
  readonly size?: TerminalSize;
}

/**
 * Begins to serve the process's standard streams to programs, one after the other. Main thread, once.
 *
 * @param wake called when input came: wakes the waits of the program
 */
export function openStandardStreams(wake: () => void): { readonly streams: StandardStreams; stop(): void } {
  makeOutputsNonBlocking();
  const kind = terminalKind(0);
  const ring = ByteRing.create();
  const pump: InputPump | undefined = kind === "file" ? undefined : pumpInput(process.stdin, ring, wake);
  const { columns, rows } = process.stdout;
  const size = columns && rows ? { size: { columns, rows } } : {};
  return { streams: { input: { kind, ring: ring.shared }, ...size }, stop: () => pump?.stop() };
}

export interface StandardStreamOptions {
  /** Captured states of the three terminals. */
  readonly states?: { readonly stdin?: SessionState; readonly stdout?: SessionState; readonly stderr?: SessionState };
  /** This process is another than the captured one: an input file stands at its beginning again. */
  readonly newProcess?: boolean;
  /** Hold standard output and error until `release`. */
  readonly hold?: boolean;
  /** The output held in `states` was released already. */
  readonly released?: boolean;
}

export interface StandardTerminals {
  readonly stdin: TerminalSession;
  /** Release them after a checkpoint, finish them at the end of the program. */
  readonly stdout: HeldOutput;
  readonly stderr: HeldOutput;
  dispose(): void;
}

/** The terminal sessions over the process's standard streams, for the thread that runs the program. */
export function createStandardStreams(
  { input, size }: StandardStreams,
  { states = {}, newProcess = false, hold = false, released = false }: StandardStreamOptions = {},
): StandardTerminals {
  const outputs = [1, 2].map((fd) => createNodeOutput(fd, () => size));
  const outputStates = [states.stdout, states.stderr];
  // Without `hold` there may still be output of a run that held it.
  const [stdout, stderr] = outputs.map((output, index) => {
    const state = outputStates[index];
    return holdOutput(output, { released, passing: !hold, ...(state === undefined ? {} : { state }) });
  });
  return {
    stdin: createInput(input, states.stdin, newProcess),
    stdout: stdout!,
    stderr: stderr!,
    dispose: () => {
      for (const output of outputs) output.dispose();
    },
  };
}

function createInput(
  { kind, ring }: StandardStreams["input"],
  state: SessionState | undefined,
  newProcess: boolean,
): TerminalSession {
  const captured = state === undefined ? {} : { state };
  if (kind === "file") return createFileInput(0, { ...captured, rewound: newProcess && state !== undefined });
  return createRingInput(new ByteRing(ring), { kind, ...captured });
}
