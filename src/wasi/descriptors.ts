// The descriptor table: what each number stands for, with its position, rights and flags. All the state that preview1
// has beside its sessions; nodes and sockets themselves belong to the sessions, which give them the same handles again
// after a restore.
//
// I1  A number stands for one descriptor; new ones get the lowest free number, as POSIX has it.
// I2  Rights never grow.

import {
  type DirectoryEntry,
  NODE_KINDS,
  type NodeHandle,
  type NodeKind,
  type ProgramSessions,
  type SocketHandle,
} from "../session/index.ts";
import type { PlainWriter, StateReader } from "../util/index.ts";
import { fail, unwrap, WasiStateFault } from "./fault.ts";
import { DESCRIPTOR_BYTES, DESCRIPTOR_LIMIT, LISTED_BYTES } from "./limits.ts";
import { DIRECTORY_RIGHTS, INHERITABLE_RIGHTS, INPUT_RIGHTS, LISTENER_RIGHTS, OUTPUT_RIGHTS } from "./rights.ts";

const TERMINALS = ["stdin", "stdout", "stderr"] as const;
export type Target =
  | { readonly kind: "terminal"; readonly name: (typeof TERMINALS)[number] }
  | { readonly kind: "directory"; readonly node: NodeHandle }
  | { readonly kind: "file"; readonly node: NodeHandle; readonly nodeKind: NodeKind }
  | { readonly kind: "listener" | "connection"; readonly socket: SocketHandle };

export interface Descriptor {
  readonly target: Target;
  /** Where the program found it, for people: `/data/x`, `stdin`. */
  readonly path: string;
  /** One of the directories given to the program; `path` is then the path that it sees. */
  readonly preopened: boolean;
  /** Position of the next read or write. */
  offset: bigint;
  /** Bits of RIGHT. */
  rights: bigint;
  /** Bits of RIGHT that descriptors opened through this one can have. */
  inheriting: bigint;
  /** Bits of FDFLAG. */
  flags: number;
  /** The entries as they were when the directory was last read from its beginning: what cookies count. */
  listing: readonly DirectoryEntry[] | undefined;
}

/** What differs from a plain descriptor without rights. */
type New = Pick<Descriptor, "target" | "path" | "rights"> & Partial<Descriptor>;

export function newDescriptor(fields: New): Descriptor {
  return { preopened: false, offset: 0n, inheriting: 0n, flags: 0, listing: undefined, ...fields };
}

/** Whether so many bytes may be held for a program's descriptors in all, those aside that it begins with. */
export type HoldDescriptors = (bytes: number) => boolean;

export class Descriptors {
  readonly #sessions: ProgramSessions;
  readonly #hold: HoldDescriptors;
  /** Bytes that are held. */
  #held = 0;
  /** How many descriptors a program begins with. */
  readonly #begun: number;
  #table: (Descriptor | undefined)[] = [];
  /** No number below is free. */
  #lowest = 0;

  /** A table as a program finds it: 0 to 2 the terminals, then the given directories, then the listening sockets. */
  constructor(sessions: ProgramSessions, hold: HoldDescriptors) {
    this.#sessions = sessions;
    this.#hold = () => true;
    for (const name of TERMINALS) {
      const rights = name === "stdin" ? INPUT_RIGHTS : OUTPUT_RIGHTS;
      this.add(newDescriptor({ target: { kind: "terminal", name }, path: name, rights }));
    }
    for (const { guestPath, handle } of sessions.files.roots) {
      const target = { kind: "directory", node: handle } as const;
      const rights = { rights: DIRECTORY_RIGHTS, inheriting: INHERITABLE_RIGHTS };
      this.add(newDescriptor({ target, path: guestPath, preopened: true, ...rights }));
    }
    for (const { handle, address } of sessions.sockets?.listeners ?? []) {
      const target = { kind: "listener", socket: handle } as const;
      this.add(newDescriptor({ target, path: address, rights: LISTENER_RIGHTS }));
    }
    this.#begun = this.#table.length;
    this.#held = 0;
    this.#hold = hold;
  }

