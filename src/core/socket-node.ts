// Socket session under Node, for the worker thread that runs a program: it talks to the socket host of the main thread
// (socket-host-node.ts) through a message port that it reads without an event loop.
//
// Messages instead of shared rings: connections come and go, and a port can be read synchronously under Node, so the
// session needs no slots, no limits on their number and no second kind of wake.

import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type {
  Errno,
  Listener,
  Readiness,
  ReceiveOptions,
  SessionState,
  ShutdownHow,
  SocketHandle,
  SocketSession,
} from "../session/index.ts";
import { type Attempt, Fault, refusal, StateReader, success } from "../util/index.ts";
import { type HostMessage, type ProgramMessage, WINDOW_BYTES } from "./socket-protocol.ts";
import { InputBuffer } from "./terminal-state.ts";

/** Listening sockets have the handles below, by their place in the list; a restore may bring more of them. */
const FIRST_CONNECTION = 65_536;

/** Captured sockets could not be read back. */
export class SocketFault extends Fault<"malformed"> {}

/** An accepted connection, or one that waits to be accepted. */
interface Connection {
  readonly id: number;
  readonly input: InputBuffer;
  /** Bytes that may be sent now. */
  window: number;
  /** The peer has ended, or this side has shut down receiving. */
  ended: boolean;
  broken: boolean;
  sendClosed: boolean;
}

interface Listening {
  readonly index: number;
  /** Ids of connections that wait. */
  readonly waiting: number[];
}

export interface NodeSocketsOptions {
  /** The program's end of the port that `SocketHost.attach` gave. */
  readonly port: MessagePort;
  /** Addresses of the host's listening sockets, in its order. */
  readonly addresses: readonly string[];
  readonly state?: SessionState;
}

export class NodeSockets implements SocketSession {
  readonly listeners: readonly Listener[];
  readonly #port: MessagePort;
  readonly #listening = new Map<SocketHandle, Listening>();
  readonly #connections = new Map<SocketHandle, Connection>();
  /** Connections of an earlier life. */
  readonly #lost: Set<SocketHandle>;
  readonly #byId = new Map<number, Connection>();
  #next: SocketHandle;

  constructor({ port, addresses, state }: NodeSocketsOptions) {
    this.#port = port;
    this.listeners = addresses.map((address, index) => ({ handle: index, address }));
    for (const { handle } of this.listeners) this.#listening.set(handle, { index: handle, waiting: [] });
    const { next, open } = state === undefined ? { next: FIRST_CONNECTION, open: [] } : readState(state);
    this.#next = next;
    this.#lost = new Set(open);
  }

  accept(listener: SocketHandle): Attempt<SocketHandle, Errno> {
    this.#receiveMessages();
    const listening = this.#listening.get(listener);
    if (!listening) return refusal("inval");
    const id = listening.waiting.shift();
    if (id === undefined) return refusal("again");
    const handle = this.#next++;
    this.#connections.set(handle, this.#byId.get(id)!);
    return success(handle);
  }

  receive(handle: SocketHandle, target: Uint8Array, { peek }: ReceiveOptions): Attempt<number, Errno> {
    this.#receiveMessages();
    if (this.#lost.has(handle)) return refusal("connreset");
    const connection = this.#connections.get(handle);
    if (!connection) return refusal("notconn");
    if (target.length === 0) return success(0);
    const bytes = peek ? connection.input.peek(target) : connection.input.take(target);
    if (bytes > 0 && !peek) this.#send({ type: "consumed", id: connection.id, bytes });
    if (bytes > 0) return success(bytes);
    if (connection.broken) return refusal("connreset");
    return connection.ended ? success(0) : refusal("again");
  }

  send(handle: SocketHandle, source: Uint8Array): Attempt<number, Errno> {
    this.#receiveMessages();
    if (this.#lost.has(handle)) return refusal("pipe");
    const connection = this.#connections.get(handle);
    if (!connection) return refusal("notconn");
    if (connection.broken || connection.sendClosed) return refusal("pipe");
    if (source.length === 0) return success(0);
    const bytes = source.slice(0, connection.window);
    if (bytes.length === 0) return refusal("again");
    connection.window -= bytes.length;
    this.#send({ type: "send", id: connection.id, bytes });
    return success(bytes.length);
  }

  shutdown(handle: SocketHandle, how: ShutdownHow): Attempt<void, Errno> {
    const connection = this.#connections.get(handle);
    if (!connection) return refusal("notconn");
    if (how !== "send") connection.ended = true;
    if (how !== "receive" && !connection.sendClosed) {
      connection.sendClosed = true;
      this.#send({ type: "shutdown", id: connection.id });
    }
    return success(undefined);
  }

  close(handle: SocketHandle): Attempt<void, Errno> {
    const listening = this.#listening.get(handle);
    const connection = this.#connections.get(handle);
    if (listening) this.#send({ type: "close-listener", listener: listening.index });
    if (connection) {
      this.#send({ type: "close", id: connection.id });
      this.#byId.delete(connection.id);
    }
    const known = [this.#listening, this.#connections, this.#lost].some((sockets) => sockets.delete(handle));
    return known ? success(undefined) : refusal("badf");
  }

  readiness(handle: SocketHandle): Readiness {
    this.#receiveMessages();
    const waiting = this.#listening.get(handle)?.waiting.length;
    if (waiting !== undefined) {
      return { readable: waiting > 0, readableBytes: waiting, writable: false, hangup: false };
    }
    const connection = this.#connections.get(handle);
    if (!connection) return { readable: true, readableBytes: 0, writable: true, hangup: true };
    const { input, ended, broken, sendClosed, window } = connection;
    return {
      readable: input.length > 0 || ended || broken,
      readableBytes: input.length,
      writable: window > 0 || broken || sendClosed,
      hangup: ended || broken,
    };
  }

  capture(): SessionState {
    return { next: this.#next, open: [...this.#connections.keys(), ...this.#lost] };
  }

  #send(message: ProgramMessage): void {
    this.#port.postMessage(message);
  }

  #receiveMessages(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { readonly message: HostMessage } | undefined;
      if (!received) return;
      this.#take(received.message);
    }
  }

  #take(message: HostMessage): void {
    if (message.type === "connection") {
      const { id, listener } = message;
      this.#byId.set(id, newConnection(id));
      this.#listening.get(listener)?.waiting.push(id);
      return;
    }
    const connection = this.#byId.get(message.id);
    if (!connection) return; // closed meanwhile
    if (message.type === "drained") connection.window += message.bytes;
    else if (message.type === "end") connection.ended = true;
    else if (message.type === "broken") connection.broken = true;
    else if (!connection.ended) connection.input.push(message.bytes);
    // Shut down for receiving: what comes is nobody's.
    else this.#send({ type: "consumed", id: connection.id, bytes: message.bytes.length });
  }
}

function newConnection(id: number): Connection {
  const input = new InputBuffer();
  return { id, input, window: WINDOW_BYTES, ended: false, broken: false, sendClosed: false };
}

function readState(state: SessionState): { readonly next: number; readonly open: readonly number[] } {
  const reader = new StateReader(state, "sockets", (message) => new SocketFault("malformed", message));
  const next = reader.only("next", "open").field("next").count();
  const open = reader
    .field("open")
    .items()
    .map((handle) => handle.count(next));
  return next >= FIRST_CONNECTION ? { next, open } : reader.field("next").malformed(`at least ${FIRST_CONNECTION}`);
}
