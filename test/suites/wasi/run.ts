// Runs one case two ways: through rtcr without a stop, and stopped again and again. At each stop everything is
// captured, written as bytes, thrown away, and brought up from the bytes in a fresh instance, rewritten in another form,
// with fresh sessions; the directories go through the undo journal. Both runs start from a copy of the given directories, and must leave the
// same files.

import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { createFileSystem, volumeStates } from "../../../src/core/files/index.ts";
import { JournaledVolume } from "../../../src/core/host-files/index-node.ts";
import { createClock, createMemoryInput, createMemoryOutput, createSeededRandom } from "../../../src/core/index.ts";
import { nodeClocks } from "../../../src/core/index-node.ts";
import { type LoadedProgram, loadProgram } from "../../../src/core/program.ts";
import type { Ending } from "../../../src/engine/index.ts";
import { type ProgramState, WasiProgram } from "../../../src/machine/wasi-program.ts";
import { messageOf } from "../../../src/util/index.ts";
import { sessionStates } from "../../../src/wasi/index.ts";
import type { Check, FileReport } from "../report.ts";
import { readCase, type WasiCase } from "./case.ts";

export const WASI_WAYS = ["plain", "tortured"] as const;
type Way = (typeof WASI_WAYS)[number];

/** What a run showed. */
interface Shown {
  /** What the program says it ended with; a trap is 134, as hosts that abort have it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Every file and its content's hash. */
  readonly tree: readonly string[];
  readonly points: number;
}

const TRAPPED = 134;
/** Stops at every safe point; then each time a twentieth more have passed. */
const DENSE_STOPS = 20;

export async function runCase(file: string): Promise<FileReport> {
  const checks: Check[] = [];
  const shown = new Map<Way, Shown>();
  for (const way of WASI_WAYS) {
    const place = { file, line: 0, what: "case", way };
    try {
      const wasiCase = readCase(file);
      const bytes = await read(file);
      const programs = way === "plain" ? [load(bytes, {})] : [load(bytes, { mostTurns: 1 }), load(bytes, {})];
      const result = withCopies(wasiCase, (folder) => new Run(wasiCase, programs, folder, way).toEnd());
      shown.set(way, result);
      const wrong = difference(wasiCase, result) ?? against(shown.get("plain")!, result);
      checks.push({ ...place, ...(wrong === undefined ? { status: "passed" } : { status: "failed", message: wrong }) });
    } catch (thrown) {
      checks.push({ ...place, status: "failed", message: messageOf(thrown) });
    }
  }
  const points = shown.get("tortured")?.points ?? 0;
  return { file, checks, points, captures: points };
}

async function read(file: string): Promise<Uint8Array<ArrayBuffer>> {
  const content = readFileSync(file);
  const bytes = file.endsWith(".wat")
    ? (await import("../../assemble.ts")).assemble(content.toString())
    : new Uint8Array(content);
  return bytes;
}

function load(bytes: Uint8Array<ArrayBuffer>, options: { readonly mostTurns?: number }): LoadedProgram {
  return loadProgram(bytes, createHash("sha256").update(bytes).digest("hex"), options);
}