  /** The descriptor; errno "badf" without one, "notcapable" when it lacks one of `rights`. */
  get(fd: number, rights = 0n): Descriptor {
    const descriptor = this.#table[fd] ?? fail("badf");
    return (descriptor.rights & rights) === rights ? descriptor : fail("notcapable");
  }

  /** Ends the call with "mfile" or "nomem" when no number or no room is left: asked before an effect that needs one. */
  requireRoom(): void {
    if (this.#nextFree() >= DESCRIPTOR_LIMIT) fail("mfile");
    const room = this.#hold(this.#held + DESCRIPTOR_BYTES);
    this.#hold(this.#held);
    if (!room) fail("nomem");
  }

  /** Gives the descriptor the lowest free number. */
  add(descriptor: Descriptor): number {
    this.requireRoom();
    const fd = this.#nextFree();
    this.#table[fd] = descriptor;
    this.#holdMore(DESCRIPTOR_BYTES);
    return fd;
  }

  /** Keeps the entries of a directory with its descriptor; "nomem" when no room is left for them. */
  list(descriptor: Descriptor, entries: readonly DirectoryEntry[]): void {
    this.#holdMore(listedBytes(entries) - listedBytes(descriptor.listing));
    descriptor.listing = entries;
  }

  /** Ends the call with "nomem", and nothing has changed, if there is no room. Less is always held. */
  #holdMore(bytes: number): void {
    if (!this.#hold(this.#held + bytes) && bytes > 0) fail("nomem");
    this.#held += bytes;
  }

  /** Frees the number: it is free even when closing what stood behind it is refused. @returns what is to be closed */
  take(fd: number): Target {
    const descriptor = this.get(fd);
    this.#table[fd] = undefined;
    this.#lowest = Math.min(this.#lowest, fd);
    return this.#forget(descriptor);
  }

  /** Moves a descriptor to a number that is in use. @returns what is to be closed; undefined: nothing is */
  renumber(from: number, to: number): Target | undefined {
    const moved = this.get(from);
    const replaced = this.get(to);
    if (from === to) return undefined;
    this.#table[to] = moved;
    this.#table[from] = undefined;
    this.#lowest = Math.min(this.#lowest, from);
    return this.#forget(replaced);
  }

  /** No number stands for it any more. */
  #forget({ target, listing }: Descriptor): Target {
    this.#holdMore(-Math.min(this.#held, DESCRIPTOR_BYTES + listedBytes(listing)));
    return target;
  }

