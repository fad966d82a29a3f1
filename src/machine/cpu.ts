// A CPU: runs one program in a worker of any host, and freezes it when the supervisor asks.
//
//   loading -> running <-> frozen (requests are served) -> ended
//
// Everything a guest does wrong ends in a report. The host's part is cpu-node.ts and cpu-web.ts.

import type { HeldOutput } from "../core/index.ts";
import type { LoadedProgram } from "../core/program.ts";
import { Arenas } from "../engine/index.ts";
import type { ProgramSessions } from "../session/index.ts";
import { Fault, messageOf, required } from "../util/index.ts";
import type { Arena } from "./arenas.ts";
import { MachineFault } from "./faults.ts";
import { plainEnding, withLoss } from "./plain-ending.ts";
import type { CpuLoad, FaultData, Report, Request } from "./protocol.ts";
import { type ProgramState, WasiProgram } from "./wasi-program.ts";

/** Between two tries to write to a pipe that is full. */
const OUTPUT_RETRY_MS = 5;

/** What comes after a request. */
type Then = Extract<Request, { type: "capture" }>["after"];

export interface RunSessions {
  readonly sessions: ProgramSessions;
  readonly terminals: { readonly stdout: HeldOutput; readonly stderr: HeldOutput };
  /** What a restore could not undo, for people. */
  readonly warnings: readonly string[];
  dispose(): void;
}

/** Requests in the order they came. */
export class RequestQueue {
  readonly #requests: Request[] = [];
  #arrived: (() => void) | undefined;

  push(request: Request): void {
    this.#requests.push(request);
    this.#arrived?.();
  }

