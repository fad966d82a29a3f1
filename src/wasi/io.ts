// Bytes in and out of descriptors: fd_read, fd_write, fd_pread, fd_pwrite, fd_seek, fd_tell.

import type { HostFunction } from "../abi/index.ts";
import type { Errno, NodeHandle } from "../session/index.ts";
import { type Attempt, success } from "../util/index.ts";
import type { WasiContext } from "./context.ts";
import type { Descriptor } from "./descriptors.ts";
import { fail, unwrap } from "./fault.ts";
import { type Guest, instant, restartable } from "./function.ts";
import { FDFLAG } from "./layout.ts";
import type { GuestBuffer } from "./memory.ts";
import { RIGHT } from "./rights.ts";
import { streamOf } from "./streams.ts";
import { transfer } from "./transfer.ts";

/** The greatest file position. */
const OFFSET_LIMIT = (1n << 63n) - 1n;

export function io(wasi: WasiContext): Record<string, HostFunction> {
  return {
    fd_read: restartable(["u32", "u32", "u32", "u32"], (guest, fd, iovs, count, result) => {
      const descriptor = usable(wasi, fd, RIGHT.fdRead);
      const buffers = guest.memory.buffers(iovs, count);
      guest.memory.require(result, 4);
      guest.memory.setU32(result, read(wasi, guest, descriptor, buffers));
    }),
    fd_write: restartable(["u32", "u32", "u32", "u32"], (guest, fd, iovs, count, result) => {
      const descriptor = usable(wasi, fd, RIGHT.fdWrite);
      const buffers = guest.memory.buffers(iovs, count);
      guest.memory.require(result, 4);
      guest.memory.setU32(result, write(wasi, guest, descriptor, buffers));
    }),
    fd_pread: restartable(["u32", "u32", "u32", "u64", "u32"], (guest, fd, iovs, count, offset, result) => {
      const node = nodeAt(usable(wasi, fd, RIGHT.fdRead), offset);
      const buffers = guest.memory.buffers(iovs, count);
      guest.memory.require(result, 4);
      const { files } = wasi.sessions;
      const step = (piece: Uint8Array, moved: number) => files.read(node, piece, offset + BigInt(moved));
      guest.memory.setU32(result, transfer(guest, buffers, { direction: "in", step, pieceBytes: files.pieceBytes }));
    }),
    fd_pwrite: restartable(["u32", "u32", "u32", "u64", "u32"], (guest, fd, iovs, count, offset, result) => {
      const descriptor = usable(wasi, fd, RIGHT.fdWrite);
      nodeAt(descriptor, offset);
      const buffers = guest.memory.buffers(iovs, count);
      guest.memory.require(result, 4);
      const step = (piece: Uint8Array, moved: number) => {
        const written = writeNode(wasi, descriptor, piece, offset + BigInt(moved));
        return written.ok ? success(written.value.bytes) : written;
      };
      const { pieceBytes } = wasi.sessions.files;
      guest.memory.setU32(result, transfer(guest, buffers, { direction: "out", step, pieceBytes }));
    }),
    fd_seek: instant(["u32", "s64", "u8", "u32"], (guest, fd, delta, whence, result) => {
      const descriptor = seekable(wasi, fd, delta === 0n && whence === 1 ? RIGHT.fdTell : RIGHT.fdSeek);
      guest.memory.require(result, 8);
      const origin = [() => 0n, () => descriptor.offset, () => sizeOf(wasi, descriptor)][whence] ?? fail("inval");
      const offset = origin() + delta;
      if (offset < 0n) fail("inval");
      if (offset > OFFSET_LIMIT) fail("overflow");
      descriptor.offset = offset;
      guest.memory.setU64(result, offset);
    }),
    fd_tell: instant(["u32", "u32"], (guest, fd, result) => {
      guest.memory.setU64(result, seekable(wasi, fd, RIGHT.fdTell).offset);
    }),
  };
}

