// Files and terminals that a guest serves: the contracts of session/ over calls of its RPC object (abi/streams.ts).
import { CALL_STATUS, FILE_SYSTEM_RPC, MESSAGE, OPEN_FLAG, STREAM_PIECE_BYTES, TERMINAL_RPC } from "../abi/index.ts";
import {
  type Capability,
  type DirectoryEntry,
  ERRNO,
  type Errno,
  type FileSystemSession,
  NODE_KINDS,
  type NodeHandle,
  type NodeStatus,
  type OpenOptions,
  type Readiness,
  type Root,
  type SessionState,
  type TerminalKind,
  type TerminalSession,
  type TerminalSize,
} from "../session/index.ts";
import { type Attempt, refusal, success } from "../util/index.ts";
import type { Ask } from "./conversation.ts";
import { MessageReader, MessageWriter } from "./stream-message.ts";

const FS = FILE_SYSTEM_RPC;
/** What the client of a call that could not be made is told. */
const LOST: ReadonlyMap<number, Errno> = new Map([
  [CALL_STATUS.invalidOpcode, "nosys"],
  [CALL_STATUS.blockingCanceled, "intr"],
  [CALL_STATUS.deadlock, "deadlk"],
]);
/** Nobody says when a guest's terminal is ready. */
const RETRY_NS = 10_000_000n;
const KINDS: readonly TerminalKind[] = ["terminal", "pipe", "file"];
const READY = { readable: 1, writable: 2, hangup: 4 } as const;

type Write = (message: MessageWriter) => MessageWriter;
const NOTHING: Write = (message) => message;

/** One object that is asked. */
class Asked {
  readonly #ask: Ask;
  readonly #capability: Capability;

  constructor(ask: Ask, capability: Capability) {
    this.#ask = ask;
    this.#capability = capability;
  }

  /** @returns "nametoolong" for arguments that no message holds, "io" for an answer that is none */
  call<T>(opcode: number, write: Write, read: (reply: MessageReader) => T): Attempt<T, Errno> {
    const request = write(new MessageWriter(MESSAGE.maxBytes)).end();
    if (!request) return refusal("nametoolong");
    const answer = this.#ask(this.#capability, opcode, request);
    if (typeof answer === "number") return refusal(LOST.get(answer) ?? "io");
    const reply = new MessageReader(answer);
    const errno = ERRNO[reply.u32()] ?? "io";
    if (errno !== "success") return refusal(errno);
    const value = read(reply);
    return reply.failed ? refusal("io") : success(value);
  }

  tell(opcode: number, write: Write): Attempt<void, Errno> {
    return this.call(opcode, write, () => undefined);
  }
}

export class GuestFiles implements FileSystemSession {
  readonly pieceBytes = STREAM_PIECE_BYTES;
  readonly #asked: Asked;

  constructor(ask: Ask, capability: Capability) {
    this.#asked = new Asked(ask, capability);
  }

  get roots(): readonly Root[] {
    const roots = this.#asked.call(FS.roots, NOTHING, (reply) =>
      several(reply, () => ({ guestPath: reply.text(), writable: reply.u32() !== 0, handle: reply.u32() })),
    );
    return roots.ok ? roots.value : [];
  }

  open(directory: NodeHandle, path: string, options: OpenOptions): Attempt<NodeHandle, Errno> {
    let flags = 0;
    for (const [name, bit] of Object.entries(OPEN_FLAG)) if (options[name as keyof OpenOptions]) flags |= bit;
    return this.#asked.call(
      FS.open,
      (m) => m.u32(directory).u32(flags).text(path),
      (reply) => reply.u32(),
    );
  }

  close(node: NodeHandle): Attempt<void, Errno> {
    return this.#asked.tell(FS.close, (m) => m.u32(node));
  }

  read(node: NodeHandle, target: Uint8Array, offset: bigint): Attempt<number, Errno> {
    const most = Math.min(target.length, STREAM_PIECE_BYTES);
    return this.#asked.call(
      FS.read,
      (m) => m.u32(node).u64(offset).u32(most),
      (reply) => fill(target, reply.bytes(), most),
    );
  }

  write(...[node, source, offset]: Parameters<FileSystemSession["write"]>): ReturnType<FileSystemSession["write"]> {
    const piece = source.slice(0, STREAM_PIECE_BYTES);
    const [end, at] = offset === "end" ? [1, 0n] : [0, offset];
    return this.#asked.call(
      FS.write,
      (m) => m.u32(node).u32(end).u64(at).bytes(piece),
      (reply) => ({ bytes: Math.min(reply.u32(), piece.length), end: reply.u64() }),
    );
  }

  status(node: NodeHandle): Attempt<NodeStatus, Errno> {
    return this.#asked.call(FS.status, (m) => m.u32(node), statusIn);
  }

  statusAt(directory: NodeHandle, path: string, follow: boolean): Attempt<NodeStatus, Errno> {
    return this.#asked.call(FS.statusAt, (m) => m.u32(directory).u32(Number(follow)).text(path), statusIn);
  }

  setTimes(node: NodeHandle, accessedNs: bigint | undefined, modifiedNs: bigint | undefined): Attempt<void, Errno> {
    return this.#asked.tell(FS.setTimes, (m) => times(m.u32(node), accessedNs, modifiedNs));
  }

  setTimesAt(
    ...[directory, path, follow, accessedNs, modifiedNs]: Parameters<FileSystemSession["setTimesAt"]>
  ): Attempt<void, Errno> {
    return this.#asked.tell(FS.setTimesAt, (m) =>
      times(m.u32(directory).u32(Number(follow)), accessedNs, modifiedNs).text(path),
    );
  }

  setSize(node: NodeHandle, sizeBytes: bigint): Attempt<void, Errno> {
    return this.#asked.tell(FS.setSize, (m) => m.u32(node).u64(sizeBytes));
  }

  sync(node: NodeHandle, dataOnly: boolean): Attempt<void, Errno> {
    return this.#asked.tell(FS.sync, (m) => m.u32(node).u32(Number(dataOnly)));
  }

  /** Asked for piece by piece: what others make or remove meanwhile may be in it or not. */
  entries(directory: NodeHandle): Attempt<readonly DirectoryEntry[], Errno> {
    const all: DirectoryEntry[] = [];
    for (;;) {
      const piece = this.#asked.call(
        FS.entries,
        (m) => m.u32(directory).u32(all.length),
        (reply) => several(reply, () => entryIn(reply)),
      );
      if (!piece.ok) return piece;
      if (piece.value.length === 0) return success(all);
      all.push(...piece.value);
    }
  }

  createDirectory(directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#asked.tell(FS.createDirectory, (m) => m.u32(directory).text(path));
  }

  removeDirectory(directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#asked.tell(FS.removeDirectory, (m) => m.u32(directory).text(path));
  }

  unlink(directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#asked.tell(FS.unlink, (m) => m.u32(directory).text(path));
  }

  rename(...[from, fromPath, to, toPath]: Parameters<FileSystemSession["rename"]>): Attempt<void, Errno> {
    return this.#asked.tell(FS.rename, (m) => m.u32(from).u32(to).text(fromPath).text(toPath));
  }

  link(...[from, fromPath, follow, to, toPath]: Parameters<FileSystemSession["link"]>): Attempt<void, Errno> {
    return this.#asked.tell(FS.link, (m) => m.u32(from).u32(Number(follow)).u32(to).text(fromPath).text(toPath));
  }

  symlink(target: string, directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#asked.tell(FS.symlink, (m) => m.u32(directory).text(target).text(path));
  }

  readlink(directory: NodeHandle, path: string): Attempt<string, Errno> {
    return this.#asked.call(
      FS.readlink,
      (m) => m.u32(directory).text(path),
      (reply) => reply.text(),
    );
  }

  /** It is its server's. */
  capture(): SessionState {
    return null;
  }

  dispose(): void {}
}

