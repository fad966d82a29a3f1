// Socket session: listening sockets that the user gave, and the connections accepted from them. The contract only.
//
// Sockets are named by handles that the session gives out. A session that was created again from a captured state
// has the listening sockets that the user gives it anew; connections of its earlier life are lost: they answer
// receive with "connreset" and send with "pipe" until they are closed.

import type { Attempt } from "../util/index.ts";
import type { Errno } from "./errno.ts";
import type { Stateful } from "./state.ts";
import type { Readiness } from "./stream.ts";

/** A listening socket or a connection; valid until `close`. Handles are small integers and are not reused. */
export type SocketHandle = number;

export interface Listener {
  readonly handle: SocketHandle;
  /** Where it listens, for people: `127.0.0.1:8080`. */
  readonly address: string;
}

export interface ReceiveOptions {
  /** Leave the bytes where they are. */
  readonly peek: boolean;
}

export type ShutdownHow = "receive" | "send" | "both";

export interface SocketSession extends Stateful {
  readonly listeners: readonly Listener[];
  /** Takes one waiting connection; "again" when there is none. */
  accept(listener: SocketHandle): Attempt<SocketHandle, Errno>;
  /** As ByteStream.read; "again", "connreset", and "notconn" for a listener. */
  receive(connection: SocketHandle, target: Uint8Array, options: ReceiveOptions): Attempt<number, Errno>;
  /** As ByteStream.write; "again", "pipe", and "notconn" for a listener. */
  send(connection: SocketHandle, source: Uint8Array): Attempt<number, Errno>;
  shutdown(connection: SocketHandle, how: ShutdownHow): Attempt<void, Errno>;
  close(socket: SocketHandle): Attempt<void, Errno>;
  /** Of a listener: readable when a connection waits, `readableBytes` is then the number of connections. */
  readiness(socket: SocketHandle): Readiness;
}
