// Paths under a directory descriptor. What a path means, and that it never leaves the given directories, is the file
// system session's; here are rights, flags and results.

import type { HostFunction } from "../abi/index.ts";
import type { NodeHandle } from "../session/index.ts";
import type { WasiContext } from "./context.ts";
import { fail, unwrap } from "./fault.ts";
import { instant } from "./function.ts";
import { followsLinks, SIZE, timesToSet, writeFilestat } from "./layout.ts";
import { pathOpen } from "./path-open.ts";
import { RIGHT } from "./rights.ts";

const ENCODER = new TextEncoder();

export function path(wasi: WasiContext): Record<string, HostFunction> {
  return { path_open: pathOpen(wasi), ...status(wasi), ...names(wasi), ...links(wasi) };
}

/** The node of a directory descriptor with the right; anything else is "notdir". */
export function directoryAt(wasi: WasiContext, fd: number, right: bigint): NodeHandle {
  const { target } = wasi.descriptors.get(fd);
  if (target.kind !== "directory") return fail("notdir");
  wasi.descriptors.get(fd, right);
  return target.node;
}

function status(wasi: WasiContext): Record<string, HostFunction> {
  return {
    path_filestat_get: instant(
      ["u32", "u32", "u32", "u32", "u32"],
      ({ memory }, fd, flags, pointer, length, result) => {
        const node = directoryAt(wasi, fd, RIGHT.pathFilestatGet);
        memory.require(result, SIZE.filestat);
        const found = unwrap(wasi.sessions.files.statusAt(node, memory.path(pointer, length), followsLinks(flags)));
        writeFilestat(memory, result, found);
      },
    ),
    path_filestat_set_times: instant(
      ["u32", "u32", "u32", "u32", "u64", "u64", "u16"],
      ({ memory }, fd, flags, pointer, length, accessedNs, modifiedNs, fstFlags) => {
        const node = directoryAt(wasi, fd, RIGHT.pathFilestatSetTimes);
        const times = timesToSet(fstFlags, { accessedNs, modifiedNs, nowNs: () => wasi.sessions.clock.realtimeNs() });
        const name = memory.path(pointer, length);
        unwrap(wasi.sessions.files.setTimesAt(node, name, followsLinks(flags), times.accessedNs, times.modifiedNs));
      },
    ),
  };
}

function names(wasi: WasiContext): Record<string, HostFunction> {
  return {
    path_create_directory: instant(["u32", "u32", "u32"], ({ memory }, fd, pointer, length) => {
      const node = directoryAt(wasi, fd, RIGHT.pathCreateDirectory);
      unwrap(wasi.sessions.files.createDirectory(node, memory.path(pointer, length)));
    }),
    path_remove_directory: instant(["u32", "u32", "u32"], ({ memory }, fd, pointer, length) => {
      const node = directoryAt(wasi, fd, RIGHT.pathRemoveDirectory);
      unwrap(wasi.sessions.files.removeDirectory(node, memory.path(pointer, length)));
    }),
    path_unlink_file: instant(["u32", "u32", "u32"], ({ memory }, fd, pointer, length) => {
      const node = directoryAt(wasi, fd, RIGHT.pathUnlinkFile);
      unwrap(wasi.sessions.files.unlink(node, memory.path(pointer, length)));
    }),
    path_rename: instant(
      ["u32", "u32", "u32", "u32", "u32", "u32"],
      ({ memory }, fd, pointer, length, toFd, toPointer, toLength) => {
        const from = directoryAt(wasi, fd, RIGHT.pathRenameSource);
        const to = directoryAt(wasi, toFd, RIGHT.pathRenameTarget);
        unwrap(wasi.sessions.files.rename(from, memory.path(pointer, length), to, memory.path(toPointer, toLength)));
      },
    ),
  };
}

function links(wasi: WasiContext): Record<string, HostFunction> {
  return {
    path_link: instant(
      ["u32", "u32", "u32", "u32", "u32", "u32", "u32"],
      ({ memory }, fd, flags, pointer, length, toFd, toPointer, toLength) => {
        const from = directoryAt(wasi, fd, RIGHT.pathLinkSource);
        const to = directoryAt(wasi, toFd, RIGHT.pathLinkTarget);
        const source = memory.path(pointer, length);
        unwrap(wasi.sessions.files.link(from, source, followsLinks(flags), to, memory.path(toPointer, toLength)));
      },
    ),
    path_symlink: instant(
      ["u32", "u32", "u32", "u32", "u32"],
      ({ memory }, target, targetLength, fd, pointer, length) => {
        const node = directoryAt(wasi, fd, RIGHT.pathSymlink);
        unwrap(wasi.sessions.files.symlink(memory.path(target, targetLength), node, memory.path(pointer, length)));
      },
    ),
    path_readlink: instant(
      ["u32", "u32", "u32", "u32", "u32", "u32"],
      ({ memory }, fd, pointer, length, buffer, bufferLength, result) => {
        const node = directoryAt(wasi, fd, RIGHT.pathReadlink);
        memory.require(result, 4);
        memory.require(buffer, bufferLength);
        const text = ENCODER.encode(unwrap(wasi.sessions.files.readlink(node, memory.path(pointer, length))));
        const fitting = text.subarray(0, bufferLength);
        memory.set(buffer, fitting);
        memory.setU32(result, fitting.length);
      },
    ),
  };
}
