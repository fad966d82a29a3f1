// For src/core/standard-streams.test.ts: the main thread of a process over its standard streams and one listening socket. Prints
// the port, then what its worker copies.

import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Worker } from "node:worker_threads";
import { openStandardStreams, SocketHost } from "../../src/core/index-node.ts";

const events = new SharedArrayBuffer(4);
const event = new Int32Array(events);
const wake = () => {
  Atomics.add(event, 0, 1);
  Atomics.notify(event, 0);
};
const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
await once(server, "listening");
const host = new SocketHost([server], wake);
process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
const { streams, stop } = openStandardStreams(wake);
const port = host.attach();
const worker = new Worker(new URL("./streams-worker.ts", import.meta.url), {
  workerData: { streams, events, port, addresses: host.addresses },
  transferList: [port],
});
await once(worker, "exit");
await host.finish();
stop();
server.close();