export class GuestTerminal implements TerminalSession {
  readonly #asked: Asked;

  constructor(ask: Ask, capability: Capability) {
    this.#asked = new Asked(ask, capability);
  }

  get kind(): TerminalKind {
    const kind = this.#asked.call(TERMINAL_RPC.kind, NOTHING, (reply) => KINDS[reply.u32()]);
    return (kind.ok && kind.value) || "pipe";
  }

  size(): TerminalSize | undefined {
    const size = this.#asked.call(TERMINAL_RPC.size, NOTHING, (reply) => ({ columns: reply.u32(), rows: reply.u32() }));
    return size.ok ? size.value : undefined;
  }

  read(target: Uint8Array): Attempt<number, Errno> {
    const most = Math.min(target.length, STREAM_PIECE_BYTES);
    return this.#asked.call(
      TERMINAL_RPC.read,
      (m) => m.u32(most),
      (reply) => fill(target, reply.bytes(), most),
    );
  }

  write(source: Uint8Array): Attempt<number, Errno> {
    const piece = source.slice(0, STREAM_PIECE_BYTES);
    return this.#asked.call(
      TERMINAL_RPC.write,
      (m) => m.bytes(piece),
      (reply) => Math.min(reply.u32(), piece.length),
    );
  }

  readiness(): Readiness {
    const answer = this.#asked.call(TERMINAL_RPC.readiness, NOTHING, (reply) => ({
      ready: reply.u32(),
      readableBytes: reply.u32(),
    }));
    const { ready, readableBytes } = answer.ok ? answer.value : { ready: READY.hangup, readableBytes: 0 };
    const hangup = (ready & READY.hangup) !== 0;
    const readable = hangup || (ready & READY.readable) !== 0;
    return { readable, readableBytes, writable: hangup || (ready & READY.writable) !== 0, hangup, retryNs: RETRY_NS };
  }

  /** It is its server's. */
  capture(): SessionState {
    return null;
  }
}

/** A list with its length in front; no message holds more than it has words. */
function several<T>(reply: MessageReader, read: () => T): T[] {
  const count = Math.min(reply.u32(), MESSAGE.maxBytes / 4);
  return Array.from({ length: count }, read);
}

function fill(target: Uint8Array, bytes: Uint8Array, most: number): number {
  const fitting = bytes.subarray(0, most);
  target.set(fitting);
  return fitting.length;
}

function statusIn(reply: MessageReader): NodeStatus {
  return {
    kind: kindIn(reply),
    device: reply.u64(),
    inode: reply.u64(),
    links: reply.u64(),
    sizeBytes: reply.u64(),
    accessedNs: reply.u64(),
    modifiedNs: reply.u64(),
    changedNs: reply.u64(),
  };
}

function entryIn(reply: MessageReader): DirectoryEntry {
  const [kind, inode] = [kindIn(reply), reply.u64()];
  return { name: reply.text(), kind, inode };
}

function kindIn(reply: MessageReader): NodeStatus["kind"] {
  return NODE_KINDS[reply.u32()] ?? "unknown";
}

function times(message: MessageWriter, accessedNs: bigint | undefined, modifiedNs: bigint | undefined): MessageWriter {
  const which = (accessedNs === undefined ? 0 : 1) | (modifiedNs === undefined ? 0 : 2);
  return message
    .u32(which)
    .u64(accessedNs ?? 0n)
    .u64(modifiedNs ?? 0n);
}