/** The descriptor if it has bytes and the right; directories are "isdir". */
function usable(wasi: WasiContext, fd: number, right: bigint): Descriptor {
  const descriptor = wasi.descriptors.get(fd);
  if (descriptor.target.kind === "directory") fail("isdir");
  return wasi.descriptors.get(fd, right);
}

/** The descriptor if it has a position and the right; the right to seek includes the right to tell. */
function seekable(wasi: WasiContext, fd: number, right: bigint): Descriptor {
  const descriptor = wasi.descriptors.get(fd);
  if (descriptor.target.kind === "directory") fail("isdir");
  if (descriptor.target.kind !== "file") fail("spipe");
  const implied = right === RIGHT.fdTell && descriptor.rights & RIGHT.fdSeek;
  return implied ? descriptor : wasi.descriptors.get(fd, right);
}

/** The node behind a descriptor that is read or written at an offset: needs the right to seek as well. */
function nodeAt(descriptor: Descriptor, offset: bigint): NodeHandle {
  if (descriptor.target.kind !== "file") return fail("spipe");
  if ((descriptor.rights & RIGHT.fdSeek) === 0n) fail("notcapable");
  if (offset > OFFSET_LIMIT) fail("inval");
  return descriptor.target.node;
}

function sizeOf(wasi: WasiContext, descriptor: Descriptor): bigint {
  const { target } = descriptor;
  return target.kind === "file" ? unwrap(wasi.sessions.files.status(target.node)).sizeBytes : fail("spipe");
}

/** Reads from a descriptor at its position, waiting where there is nothing yet; the number of bytes. */
function read(wasi: WasiContext, guest: Guest, descriptor: Descriptor, buffers: readonly GuestBuffer[]): number {
  const { target } = descriptor;
  if (target.kind !== "file") {
    const { stream, waiting } = streamAt(wasi, descriptor);
    return transfer(guest, buffers, { direction: "in", step: (piece) => stream.read(piece), waiting });
  }
  const step = (piece: Uint8Array) => {
    const result = wasi.sessions.files.read(target.node, piece, descriptor.offset);
    if (result.ok) descriptor.offset += BigInt(result.value);
    return result;
  };
  return transfer(guest, buffers, { direction: "in", step, pieceBytes: wasi.sessions.files.pieceBytes });
}

/** Writes to a descriptor at its position (or the end), waiting until all is taken; the number of bytes. */
function write(wasi: WasiContext, guest: Guest, descriptor: Descriptor, buffers: readonly GuestBuffer[]): number {
  const { target } = descriptor;
  if (target.kind !== "file") {
    const { stream, waiting } = streamAt(wasi, descriptor);
    return transfer(guest, buffers, { direction: "out", step: (piece) => stream.write(piece), waiting });
  }
  const step = (piece: Uint8Array) => {
    const appending = (descriptor.flags & FDFLAG.append) !== 0;
    const result = writeNode(wasi, descriptor, piece, appending ? "end" : descriptor.offset);
    if (!result.ok) return result;
    descriptor.offset = result.value.end;
    return success(result.value.bytes);
  };
  return transfer(guest, buffers, { direction: "out", step, pieceBytes: wasi.sessions.files.pieceBytes });
}

/** Writes to a file, through to the disk when the descriptor's flags say so. */
function writeNode(
  wasi: WasiContext,
  { target, flags }: Descriptor,
  piece: Uint8Array,
  offset: bigint | "end",
): Attempt<{ readonly bytes: number; readonly end: bigint }, Errno> {
  const { files } = wasi.sessions;
  const node = target.kind === "file" ? target.node : fail("badf");
  const result = files.write(node, piece, offset);
  if (!result.ok || (flags & (FDFLAG.sync | FDFLAG.dsync)) === 0) return result;
  const synced = files.sync(node, (flags & FDFLAG.sync) === 0);
  return synced.ok ? result : synced;
}

function streamAt(wasi: WasiContext, descriptor: Descriptor) {
  const stream = streamOf(wasi.sessions, descriptor.target) ?? fail("notconn");
  const nonblocking = (descriptor.flags & FDFLAG.nonblock) !== 0;
  return { stream, waiting: { readiness: () => stream.readiness(), nonblocking } };
}