/** Does something with copies of the case's directories: `0`, `1` and so on in a folder that goes afterwards. */
function withCopies<Result>({ directories }: WasiCase, work: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), "rtcr-wasi-suite-"));
  try {
    directories.forEach(({ source }, index) => {
      const copy = join(folder, String(index));
      if (existsSync(source)) cpSync(source, copy, { recursive: true, verbatimSymlinks: true });
      else mkdirSync(copy);
      for (const left of globSync("**/*.cleanup", { cwd: copy })) rmSync(join(copy, left), { recursive: true });
    });
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class Run {
  readonly #case: WasiCase;
  /** Forms of the program that take turns at the stops. */
  readonly #programs: readonly LoadedProgram[];
  readonly #folder: string;
  readonly #way: Way;
  readonly #written = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  #points = 0;
  #passed = 0;
  #next = 1;

  constructor(wasiCase: WasiCase, programs: readonly LoadedProgram[], folder: string, way: Way) {
    this.#case = wasiCase;
    this.#programs = programs;
    this.#folder = folder;
    this.#way = way;
  }

  toEnd(): Shown {
    let { program, sessions } = this.#begin(undefined);
    for (;;) {
      const ending = program.run();
      if (ending) {
        sessions.files.dispose();
        return this.#shown(ending);
      }
      this.#points++;
      const bytes = serialize(program.capture());
      sessions.files.dispose();
      ({ program, sessions } = this.#begin(deserialize(bytes) as ProgramState));
    }
  }

  #begin(state: ProgramState | undefined) {
    const sessions = this.#sessions(state);
    const loaded = this.#programs[this.#points % this.#programs.length]!;
    const program = state ? WasiProgram.restore(loaded, sessions, state) : WasiProgram.begin(loaded, sessions);
    if (this.#way === "tortured") {
      program.group.policy = () => this.#stops();
      program.group.request();
    }
    return { program, sessions };
  }

  #stops(): boolean {
    this.#passed++;
    if (this.#passed < this.#next) return false;
    this.#next = this.#points < DENSE_STOPS ? this.#passed + 1 : Math.ceil(this.#passed * 1.05);
    return true;
  }

  #sessions(state: ProgramState | undefined) {
    const { args, environment, directories, stdin } = this.#case;
    const states = state ? sessionStates(state.wasi) : {};
    const volumes = [];
    if (directories.length > 0) {
      const given = directories.map(({ guestPath }, index) => {
        return { hostPath: join(this.#folder, String(index)), guestPath, writable: true };
      });
      const volume = new JournaledVolume({ directories: given, journal: join(this.#folder, "journal") });
      if (states.files !== undefined) volume.goBack(volumeStates(states.files)[0]!, false);
      volumes.push(volume);
    }
    const input = states.stdin === undefined ? { bytes: Buffer.from(stdin) } : { state: states.stdin };
    return {
      program: { args, environment },
      clock: createClock(nodeClocks(), states.clock),
      // Both ways see the same bytes: programs print in the order of hash tables, which these decide.
      random: createSeededRandom(0n, states.random),
      files: createFileSystem(volumes, states.files),
      stdin: createMemoryInput(input),
      stdout: createMemoryOutput((bytes) => this.#written.stdout.push(bytes)),
      stderr: createMemoryOutput((bytes) => this.#written.stderr.push(bytes)),
    };
  }

  #shown(ending: Ending): Shown {
    const { stdout, stderr } = this.#written;
    const said =
      ending.kind === "returned" || ending.kind === "exited" ? "" : `${ending.kind}: ${messageOf(ending.error)}\n`;
    return {
      exitCode: ending.kind === "returned" ? 0 : ending.kind === "exited" ? ending.code : TRAPPED,
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString() + said,
      tree: this.#case.directories.flatMap((_, index) => tree(join(this.#folder, String(index)))),
      points: this.#points,
    };
  }
}

function tree(folder: string): string[] {
  return globSync("**/*", { cwd: folder })
    .sort()
    .map((name) => `${name} ${contentOf(join(folder, name))}`);
}

function contentOf(path: string): string {
  const status = lstatSync(path);
  if (status.isDirectory()) return "directory";
  if (status.isSymbolicLink()) return `-> ${readlinkSync(path)}`;
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** How a run differs from what the case expects. */
function difference({ exitCode, outputs }: WasiCase, shown: Shown): string | undefined {
  if (shown.exitCode !== exitCode) {
    return `expected exit code ${exitCode}, found ${shown.exitCode}; stderr ${JSON.stringify(shown.stderr.slice(0, 400))}`;
  }
  const wrong = outputs.find(({ stream, text, open }) =>
    open ? !shown[stream].startsWith(text) : shown[stream] !== text,
  );
  if (!wrong) return undefined;
  return `expected ${wrong.stream} ${JSON.stringify(wrong.text)}, found ${JSON.stringify(shown[wrong.stream].slice(0, 400))}`;
}

/** How the tortured run differs from the plain one. */
function against(plain: Shown, shown: Shown): string | undefined {
  const other = shown.tree.find((entry, index) => plain.tree[index] !== entry) ?? plain.tree[shown.tree.length];
  if (other !== undefined) return `left other files than the plain run: ${other}`;
  for (const stream of ["stdout", "stderr"] as const) {
    if (plain[stream] !== shown[stream])
      return `wrote another ${stream} than the plain run: ${JSON.stringify(shown[stream].slice(0, 400))}`;
  }
  return undefined;
}
