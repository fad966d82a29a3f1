// The sessions of a WASI run in a browser: input through a ring that the page fills, output handed to the page, files in
// memory. A program that has directories of a host cannot be taken up here.

import { createFileSystem, FilesFault, type Volume, volumeStates } from "../core/files/index.ts";
import {
  ByteRing,
  createClock,
  createCountingClock,
  createMemoryOutput,
  createRandom,
  createRingInput,
  createSeededRandom,
  holdOutput,
  webClocks,
} from "../core/index.ts";
import { type Disk, MemoryVolume } from "../core/memory-files/index.ts";
import { type SessionStates, sessionStates } from "../wasi/index.ts";
import type { RunSessions } from "./cpu.ts";
import { MachineFault } from "./faults.ts";
import type { ProgramSpec, WebCpuData } from "./protocol.ts";

/** Makes an empty disk for files in memory. */
export type MakeDisk = () => Disk;

/**
 * @param output takes the bytes of standard output (1) and standard error (2), which are its own
 * @param disk for runs with directories in memory
 * @throws MachineFault "no-disk", FilesFault when the captured run had other directories
 */
export function openWebSessions(
  { spec, input, resumption }: WebCpuData,
  output: (stream: 1 | 2, bytes: Uint8Array) => void,
  disk?: MakeDisk,
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
  const files = createFileSystem(openVolumes(spec, states.files, disk), states.files);
  return {
    sessions: {
      program: { args: spec.args, environment: spec.environment },
      clock: spec.deterministic ? createCountingClock(states.clock) : createClock(webClocks(), states.clock),
      random: spec.deterministic ? createSeededRandom(0n, states.random) : createRandom(),
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

function openVolumes(
  { memoryDirectories: guestPaths }: ProgramSpec,
  state: SessionStates["files"],
  disk: MakeDisk | undefined,
): Volume[] {
  const captured = state === undefined ? [] : volumeStates(state);
  const wanted = guestPaths.length > 0 ? 1 : 0;
  if (state !== undefined && captured.length !== wanted) {
    const found = `the captured run has ${captured.length} volumes of files, expected ${wanted}`;
    throw new FilesFault("wrong-state", `${found}: browsers offer directories in memory, not those of a host`);
  }
  if (wanted === 0) return [];
  if (disk) return [new MemoryVolume(disk(), { guestPaths }, captured[0])];
  const hint = "start the CPU by serveWebCpu({ disk }) in a worker of your own, where memfs is bundled";
  throw new MachineFault("no-disk", `directories in memory (${guestPaths.join(", ")}) need a disk: ${hint}`);
}
