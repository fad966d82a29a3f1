// The main thread's side of a program's sockets: owns the listening sockets and the connections, and passes bytes on to
// the session in the program's thread (socket-node.ts). Nothing is accepted that the program does not take: connections
// wait, paused, until it does.

import type { AddressInfo, Server, Socket } from "node:net";
import { finished } from "node:stream/promises";
import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { BACKLOG, type HostMessage, type ProgramMessage, WINDOW_BYTES } from "./socket-protocol.ts";

/** How long peers have, at the program's end, to take what it sent them. */
const LINGER_MS = 30_000;

interface Link {
  readonly socket: Socket;
  /** Received bytes that the program has not read. */
  unread: number;
}

/**
 * Passes connections of listening `servers` on to a program. The servers stay the caller's to close; they must have
 * been created with `{ allowHalfOpen: true, pauseOnConnect: true }`.
 */
export class SocketHost {
  readonly #servers: readonly Server[];
  readonly #wake: () => void;
  /** Until the connection is closed on both sides. */
  readonly #links = new Map<number, Link>();
  #port: MessagePort | undefined;
  #next = 1;

  /** @param wake called after every message to the program: wakes its waits (`Machine`) */
  constructor(servers: readonly Server[], wake: () => void) {
    this.#servers = servers;
    this.#wake = wake;
    for (const [listener, server] of servers.entries()) {
      server.maxConnections = BACKLOG * 16;
      server.on("connection", (socket) => this.#connected(listener, socket));
    }
  }

  /** Where the servers listen, in their order. */
  get addresses(): readonly string[] {
    return this.#servers.map((server) => {
      const address = server.address() as AddressInfo | string | null;
      return address === null || typeof address === "string" ? String(address) : `${address.address}:${address.port}`;
    });
  }

  /**
   * The program's end of a new port; give it to the thread that runs the program. Connections of an earlier program
   * are cut: its successor sees them as broken.
   */
  attach(): MessagePort {
    this.detach();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on("message", (message: ProgramMessage) => this.#take(message));
    port1.unref();
    return port2;
  }

  /**
   * The program has ended by itself, and its thread has sent its last message: what it sent to its peers goes out, as it
   * does where a system closes the connections of a process that is gone. Resolves when the system has all of it, or
   * connections were cut: by their peers, by `detach`, or by the end of `LINGER_MS` for peers that take nothing.
   */
  async finish(): Promise<void> {
    // The thread's end may be heard of before its last messages.
    for (let last = this.#receive(); last; last = this.#receive()) this.#take(last);
    this.#forget();
    const sockets = [...this.#links.values()].map(({ socket }) => socket);
    const late = setTimeout(() => this.#cut(), LINGER_MS);
    await Promise.all(sockets.map((socket) => finished(socket.end(), { readable: false }).catch(() => {})));
    clearTimeout(late);
    for (const socket of sockets) socket.destroy();
    this.#links.clear();
  }

  /** Cuts every connection and forgets the program. */
  detach(): void {
    this.#cut();
    this.#forget();
  }

  #cut(): void {
    for (const { socket } of this.#links.values()) socket.resetAndDestroy();
    this.#links.clear();
  }

  #forget(): void {
    this.#port?.close();
    this.#port = undefined;
  }

  #receive(): ProgramMessage | undefined {
    return this.#port && (receiveMessageOnPort(this.#port) as { message: ProgramMessage } | undefined)?.message;
  }

  #connected(listener: number, socket: Socket): void {
    if (!this.#port) {
      socket.resetAndDestroy();
      return;
    }
    const id = this.#next++;
    const link: Link = { socket, unread: 0 };
    this.#links.set(id, link);
    this.#tell({ type: "connection", listener, id });
    socket.on("data", (bytes: Uint8Array) => {
      link.unread += bytes.length;
      if (link.unread >= WINDOW_BYTES) socket.pause();
      // A copy: Node's chunks may be slices of a pool.
      this.#tell({ type: "data", id, bytes: new Uint8Array(bytes) });
    });
    socket.on("end", () => this.#tell({ type: "end", id }));
    socket.on("error", () => this.#tell({ type: "broken", id }));
    socket.on("close", () => this.#links.delete(id));
    socket.resume();
  }

  #take(message: ProgramMessage): void {
    if (message.type === "close-listener") {
      this.#servers[message.listener]?.close();
      return;
    }
    const { id } = message;
    const link = this.#links.get(id);
    if (!link) return; // gone meanwhile, which the program was told
    const { socket } = link;
    if (message.type === "send") {
      const { bytes } = message;
      socket.write(bytes, (error) => {
        if (!error) this.#tell({ type: "drained", id, bytes: bytes.length });
      });
    } else if (message.type === "consumed") {
      link.unread -= message.bytes;
      if (link.unread < WINDOW_BYTES) socket.resume();
    } else if (message.type === "shutdown") {
      socket.end();
    } else {
      this.#closed(link);
    }
  }

  /** What was sent still goes out; what the peer sends from now on is for nobody. */
  #closed({ socket }: Link): void {
    socket.removeAllListeners("data").removeAllListeners("end").resume();
    socket.end();
    socket.once("end", () => socket.destroy());
  }

  #tell(message: HostMessage): void {
    this.#port?.postMessage(message);
    this.#wake();
  }
}