  /** Closes what no number stands for any more. */
  close(target: Target): void {
    if (target.kind === "terminal") return;
    if (target.kind === "directory" || target.kind === "file") unwrap(this.#sessions.files.close(target.node));
    else unwrap(this.#sessions.sockets!.close(target.socket));
  }

  /** Every open number with its descriptor, in order. */
  *entries(): IterableIterator<readonly [fd: number, descriptor: Descriptor]> {
    for (const [fd, descriptor] of this.#table.entries()) if (descriptor) yield [fd, descriptor];
  }

  /** Writes a list of those that are open. */
  writeState(to: PlainWriter): void {
    const begin = to.list();
    let count = 0;
    for (let fd = 0; fd < this.#table.length; fd++) {
      const descriptor = this.#table[fd];
      if (!descriptor) continue;
      writeDescriptor(to, fd, descriptor);
      count++;
    }
    to.endList(begin, count);
  }

  /** Replaces the table by a captured one. Nothing has changed after a WasiStateFault. */
  restore(state: StateReader): void {
    const table = readDescriptors(state);
    for (const [fd, descriptor] of table.entries()) if (descriptor) this.#requireSession(descriptor.target, fd);
    const held = table.reduce((sum, each) => sum + (each ? DESCRIPTOR_BYTES + listedBytes(each.listing) : 0), 0);
    const given = table.reduce<number>((count, each) => count + Number(each?.preopened ?? false), TERMINALS.length);
    const begun = Math.max(this.#begun, given); // directories that are given may come after the state
    const more = Math.max(0, held - begun * DESCRIPTOR_BYTES);
    if (!this.#hold(more))
      throw new WasiStateFault("no-room", `no room for descriptors of ${more} bytes`, { bytes: more });
    this.#held = more;
    this.#table = table;
    this.#lowest = 0;
  }

  #nextFree(): number {
    while (this.#table[this.#lowest]) this.#lowest++;
    return this.#lowest;
  }

  #requireSession(target: Target, fd: number): void {
    if (target.kind !== "listener" && target.kind !== "connection") return;
    const sockets = this.#sessions.sockets;
    if (sockets && (target.kind === "connection" || sockets.listeners.some((l) => l.handle === target.socket))) return;
    throw new WasiStateFault(
      "missing-session",
      `descriptor ${fd} is socket ${target.socket}, found no such socket; give the program its listening sockets again`,
      { fd, socket: target.socket },
    );
  }
}

function writeDescriptor(to: PlainWriter, fd: number, descriptor: Descriptor): void {
  to.fields();
  to.put("fd", fd);
  to.putObject("target", descriptor.target);
  to.put("path", descriptor.path);
  to.put("preopened", descriptor.preopened);
  to.put("offset", descriptor.offset);
  to.put("rights", descriptor.rights);
  to.put("inheriting", descriptor.inheriting);
  to.put("flags", descriptor.flags);
  to.putObject("listing", descriptor.listing);
  to.end();
}

/** A captured table by numbers. @throws WasiStateFault */
export function readDescriptors(state: StateReader): (Descriptor | undefined)[] {
  const table: (Descriptor | undefined)[] = [];
  for (const item of state.items()) {
    const fd = item.field("fd").count();
    if (fd >= DESCRIPTOR_LIMIT || table[fd]) item.field("fd").malformed(`a free number below ${DESCRIPTOR_LIMIT}`);
    table[fd] = readDescriptor(item);
  }
  return table;
}

const FIELDS = ["fd", "target", "path", "preopened", "offset", "rights", "inheriting", "flags", "listing"] as const;

function readDescriptor(state: StateReader): Descriptor {
  state.only(...FIELDS);
  return {
    target: readTarget(state.field("target")),
    path: state.field("path").text(),
    preopened: state.field("preopened").flag(),
    offset: state.field("offset").big(),
    rights: state.field("rights").big(),
    inheriting: state.field("inheriting").big(),
    flags: state.field("flags").count(1 << 16),
    listing: state.field("listing").absent ? undefined : state.field("listing").items().map(readEntry),
  };
}

/** @throws WasiStateFault */
export function readTarget(state: StateReader): Target {
  const kind = state.field("kind").oneOf(["terminal", "directory", "file", "listener", "connection"]);
  if (kind === "terminal") return { kind, name: state.only("kind", "name").field("name").oneOf(TERMINALS) };
  state.only("kind", "node", "nodeKind", "socket");
  if (kind === "directory") return { kind, node: state.field("node").count() };
  if (kind === "listener" || kind === "connection") return { kind, socket: state.field("socket").count() };
  return { kind, node: state.field("node").count(), nodeKind: state.field("nodeKind").oneOf(NODE_KINDS) };
}

function readEntry(state: StateReader): DirectoryEntry {
  state.only("name", "kind", "inode");
  return {
    name: state.field("name").text(),
    kind: state.field("kind").oneOf(NODE_KINDS),
    inode: state.field("inode").big(),
  };
}

function listedBytes(listing: readonly DirectoryEntry[] | undefined): number {
  return (listing?.length ?? 0) * LISTED_BYTES;
}
