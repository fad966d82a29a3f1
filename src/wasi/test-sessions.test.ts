// Real sessions for the tests of this layer: a directory of the host under `/` and `/ro`, memory terminals, and a clock
// that moves only when the program waits.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { createFileSystem } from "../core/files/index.ts";
import { HostVolume } from "../core/host-files/volume-node.ts";
import { createMemoryInput, createMemoryOutput, createSeededRandom, type MemoryInput } from "../core/index.ts";
import type { ProgramSessions } from "../session/index.ts";
import { ManualClock, TestProgram } from "./test-program.test.ts";

/** The descriptor of the directory `/` of a program made here; `/ro`, the next one, cannot be changed. */
export const ROOT = 3;
export const READ_ONLY = 4;

const home = mkdtempSync(join(tmpdir(), "rtcr-wasi-"));
let made = 0;
after(() => rmSync(home, { recursive: true }));

export interface Made {
  readonly program: TestProgram;
  readonly sessions: ProgramSessions;
  readonly clock: ManualClock;
  readonly stdin: MemoryInput;
  readonly hostPath: string;
  /** What was written to standard output. */
  output(): string;
}

/** A program over fresh sessions, in a directory of its own unless one is given. */
export function make(changes: Partial<ProgramSessions> = {}, hostPath = newDirectory()): Made {
  let written = "";
  const clock = new ManualClock();
  const stdin = createMemoryInput({ open: true });
  const stdout = createMemoryOutput((bytes) => {
    written += new TextDecoder().decode(bytes);
  });
  const directories = [
    { hostPath, guestPath: "/", writable: true },
    { hostPath: join(hostPath, "ro"), guestPath: "/ro", writable: false },
  ];
  const sessions: ProgramSessions = {
    program: { args: ["prog", "ä b"], environment: ["HOME=/", "EMPTY="] },
    clock,
    random: createSeededRandom(1n),
    files: createFileSystem([new HostVolume(directories)]),
    stdin,
    stdout,
    stderr: stdout,
    ...changes,
  };
  return { program: new TestProgram(sessions), sessions, clock, stdin, hostPath, output: () => written };
}

function newDirectory(): string {
  const hostPath = join(home, String(made++));
  mkdirSync(join(hostPath, "ro"), { recursive: true });
  writeFileSync(join(hostPath, "ro", "given"), "given");
  return hostPath;
}
