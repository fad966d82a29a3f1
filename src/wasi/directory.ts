// fd_readdir. A cookie counts entries of the listing taken when the directory was last read from cookie 0; the listing
// is part of the descriptor's state, so that entries made or removed meanwhile shift nothing, not even over a restore.

import type { HostFunction } from "../abi/index.ts";
import type { DirectoryEntry } from "../session/index.ts";
import type { WasiContext } from "./context.ts";
import { fail, unwrap } from "./fault.ts";
import { instant } from "./function.ts";
import { FILETYPE, SIZE } from "./layout.ts";
import { RIGHT } from "./rights.ts";

const ENCODER = new TextEncoder();

export function directory(wasi: WasiContext): Record<string, HostFunction> {
  return {
    fd_readdir: instant(["u32", "u32", "u32", "u64", "u32"], ({ memory }, fd, buffer, length, cookie, result) => {
      memory.require(result, 4);
      memory.require(buffer, length);
      const listing = listingOf(wasi, fd, cookie === 0n);
      let used = 0;
      for (let at = cookie; at < BigInt(listing.length) && used < length; at++) {
        const bytes = dirent(listing[Number(at)]!, at + 1n);
        const fitting = bytes.subarray(0, length - used);
        memory.set(buffer + used, fitting);
        used += fitting.length;
      }
      memory.setU32(result, used);
    }),
  };
}

/** The listing that cookies of this descriptor count; taken anew when reading begins. */
function listingOf(wasi: WasiContext, fd: number, begin: boolean): readonly DirectoryEntry[] {
  const descriptor = wasi.descriptors.get(fd);
  if (descriptor.target.kind !== "directory") fail("notdir");
  wasi.descriptors.get(fd, RIGHT.fdReaddir);
  if (begin || !descriptor.listing) {
    const { node } = descriptor.target as { node: number };
    const { inode } = unwrap(wasi.sessions.files.status(node));
    const dots = [".", ".."].map((name) => ({ name, kind: "directory", inode }) as const);
    wasi.descriptors.list(descriptor, [...dots, ...unwrap(wasi.sessions.files.entries(node))]);
  }
  return descriptor.listing!;
}

/** One entry as the program reads it: 24 bytes and the name. */
function dirent(entry: DirectoryEntry, next: bigint): Uint8Array {
  const name = ENCODER.encode(entry.name);
  const bytes = new Uint8Array(SIZE.dirent + name.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, next, true);
  view.setBigUint64(8, entry.inode, true);
  view.setUint32(16, name.length, true);
  view.setUint8(20, FILETYPE[entry.kind]);
  bytes.set(name, SIZE.dirent);
  return bytes;
}
