// Starts CPUs as worker threads of Node.
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { messageOf } from "../../../util/index.ts";
import type { StartCpu, StartedCpu } from "./protocol.ts";

/** The stack of a CPU, as that of CPU 0 is when systems run by the command line. */
const STACK_MB = 64;

export const startNodeCpu: StartCpu = (setup, lost) => startWithStack(STACK_MB, setup, lost);

/** The same with another stack. */
export function nodeCpuWithStack(stackMb: number): StartCpu {
  return (setup, lost) => startWithStack(stackMb, setup, lost);
}

function startWithStack(stackSizeMb: number, ...[setup, lost]: Parameters<StartCpu>): StartedCpu {
  const { port1, port2 } = new MessageChannel();
  const file = new URL(`./cpu-node${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);
  const worker = new Worker(file, {
    workerData: { setup, port: port2 },
    transferList: [port2],
    resourceLimits: { stackSizeMb },
    name: `rtcr CPU ${setup.number}`,
  });
  worker.unref();
  worker.once("error", (error) => lost(`CPU ${setup.number} has failed: ${messageOf(error)}`));
  worker.once("exit", (code) => lost(`CPU ${setup.number} has ended with ${code}`));
  return {
    post: (message) => port1.postMessage(message),
    receive: () => receiveMessageOnPort(port1)?.message as unknown,
    keepAlive: (alive) => {
      if (alive) worker.ref();
      else worker.unref();
    },
    terminate: () => void worker.terminate(),
  };
}
