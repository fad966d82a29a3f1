// Sockets: accepting from the listening sockets that the user gave, and what accepted connections can do beyond
// fd_read and fd_write.

import type { HostFunction } from "../abi/index.ts";
import type { ShutdownHow, SocketHandle, SocketSession } from "../session/index.ts";
import type { WasiContext } from "./context.ts";
import { type Descriptor, newDescriptor } from "./descriptors.ts";
import { fail, unwrap } from "./fault.ts";
import { instant, restartable } from "./function.ts";
import { FDFLAG, requireFlags } from "./layout.ts";
import { CONNECTION_RIGHTS, RIGHT } from "./rights.ts";
import { transfer } from "./transfer.ts";
import { untilReady } from "./wait.ts";

const RECEIVE = { peek: 1, waitAll: 2 } as const;
const SHUTDOWN: readonly (ShutdownHow | undefined)[] = [undefined, "receive", "send", "both"];

export function sock(wasi: WasiContext): Record<string, HostFunction> {
  return { ...connections(wasi), ...bytes(wasi) };
}

function connections(wasi: WasiContext): Record<string, HostFunction> {
  return {
    sock_accept: restartable(["u32", "u16", "u32"], (guest, fd, flags, result) => {
      const { sockets, socket, descriptor } = socketAt(wasi, fd, RIGHT.sockAccept, "listener");
      requireFlags(flags, FDFLAG.nonblock);
      guest.memory.require(result, 4);
      wasi.descriptors.requireRoom();
      const waiting = {
        readiness: () => sockets.readiness(socket),
        nonblocking: nonblocking(descriptor),
        progress: () => undefined,
      };
      const connection = unwrap(untilReady(guest, waiting, () => sockets.accept(socket)));
      const target = { kind: "connection", socket: connection } as const;
      const path = `${descriptor.path}#${connection}`;
      const accepted = newDescriptor({ target, path, rights: CONNECTION_RIGHTS, flags });
      guest.memory.setU32(result, wasi.descriptors.add(accepted));
    }),
    sock_shutdown: instant(["u32", "u8"], (_, fd, how) => {
      const { sockets, socket } = socketAt(wasi, fd, RIGHT.sockShutdown, "connection");
      unwrap(sockets.shutdown(socket, SHUTDOWN[how] ?? fail("inval")));
    }),
  };
}

function bytes(wasi: WasiContext): Record<string, HostFunction> {
  return {
    sock_recv: restartable(
      ["u32", "u32", "u32", "u16", "u32", "u32"],
      (guest, fd, iovs, count, flags, result, resultFlags) => {
        const { sockets, socket, descriptor } = socketAt(wasi, fd, RIGHT.fdRead, "connection");
        requireFlags(flags, RECEIVE.peek | RECEIVE.waitAll);
        const buffers = guest.memory.buffers(iovs, count);
        guest.memory.require(result, 4);
        guest.memory.require(resultFlags, 2);
        const peek = (flags & RECEIVE.peek) !== 0;
        const received = transfer(guest, peek ? buffers.slice(0, 1) : buffers, {
          direction: "in",
          step: (piece) => sockets.receive(socket, piece, { peek }),
          waiting: { readiness: () => sockets.readiness(socket), nonblocking: nonblocking(descriptor) },
          all: (flags & RECEIVE.waitAll) !== 0 && !peek,
        });
        guest.memory.setU32(result, received);
        guest.memory.setU16(resultFlags, 0);
      },
    ),
    sock_send: restartable(["u32", "u32", "u32", "u16", "u32"], (guest, fd, iovs, count, flags, result) => {
      const { sockets, socket, descriptor } = socketAt(wasi, fd, RIGHT.fdWrite, "connection");
      requireFlags(flags, 0);
      const buffers = guest.memory.buffers(iovs, count);
      guest.memory.require(result, 4);
      const sent = transfer(guest, buffers, {
        direction: "out",
        step: (piece) => sockets.send(socket, piece),
        waiting: { readiness: () => sockets.readiness(socket), nonblocking: nonblocking(descriptor) },
      });
      guest.memory.setU32(result, sent);
    }),
  };
}

function nonblocking(descriptor: Descriptor): boolean {
  return (descriptor.flags & FDFLAG.nonblock) !== 0;
}

/** The socket of a descriptor: "notsock" for other kinds, "inval" and "notconn" for the wrong kind of socket. */
function socketAt(
  wasi: WasiContext,
  fd: number,
  right: bigint,
  kind: "listener" | "connection",
): { readonly sockets: SocketSession; readonly socket: SocketHandle; readonly descriptor: Descriptor } {
  const descriptor = wasi.descriptors.get(fd);
  const { target } = descriptor;
  if (target.kind !== "listener" && target.kind !== "connection") return fail("notsock");
  if (target.kind !== kind) return fail(kind === "listener" ? "inval" : "notconn");
  wasi.descriptors.get(fd, right);
  return { sockets: wasi.sessions.sockets ?? fail("badf"), socket: target.socket, descriptor };
}
