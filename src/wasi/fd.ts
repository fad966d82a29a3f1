// Descriptors themselves: status, flags, rights, times, sizes, closing, renumbering, and the given directories.

import type { HostFunction } from "../abi/index.ts";
import type { NodeHandle } from "../session/index.ts";
import type { WasiContext } from "./context.ts";
import { type Descriptor, readTarget, type Target } from "./descriptors.ts";
import { fail, unwrap } from "./fault.ts";
import { type Guest, instant } from "./function.ts";
import { FDFLAGS_ALL, requireFlags, SIZE, timesToSet, writeFilestat } from "./layout.ts";
import type { GuestMemory } from "./memory.ts";
import { readerOf } from "./plain-data.ts";
import { RIGHT } from "./rights.ts";
import { filetypeOf } from "./streams.ts";

const ADVICE_LAST = 5;
const ENCODER = new TextEncoder();

export function fd(wasi: WasiContext): Record<string, HostFunction> {
  return { ...table(wasi), ...status(wasi), ...storage(wasi), ...preopens(wasi) };
}

function table(wasi: WasiContext): Record<string, HostFunction> {
  return {
    fd_close: instant(["u32"], (guest, number) => close(wasi, guest, () => wasi.descriptors.take(number))),
    fd_renumber: instant(["u32", "u32"], (guest, from, to) =>
      close(wasi, guest, () => wasi.descriptors.renumber(from, to)),
    ),
    fd_fdstat_set_flags: instant(["u32", "u16"], (_, number, flags) => {
      const descriptor = wasi.descriptors.get(number, RIGHT.fdFdstatSetFlags);
      descriptor.flags = requireFlags(flags, FDFLAGS_ALL);
    }),
    fd_fdstat_set_rights: instant(["u32", "u64", "u64"], (_, number, rights, inheriting) => {
      const descriptor = wasi.descriptors.get(number);
      if (rights & ~descriptor.rights || inheriting & ~descriptor.inheriting) fail("notcapable");
      descriptor.rights = rights;
      descriptor.inheriting = inheriting;
    }),
  };
}

/** Closes what has lost its number; whoever serves it may let the call wait, whose progress it is meanwhile. */
function close(wasi: WasiContext, { call }: Guest, take: () => Target | undefined): void {
  const target = call.progress === undefined ? take() : readTarget(readerOf(call.progress, "progress"));
  if (!target) return;
  call.note?.({ ...target });
  wasi.descriptors.close(target);
}

function status(wasi: WasiContext): Record<string, HostFunction> {
  return {
    fd_fdstat_get: instant(["u32", "u32"], ({ memory }, number, result) => {
      const descriptor = wasi.descriptors.get(number);
      memory.zero(result, SIZE.fdstat);
      memory.setU8(result, filetypeOf(wasi.sessions, descriptor.target));
      memory.setU16(result + 2, descriptor.flags);
      memory.setU64(result + 8, descriptor.rights);
      memory.setU64(result + 16, descriptor.inheriting);
    }),
    fd_filestat_get: instant(["u32", "u32"], ({ memory }, number, result) => {
      const { target } = wasi.descriptors.get(number, RIGHT.fdFilestatGet);
      if (target.kind === "directory" || target.kind === "file") {
        memory.require(result, SIZE.filestat);
        writeFilestat(memory, result, unwrap(wasi.sessions.files.status(target.node)));
      } else {
        memory.zero(result, SIZE.filestat);
        memory.setU8(result + 16, filetypeOf(wasi.sessions, target));
      }
    }),
    fd_filestat_set_times: instant(["u32", "u64", "u64", "u16"], (_, number, accessedNs, modifiedNs, flags) => {
      const node = nodeOf(wasi.descriptors.get(number, RIGHT.fdFilestatSetTimes));
      const nowNs = () => wasi.sessions.clock.realtimeNs();
      const times = timesToSet(flags, { accessedNs, modifiedNs, nowNs });
      unwrap(wasi.sessions.files.setTimes(node, times.accessedNs, times.modifiedNs));
    }),
    fd_filestat_set_size: instant(["u32", "u64"], (_, number, size) => {
      const node = fileOf(wasi.descriptors.get(number), () => wasi.descriptors.get(number, RIGHT.fdFilestatSetSize));
      if (size >> 63n) fail("inval");
      unwrap(wasi.sessions.files.setSize(node, size));
    }),
  };
}

function storage(wasi: WasiContext): Record<string, HostFunction> {
  const sync = (number: number, right: bigint, dataOnly: boolean) =>
    unwrap(wasi.sessions.files.sync(nodeOf(wasi.descriptors.get(number, right)), dataOnly));
  return {
    fd_sync: instant(["u32"], (_, number) => sync(number, RIGHT.fdSync, false)),
    fd_datasync: instant(["u32"], (_, number) => sync(number, RIGHT.fdDatasync, true)),
    fd_advise: instant(["u32", "u64", "u64", "u8"], (_, number, offset, length, advice) => {
      fileOf(wasi.descriptors.get(number), () => wasi.descriptors.get(number, RIGHT.fdAdvise));
      if (advice > ADVICE_LAST || offset >> 63n || length >> 63n) fail("inval");
    }),
    fd_allocate: instant(["u32", "u64", "u64"], (_, number, offset, length) => {
      const node = fileOf(wasi.descriptors.get(number), () => wasi.descriptors.get(number, RIGHT.fdAllocate));
      const end = offset + length;
      if (length === 0n) fail("inval");
      if (end >> 63n) fail("fbig");
      if (unwrap(wasi.sessions.files.status(node)).sizeBytes < end) unwrap(wasi.sessions.files.setSize(node, end));
    }),
  };
}

function preopens(wasi: WasiContext): Record<string, HostFunction> {
  const nameOf = (number: number) => {
    const descriptor = wasi.descriptors.get(number);
    return descriptor.preopened ? ENCODER.encode(descriptor.path) : fail("badf");
  };
  return {
    fd_prestat_get: instant(["u32", "u32"], ({ memory }, number, result) => {
      const name = nameOf(number);
      memory.zero(result, SIZE.prestat);
      memory.setU32(result + 4, name.length);
    }),
    fd_prestat_dir_name: instant(["u32", "u32", "u32"], ({ memory }, number, pointer, length) => {
      const name = nameOf(number);
      if (length < name.length) fail("nametoolong");
      setName(memory, pointer, length, name);
    }),
  };
}

function setName(memory: GuestMemory, pointer: number, length: number, name: Uint8Array): void {
  memory.require(pointer, length);
  memory.set(pointer, name);
}

/** The node of a file or directory; streams are "inval", as fsync has it. */
function nodeOf({ target }: Descriptor): NodeHandle {
  return target.kind === "file" || target.kind === "directory" ? target.node : fail("inval");
}

/** The node of a file: directories are "isdir", streams "spipe"; then the rights are checked. */
function fileOf({ target }: Descriptor, requireRights: () => void): NodeHandle {
  if (target.kind === "directory") return fail("isdir");
  if (target.kind !== "file") return fail("spipe");
  requireRights();
  return target.node;
}
