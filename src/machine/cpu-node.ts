// A CPU: the worker thread that runs a program, and freezes it when the supervisor asks.
//
//   loading -> running <-> frozen (requests are served) -> ended
//
// Everything a guest does wrong ends in a report; the worker itself never throws.

import { parentPort, workerData } from "node:worker_threads";
import type { HeldOutput } from "../core/index.ts";
import { loadProgram } from "../core/program.ts";
import { Fault, messageOf, required } from "../util/index.ts";
import { reportEnding } from "./ending.ts";
import type { CpuData, FaultData, Report, Request } from "./protocol.ts";
import { openSessions, type RunSessions } from "./sessions-node.ts";
import { WasiProgram } from "./wasi-program.ts";

const port = required(parentPort, "a parent: this file is a worker's");
const data = workerData as CpuData;

/** Between two tries to write to a pipe that is full. */
const OUTPUT_RETRY_MS = 5;

/** Requests that were posted and not served yet. */
const requests: Request[] = [];
let arrived: (() => void) | undefined;
port.on("message", (request: Request) => {
  requests.push(request);
  arrived?.();
});

function post(report: Report): void {
  port.postMessage(report);
}

async function nextRequest(): Promise<Request> {
  if (requests.length === 0) await new Promise<void>((resolve) => (arrived = resolve));
  arrived = undefined;
  return required(requests.shift(), "a request");
}

function load(): { program: WasiProgram; sessions: RunSessions } {
  const loaded = loadProgram(data.module, data.hash);
  const sessions = openSessions(data.spec, data.streams, data.resumption);
  try {
    const program = data.resumption
      ? WasiProgram.restore(loaded, sessions.sessions, data.resumption.state)
      : WasiProgram.begin(loaded, sessions.sessions);
    return { program, sessions };
  } catch (thrown) {
    sessions.dispose();
    throw thrown;
  }
}

async function main(): Promise<void> {
  const { program, sessions } = load();
  const control = program.group.control.memory.buffer as unknown as SharedArrayBuffer;
  post({ type: "ready", control, warnings: sessions.warnings });
  for (;;) {
    const ending = program.run();
    if (ending) {
      await writeOut(sessions, (output) => output.finish());
      sessions.dispose();
      post({ type: "ended", ending: reportEnding(ending, data.module) });
      return;
    }
    program.group.release();
    if (await serve(await nextRequest(), program, sessions)) {
      sessions.dispose();
      return;
    }
  }
}

/** Does what was asked of the frozen program; whether the CPU is to end. */
async function serve(request: Request, program: WasiProgram, sessions: RunSessions): Promise<boolean> {
  const begin = performance.now();
  try {
    switch (request.type) {
      case "capture": {
        const state = program.capture();
        post({ type: "captured", id: request.id, state, pausedMs: performance.now() - begin });
        return request.stop;
      }
      case "release":
        await writeOut(sessions, (output) => output.release());
        post({ type: "done", id: request.id });
        return false;
      case "re-enter":
        post({ type: "done", id: request.id });
        return false;
    }
  } catch (thrown) {
    post({ type: "refused", id: request.id, fault: toFaultData(thrown) });
    return false;
  }
}

/** Writes out held output, as fast as the other side takes it; what can never be written (a closed pipe) is dropped. */
async function writeOut(
  { terminals }: RunSessions,
  step: (output: HeldOutput) => ReturnType<HeldOutput["finish"]>,
): Promise<void> {
  for (const output of [terminals.stdout, terminals.stderr]) {
    for (;;) {
      const written = step(output);
      if (written.ok || written.reason !== "again") break;
      await new Promise((resolve) => setTimeout(resolve, OUTPUT_RETRY_MS));
    }
  }
}

function toFaultData(thrown: unknown): FaultData {
  if (thrown instanceof Fault) return { code: thrown.code, message: thrown.message };
  const compile = thrown instanceof WebAssembly.CompileError;
  return {
    code: compile ? "invalid" : "internal",
    message: compile ? messageOf(thrown) : String((thrown as Error).stack ?? thrown),
  };
}

main().then(
  () => port.close(),
  (thrown) => {
    post({ type: "failed", fault: toFaultData(thrown) });
    port.close();
  },
);
