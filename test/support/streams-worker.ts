// For src/core/standard-streams.test.ts: a thread that never returns to its event loop, as one that runs a program. It copies
// standard input to standard output, then serves one connection: everything received goes back until the peer ends.

import { type MessagePort, workerData } from "node:worker_threads";
import { createStandardStreams, NodeSockets, type StandardStreams } from "../../src/core/index-node.ts";
import type { ByteStream, Errno } from "../../src/session/index.ts";
import type { Attempt } from "../../src/util/index.ts";

interface Given {
  readonly streams: StandardStreams;
  readonly events: SharedArrayBuffer;
  readonly port: MessagePort;
  readonly addresses: readonly string[];
}

/** Nobody wakes a writer of standard output. */
const FULL_RETRY_MS = 2;

const { streams, events, port, addresses } = workerData as Given;
const event = new Int32Array(events);
const terminals = createStandardStreams(streams);
copy(terminals.stdin, terminals.stdout);

const sockets = new NodeSockets({ port, addresses });
const connection = wait(() => sockets.accept(0));
copy(
  {
    read: (target) => sockets.receive(connection, target, { peek: false }),
    write: (source) => sockets.send(connection, source),
  },
  { write: (source) => sockets.send(connection, source) },
);
sockets.close(connection);
terminals.dispose();

function copy(from: Pick<ByteStream, "read" | "write">, to: Pick<ByteStream, "write">): void {
  const buffer = new Uint8Array(1000);
  for (;;) {
    const size = wait(() => from.read(buffer));
    if (size === 0) return;
    for (let at = 0; at < size; ) at += wait(() => to.write(buffer.subarray(at, size)), FULL_RETRY_MS);
  }
}

function wait<T>(attempt: () => Attempt<T, Errno>, againMs = 1_000): T {
  for (;;) {
    const seen = Atomics.load(event, 0);
    const result = attempt();
    if (result.ok) return result.value;
    if (result.reason !== "again") throw new Error(`unexpected refusal ${result.reason}`);
    Atomics.wait(event, 0, seen, againMs);
  }
}
