// The CPU of a run in a browser: a dedicated module worker's file. Its first message is the WebCpuData.
//
// It and everything it imports is loaded as it is built, without an import map: workers have none, so nothing here may
// reach a package (test/portable.test.ts).

import { RequestQueue, runCpu } from "./cpu.ts";
import type { Report, Request, WebCpuData } from "./protocol.ts";
import { openWebSessions } from "./sessions-web.ts";

/** The part of a worker's global object that is used here; the DOM's types have the page's only. */
interface WorkerScope {
  postMessage(message: Report, transfer?: ArrayBuffer[]): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;
const requests = new RequestQueue();

scope.onmessage = ({ data: first }) => {
  const data = first as WebCpuData;
  const post = (report: Report, transfer?: ArrayBuffer[]) => scope.postMessage(report, transfer ?? []);
  scope.onmessage = ({ data: request }) => requests.push(request as Request);
  const openSessions = () => openWebSessions(data, (stream, bytes) => post({ type: "output", stream, bytes }));
  void runCpu({ load: data, requests, post, openSessions }).then(() => scope.close());
};
