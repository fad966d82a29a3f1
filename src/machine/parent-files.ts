// Files and terminals of a program that its parent has given it, looked up for each call: the sessions of a restored
// program come after its state, and its server may end.
import type {
  DirectoryEntry,
  Errno,
  FileSystemSession,
  NodeHandle,
  NodeStatus,
  OpenOptions,
  Readiness,
  Root,
  SessionState,
  TerminalKind,
  TerminalSession,
  TerminalSize,
} from "../session/index.ts";
import { type Attempt, refusal } from "../util/index.ts";

type Find<T> = () => T | undefined;

/** Without a session everything is refused with "io". */
export class ParentFiles implements FileSystemSession {
  readonly #find: Find<FileSystemSession>;

  constructor(find: Find<FileSystemSession>) {
    this.#find = find;
  }

  get #session(): FileSystemSession | undefined {
    return this.#find();
  }

  get pieceBytes(): number | undefined {
    return this.#session?.pieceBytes;
  }

  #ask<T>(call: (files: FileSystemSession) => Attempt<T, Errno>): Attempt<T, Errno> {
    const session = this.#session;
    return session ? call(session) : refusal("io");
  }

  get roots(): readonly Root[] {
    return this.#session?.roots ?? [];
  }

  open(directory: NodeHandle, path: string, options: OpenOptions): Attempt<NodeHandle, Errno> {
    return this.#ask((files) => files.open(directory, path, options));
  }

  close(node: NodeHandle): Attempt<void, Errno> {
    return this.#ask((files) => files.close(node));
  }

  read(node: NodeHandle, target: Uint8Array, offset: bigint): Attempt<number, Errno> {
    return this.#ask((files) => files.read(node, target, offset));
  }

  write(...written: Parameters<FileSystemSession["write"]>): ReturnType<FileSystemSession["write"]> {
    return this.#ask((files) => files.write(...written));
  }

  status(node: NodeHandle): Attempt<NodeStatus, Errno> {
    return this.#ask((files) => files.status(node));
  }

  statusAt(directory: NodeHandle, path: string, follow: boolean): Attempt<NodeStatus, Errno> {
    return this.#ask((files) => files.statusAt(directory, path, follow));
  }

  setTimes(...times: Parameters<FileSystemSession["setTimes"]>): Attempt<void, Errno> {
    return this.#ask((files) => files.setTimes(...times));
  }

  setTimesAt(...times: Parameters<FileSystemSession["setTimesAt"]>): Attempt<void, Errno> {
    return this.#ask((files) => files.setTimesAt(...times));
  }

  setSize(node: NodeHandle, sizeBytes: bigint): Attempt<void, Errno> {
    return this.#ask((files) => files.setSize(node, sizeBytes));
  }

  sync(node: NodeHandle, dataOnly: boolean): Attempt<void, Errno> {
    return this.#ask((files) => files.sync(node, dataOnly));
  }

  entries(directory: NodeHandle): Attempt<readonly DirectoryEntry[], Errno> {
    return this.#ask((files) => files.entries(directory));
  }

  createDirectory(directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#ask((files) => files.createDirectory(directory, path));
  }

  removeDirectory(directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#ask((files) => files.removeDirectory(directory, path));
  }

  unlink(directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#ask((files) => files.unlink(directory, path));
  }

  rename(...names: Parameters<FileSystemSession["rename"]>): Attempt<void, Errno> {
    return this.#ask((files) => files.rename(...names));
  }

  link(...names: Parameters<FileSystemSession["link"]>): Attempt<void, Errno> {
    return this.#ask((files) => files.link(...names));
  }

  symlink(target: string, directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#ask((files) => files.symlink(target, directory, path));
  }

  readlink(directory: NodeHandle, path: string): Attempt<string, Errno> {
    return this.#ask((files) => files.readlink(directory, path));
  }

  capture(): SessionState {
    return this.#session?.capture() ?? null;
  }

  dispose(): void {
    this.#session?.dispose();
  }
}

/** What it could do without waiting: nothing will come, and nobody listens. */
const GONE: Readiness = { readable: true, readableBytes: 0, writable: true, hangup: true };

/** Without a session reads and writes are refused with "io". */
export class ParentTerminal implements TerminalSession {
  readonly #find: Find<TerminalSession>;

  constructor(find: Find<TerminalSession>) {
    this.#find = find;
  }

  get #session(): TerminalSession | undefined {
    return this.#find();
  }

  get kind(): TerminalKind {
    return this.#session?.kind ?? "pipe";
  }

  size(): TerminalSize | undefined {
    return this.#session?.size();
  }

  read(target: Uint8Array): Attempt<number, Errno> {
    return this.#session?.read(target) ?? refusal("io");
  }

  write(source: Uint8Array): Attempt<number, Errno> {
    return this.#session?.write(source) ?? refusal("io");
  }

  readiness(): Readiness {
    return this.#session?.readiness() ?? GONE;
  }

  capture(): SessionState {
    return this.#session?.capture() ?? null;
  }
}
