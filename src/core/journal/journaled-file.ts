// An open regular file whose changes are recorded.

import type { Errno, NodeStatus } from "../../session/index.ts";
import { type Attempt, success } from "../../util/index.ts";
import type { Access, DirectoryNode, FileNode, Location, NewTimes, Written } from "../files/index.ts";
import type { Journal } from "./journal.ts";
import type { Repointable, TrackedFile } from "./tracked-file.ts";

export class JournaledFile implements FileNode, Repointable {
  readonly kind = "regular-file";
  readonly #journal: Journal;
  readonly #file: TrackedFile;
  readonly #access: Access;
  #inner: FileNode;
  /** The identity that the program has seen, when the file has become a copy of itself since. */
  #identity: { readonly device: bigint; readonly inode: bigint } | undefined;

  /** Takes over `inner`, which was opened for `access`: reading too, where it may be written. */
  constructor(journal: Journal, file: TrackedFile, inner: FileNode, access: Access) {
    this.#journal = journal;
    this.#file = file;
    this.#inner = inner;
    this.#access = access;
    file.nodes.add(this);
  }

  read(target: Uint8Array, offset: bigint): Attempt<number, Errno> {
    return this.#inner.read(target, offset);
  }

  write(source: Uint8Array, offset: bigint | "end"): Attempt<Written, Errno> {
    const start = offset === "end" ? this.#size() : success(offset);
    if (!start.ok) return start;
    const from = toPosition(start.value);
    return this.#changed(from, from + source.length, () => this.#inner.write(source, offset));
  }

  status(): Attempt<NodeStatus, Errno> {
    const status = this.#inner.status();
    if (!status.ok) return status;
    const visible = this.#journal.trash.visible(status.value);
    return success(this.#identity === undefined ? visible : { ...visible, ...this.#identity });
  }

  setSize(sizeBytes: bigint): Attempt<void, Errno> {
    return this.#changed(toPosition(sizeBytes), Number.MAX_SAFE_INTEGER, () => this.#inner.setSize(sizeBytes));
  }

  setTimes(times: NewTimes): Attempt<void, Errno> {
    return this.#changed(0, 0, () => this.#inner.setTimes(times));
  }

  sync(dataOnly: boolean): Attempt<void, Errno> {
    return this.#inner.sync(dataOnly);
  }

  location(): Attempt<Location, Errno> {
    return this.#inner.location();
  }

  close(): void {
    this.#inner.close();
    this.#file.nodes.delete(this);
    if (this.#file.nodes.size === 0) this.#journal.release(this.#file);
  }

  repoint(parent: DirectoryNode, name: string, replacement: "same-file" | "copy"): void {
    const opened = parent.openFile(name, this.#access);
    if (!opened.ok) return;
    const before = this.#inner.status();
    if (replacement === "copy" && before.ok) {
      this.#identity ??= { device: before.value.device, inode: before.value.inode };
    }
    this.#inner.close();
    this.#inner = opened.value;
  }

  #size(): Attempt<bigint, Errno> {
    const status = this.#inner.status();
    return status.ok ? success(status.value.sizeBytes) : status;
  }

  #changed<T>(start: number, end: number, run: () => Attempt<T, Errno>): Attempt<T, Errno> {
    const prepared = this.#journal.prepare(this.#file, this.#inner, start, end);
    if (!prepared.ok) return prepared;
    const done = run();
    this.#journal.settle(this.#file, this.#inner);
    return done;
  }
}

/** Offsets beyond 2^53, or negative ones, are refused by the operation itself. */
function toPosition(offset: bigint): number {
  return offset < 0n ? 0 : Number(offset > Number.MAX_SAFE_INTEGER ? BigInt(Number.MAX_SAFE_INTEGER) : offset);
}
