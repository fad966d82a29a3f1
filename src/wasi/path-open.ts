// path_open: from rights and flags to an open node, and what the new descriptor may do.

import type { HostFunction } from "../abi/index.ts";
import type { NodeHandle, NodeKind, OpenOptions } from "../session/index.ts";
import type { WasiContext } from "./context.ts";
import { type Descriptor, newDescriptor } from "./descriptors.ts";
import { fail, unwrap } from "./fault.ts";
import { instant } from "./function.ts";
import { FDFLAG, FDFLAGS_ALL, followsLinks, OFLAG, OFLAGS_ALL, requireFlags } from "./layout.ts";
import { PATH_LIMIT_BYTES } from "./limits.ts";
import { DEVICE_RIGHTS, DIRECTORY_RIGHTS, FILE_RIGHTS, INHERITABLE_RIGHTS, RIGHT } from "./rights.ts";

/** What the program asks for, decoded. */
interface Request {
  readonly path: string;
  readonly follow: boolean;
  /** Bits of OFLAG. */
  readonly open: number;
  readonly rights: bigint;
  readonly inheriting: bigint;
  /** Bits of FDFLAG. */
  readonly flags: number;
}

export function pathOpen(wasi: WasiContext): HostFunction {
  return instant(
    ["u32", "u32", "u32", "u32", "u16", "u64", "u64", "u16", "u32"],
    ({ memory }, fd, lookup, pointer, length, open, rights, inheriting, flags, result) => {
      memory.require(result, 4);
      const directory = wasi.descriptors.get(fd);
      if (directory.target.kind !== "directory") fail("notdir");
      const request: Request = {
        path: memory.path(pointer, length),
        follow: followsLinks(lookup),
        open: requireFlags(open, OFLAGS_ALL),
        // Bits that no node can have are dropped, as are (in `finish`) those that the node found cannot have.
        rights: rights & INHERITABLE_RIGHTS,
        inheriting: inheriting & INHERITABLE_RIGHTS,
        flags: requireFlags(flags, FDFLAGS_ALL),
      };
      requireRights(wasi, fd, directory, request);
      wasi.descriptors.requireRoom();
      const { node } = directory.target as { readonly node: NodeHandle };
      const opened = unwrap(wasi.sessions.files.open(node, request.path, optionsOf(request)));
      memory.setU32(result, wasi.descriptors.add(finish(wasi, directory, request, opened)));
    },
  );
}

function requireRights(wasi: WasiContext, fd: number, directory: Descriptor, request: Request): void {
  let needed: bigint = RIGHT.pathOpen;
  if (request.open & OFLAG.create) needed |= RIGHT.pathCreateFile;
  if (request.open & OFLAG.truncate) needed |= RIGHT.pathFilestatSetSize;
  wasi.descriptors.get(fd, needed);
  if ((request.rights | request.inheriting) & ~directory.inheriting) fail("notcapable");
}

/** A descriptor without the rights to read and write is still opened for reading: nothing else opens a file. */
function optionsOf({ open, rights, follow, flags }: Request): OpenOptions {
  const create = (open & OFLAG.create) !== 0;
  const directory = (open & OFLAG.directory) !== 0;
  const truncate = (open & OFLAG.truncate) !== 0;
  if (directory && create) fail("inval");
  const write = truncate || (rights & RIGHT.fdWrite) !== 0n;
  const exclusive = (open & OFLAG.exclusive) !== 0;
  const append = (flags & FDFLAG.append) !== 0;
  const read = !write || (rights & RIGHT.fdRead) !== 0n;
  return { create, exclusive, truncate, directory, follow, read, write, append };
}

/** The new descriptor; the node is closed again when there can be none. */
function finish(wasi: WasiContext, parent: Descriptor, request: Request, node: NodeHandle): Descriptor {
  const { files } = wasi.sessions;
  const status = files.status(node);
  const kind = status.ok ? status.value.kind : "unknown";
  const asksToWrite = (request.rights & RIGHT.fdWrite) !== 0n;
  if (!status.ok || (kind === "directory" && asksToWrite)) {
    files.close(node);
    return fail(status.ok ? "isdir" : status.reason);
  }
  return newDescriptor({
    target: kind === "directory" ? { kind, node } : { kind: "file", node, nodeKind: kind },
    path: `${parent.path.replace(/\/$/, "")}/${request.path}`.slice(-PATH_LIMIT_BYTES),
    rights: request.rights & rightsOf(kind),
    inheriting: kind === "directory" ? request.inheriting : 0n,
    flags: request.flags,
  });
}

function rightsOf(kind: NodeKind): bigint {
  if (kind === "directory") return DIRECTORY_RIGHTS;
  return kind === "regular-file" ? FILE_RIGHTS : DEVICE_RIGHTS;
}
