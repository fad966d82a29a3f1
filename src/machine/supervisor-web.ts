// The supervisor of one WASI run in a browser: its CPU is a dedicated worker, its output goes to a function of the
// page. The page must be cross-origin isolated, for shared memory: served with `Cross-Origin-Opener-Policy:
// same-origin` and `Cross-Origin-Embedder-Policy: require-corp`.

import { ByteRing } from "../core/index.ts";
import { messageOf } from "../util/index.ts";
import { MachineFault } from "./faults.ts";
import type { ProgramSpec, Report, Resumption, WebCpuData } from "./protocol.ts";
import { type CpuEvents, type CpuLink, RunSupervisor } from "./supervisor.ts";

export interface WebSupervisorOptions {
  readonly module: Uint8Array;
  /** SHA-256 of the module, hexadecimal. */
  readonly hash: string;
  readonly spec: ProgramSpec;
  /** Standard input; it is read as the program asks for it. Absent: empty. */
  readonly stdin?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Takes what the program writes to standard output (1) and standard error (2), in order. */
  readonly output: (stream: 1 | 2, bytes: Uint8Array) => void;
  readonly resumption?: Resumption;
  /** Starts the CPU's worker, one that calls `serveWebCpu`; default: rtcr's own, which has no disk. */
  readonly startWorker?: () => Worker;
  /** Enter loops anew after a start or a thaw (default: true). */
  readonly reEnter?: boolean;
}

export class WebSupervisor extends RunSupervisor {
  /**
   * Starts a run, or takes up a captured one.
   *
   * @throws CpuFault with the code of whatever refused it, MachineFault "not-isolated"; nothing runs then
   */
  static async start(options: WebSupervisorOptions): Promise<WebSupervisor> {
    requireIsolation();
    const supervisor = new WebSupervisor((events) => startCpu(options, events), { onOutput: options.output });
    return supervisor.started(options.reEnter !== false);
  }
}

function requireIsolation(): void {
  if (crossOriginIsolated) return;
  throw new MachineFault(
    "not-isolated",
    "the page is not cross-origin isolated, expected for shared memory; serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
  );
}

function startOwnWorker(): Worker {
  return new Worker(new URL("./cpu-web.js", import.meta.url), { type: "module", name: "rtcr CPU" });
}

function startCpu(options: WebSupervisorOptions, events: CpuEvents): CpuLink {
  const { module, hash, spec, resumption, stdin = [], startWorker = startOwnWorker } = options;
  const ring = ByteRing.create();
  const worker = startWorker();
  let stopped = false;
  worker.onmessage = ({ data }: { readonly data: Report }) => events.report(data);
  worker.onerror = ({ message }) => events.lost(new MachineFault("ended", message || "the CPU could not be loaded"));
  const data: WebCpuData = { module, hash, spec, input: ring.shared, resumption };
  worker.postMessage(data);
  feed(stdin, ring, events, () => stopped).catch((thrown) => {
    worker.terminate();
    events.lost(new MachineFault("ended", `its standard input failed: ${messageOf(thrown)}`));
  });
  return {
    post: (request) => worker.postMessage(request),
    terminate: () => {
      worker.terminate();
      return undefined;
    },
    stop: () => {
      stopped = true;
    },
  };
}

async function feed(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ring: ByteRing,
  events: CpuEvents,
  stopped: () => boolean,
): Promise<void> {
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length && !stopped(); ) {
      at += ring.write(chunk.subarray(at));
      events.wake();
      await ring.room(stopped);
    }
    if (stopped()) return;
  }
  ring.end();
  events.wake();
}
