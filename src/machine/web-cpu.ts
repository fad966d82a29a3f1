// The CPU of a run in a browser, for a dedicated worker's file: rtcr's own (cpu-web.ts), or one that adds a disk.

import { loadProgram } from "../core/program.ts";
import { RequestQueue, runCpu } from "./cpu.ts";
import type { Report, Request, WebCpuData } from "./protocol.ts";
import { type MakeDisk, openWebSessions } from "./sessions-web.ts";

export interface WebCpuOptions {
  /** Keeps directories in memory: `() => new Volume()` of memfs, which browsers must have bundled. */
  readonly disk?: MakeDisk;
}

/** The part of a worker's global object that is used here; the DOM's types have the page's only. */
interface WorkerScope {
  postMessage(message: Report): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  close(): void;
}

/** Serves one run: call it once, when the worker begins. The first message from the page is the WebCpuData. */
export function serveWebCpu({ disk }: WebCpuOptions = {}): void {
  const scope = globalThis as unknown as WorkerScope;
  const requests = new RequestQueue();
  scope.onmessage = ({ data: first }) => {
    const data = first as WebCpuData;
    const post = (report: Report) => scope.postMessage(report);
    scope.onmessage = ({ data: request }) => requests.push(request as Request);
    const openSessions = () => openWebSessions(data, (stream, bytes) => post({ type: "output", stream, bytes }), disk);
    void runCpu({ load: data, requests, post, loadProgram, openSessions }).then(() => scope.close());
  };
}
