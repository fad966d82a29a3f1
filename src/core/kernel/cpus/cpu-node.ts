// The file of a CPU's worker thread under Node.
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { CpuSetup } from "./protocol.ts";
import { runCpu } from "./worker.ts";

const { setup, port } = workerData as { readonly setup: CpuSetup; readonly port: MessagePort };

runCpu(setup, {
  post: (message) => port.postMessage(message),
  receive: () => receiveMessageOnPort(port)?.message as unknown,
});