  async next(): Promise<Request> {
    if (this.#requests.length === 0) await new Promise<void>((resolve) => (this.#arrived = resolve));
    this.#arrived = undefined;
    return required(this.#requests.shift(), "a request");
  }
}

export interface CpuProgram extends LoadedProgram {
  /** Keeps what was asked of it, so that the next restore at the same place need not ask. */
  keep?(): void;
}

export interface CpuHost {
  readonly load: CpuLoad;
  readonly requests: RequestQueue;
  /** `transfer`: buffers that become the supervisor's. */
  post(report: Report, transfer?: ArrayBuffer[]): void;
  /** Rewrites a program, or finds it rewritten. */
  loadProgram(module: Uint8Array, hash: string): CpuProgram;
  /** Makes the program's sessions; what it throws refuses the start. */
  openSessions(): RunSessions;
}

/** Runs the program to its end, or until a capture that stops it. Never rejects: failures are reported. */
export async function runCpu(host: CpuHost): Promise<void> {
  try {
    await run(host);
  } catch (thrown) {
    host.post({ type: "failed", fault: toFaultData(thrown) });
  }
}

async function run(host: CpuHost): Promise<void> {
  const { program, sessions, keep } = await load(host);
  const control = program.group.control.memory.buffer as unknown as SharedArrayBuffer;
  host.post({ type: "ready", control, warnings: sessions.warnings });
  if (host.load.resumption) keep();
  for (;;) {
    const ending = program.run();
    if (ending) {
      const lost = await finishOutput(sessions);
      sessions.dispose();
      const report = plainEnding(ending) ?? (await import("./ending.ts")).reportEnding(ending, host.load.module);
      host.post({ type: "ended", ending: withLoss(report, lost) });
      return;
    }
    program.group.release();
    if (await serveFrozen(host, program, sessions, keep)) {
      sessions.dispose();
      return;
    }
  }
}

/** Serves requests until the program is to go on (false) or the CPU is to end (true). */
async function serveFrozen(
  host: CpuHost,
  program: WasiProgram,
  sessions: RunSessions,
  keep: () => void,
): Promise<boolean> {
  for (let then: Then = "go-on"; ; ) {
    const request = await host.requests.next();
    then = await serve(host, request, program, sessions, then);
    if (request.type === "capture" && then === "stay") {
      askForRestore(program); // while it is stored
      keep();
    }
    if (then !== "stay") return then === "end";
  }
}

/** Has everything made that a restore of the frozen program will ask for. */
function askForRestore(program: WasiProgram): void {
  try {
    program.prepareRestore();
  } catch {
    // Whoever restores it is told.
  }
}

async function load(host: CpuHost): Promise<{ program: WasiProgram; sessions: RunSessions; keep: () => void }> {
  const { module, hash, resumption } = host.load;
  const loaded = host.loadProgram(module, hash);
  const keep = () => loaded.keep?.();
  const unfilled = resumption?.unfilled ? WasiProgram.restoreUnfilled(loaded, resumption.state.group) : undefined;
  if (unfilled) await fill(host, unfilled);
  const sessions = host.openSessions();
  try {
    unfilled?.open(sessions.sessions, resumption!.state.wasi);
    if (unfilled) return { program: unfilled, sessions, keep };
    const program = resumption
      ? WasiProgram.restore(loaded, sessions.sessions, resumption.state)
      : WasiProgram.begin(loaded, sessions.sessions);
    return { program, sessions, keep };
  } catch (thrown) {
    sessions.dispose();
    throw thrown;
  }
}

/** Lets the supervisor fill the memories of a restored program; what the thaw needs is made meanwhile. */
async function fill(host: CpuHost, program: WasiProgram): Promise<void> {
  const memories = program.memories();
  host.post({
    type: "unfilled",
    memories: memories.map(({ instance, index, memory }) => {
      const { buffer } = memory;
      const size = { instance, index, sizeBytes: buffer.byteLength };
      return buffer instanceof SharedArrayBuffer ? { ...size, buffer } : size;
    }),
  });
  program.group.prepare(program.thread);
  const answer = await host.requests.next();
  if (answer.type !== "filled") throw new Error(`expected the memories to be filled, found a request ${answer.type}`);
  for (const { instance, index, buffer } of answer.contents) {
    const found = memories.find((memory) => memory.instance === instance && memory.index === index);
    new Uint8Array(required(found, "a memory to fill").memory.buffer).set(new Uint8Array(buffer));
  }
}

/** Does what was asked of the frozen program; what comes next, which is `then` unless the request says otherwise. */
async function serve(
  host: CpuHost,
  request: Request,
  program: WasiProgram,
  sessions: RunSessions,
  then: Then,
): Promise<Then> {
  const begin = performance.now();
  try {
    switch (request.type) {
      case "capture": {
        const state = program.capture(
          arenasOf(request.arenas === "in-place" ? inPlace(program) : (request.arenas ?? [])),
        );
        const pausedMs = performance.now() - begin;
        host.post({ type: "captured", id: request.id, state, pausedMs }, contentsOf(state));
        return request.after;
      }
      case "measure":
        host.post({ type: "measured", id: request.id, sizes: program.sizes() });
        return then;
      case "filled":
        throw new Error("the memories of a program that runs were filled");
      case "release": {
        const refused = await releaseOutput(sessions);
        if (refused !== undefined) throw new MachineFault("no-output", `${refused}; it is held on`);
        host.post({ type: "done", id: request.id });
        return then;
      }
      case "re-enter":
        host.post({ type: "done", id: request.id });
        return then;
      case "resume":
        host.post({ type: "done", id: request.id });
        return "go-on";
    }
  } catch (thrown) {
    host.post({ type: "refused", id: request.id, fault: toFaultData(thrown) });
    return then;
  }
}

/** The memories themselves, where another JavaScript thread can read them. */
function inPlace(program: WasiProgram): Arena[] {
  return program.memories().flatMap(({ instance, index, memory: { buffer } }) => {
    return buffer instanceof SharedArrayBuffer ? [{ instance, index, buffer }] : [];
  });
}

function arenasOf(given: readonly Arena[]): Arenas {
  const arenas = new Arenas();
  for (const { instance, index, buffer } of given) arenas.give(instance, index, new Uint8Array(buffer));
  return arenas;
}

/** The buffers of memory contents, which are copies already, unless they are shared. */
function contentsOf({ group }: ProgramState): ArrayBuffer[] {
  const contents = group.instances.flatMap(({ memories }) => memories.map(({ content }) => content.buffer));
  return [...new Set(contents)].filter((buffer) => buffer instanceof ArrayBuffer);
}

/**
 * Releases what was held at the last capture. After a refusal a restore writes all of it, so nothing else is written then:
 * what comes twice are only the bytes that were taken before it.
 *
 * @returns what could not be written out and why, a full disk for one
 */
async function releaseOutput({ terminals: { stdout, stderr } }: RunSessions): Promise<string | undefined> {
  const release = (output: HeldOutput) => writeOut(output, () => output.release());
  return (await release(stdout)) ?? (await release(stderr));
}

/** Writes out everything, what can be of it. Returns as `releaseOutput`. */
async function finishOutput({ terminals: { stdout, stderr } }: RunSessions): Promise<string | undefined> {
  const finish = (output: HeldOutput) => writeOut(output, () => output.finish());
  const [first, second] = [await finish(stdout), await finish(stderr)];
  return first ?? second;
}

/** Writes as fast as the other side takes it. What nobody will ever read (a closed pipe) stays held, and is no refusal. */
async function writeOut(output: HeldOutput, step: () => ReturnType<HeldOutput["finish"]>): Promise<string | undefined> {
  for (;;) {
    const written = step();
    if (written.ok || written.reason === "pipe") return undefined;
    if (written.reason !== "again") {
      return `held output (${output.heldBytes} bytes) could not be written: ${written.reason}`;
    }
    await new Promise((resolve) => setTimeout(resolve, OUTPUT_RETRY_MS));
  }
}

function toFaultData(thrown: unknown): FaultData {
  if (thrown instanceof Fault) return { code: thrown.code, message: thrown.message, detail: { fault: thrown.name } };
  const compile = thrown instanceof WebAssembly.CompileError;
  return {
    code: compile ? "invalid" : "internal",
    message: compile ? messageOf(thrown) : String((thrown as Error).stack ?? thrown),
  };
}
