// The sessions of a WASI run in a browser: input through a ring that the page fills, output handed to the page, no
// files. Where a program had open files, a restore here is refused.

import { createFileSystem } from "../core/files/index.ts";
import {
  ByteRing,
  createClock,
  createMemoryOutput,
  createRandom,
  createRingInput,
  holdOutput,
  webClocks,
} from "../core/index.ts";
import { type SessionStates, sessionStates } from "../wasi/index.ts";
import type { RunSessions } from "./cpu.ts";
import type { WebCpuData } from "./protocol.ts";

/** @param output takes the bytes of standard output (1) and standard error (2), which are its own */
export function openWebSessions(
  { spec, input, resumption }: WebCpuData,
  output: (stream: 1 | 2, bytes: Uint8Array) => void,
): RunSessions {
  const states: SessionStates = resumption ? sessionStates(resumption.state.wasi) : {};
  const outputTo = (stream: 1 | 2, state: SessionStates["stdout"]) =>
    holdOutput(
      createMemoryOutput((bytes) => output(stream, bytes)),
      {
        passing: !spec.holdOutput,
        released: resumption?.outputReleased ?? false,
        ...(state === undefined ? {} : { state }),
      },
    );
  const stdout = outputTo(1, states.stdout);
  const stderr = outputTo(2, states.stderr);
  const captured = states.stdin === undefined ? {} : { state: states.stdin };
  const files = createFileSystem([], states.files);
  return {
    sessions: {
      program: { args: spec.args, environment: spec.environment },
      clock: createClock(webClocks(), states.clock),
      random: createRandom(),
      files,
      stdin: createRingInput(new ByteRing(input), { kind: "pipe", ...captured }),
      stdout,
      stderr,
    },
    terminals: { stdout, stderr },
    warnings: [],
    dispose: () => files.dispose(),
  };
}
