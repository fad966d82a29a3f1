// An open file of a memory volume.

import type { Errno, NodeStatus } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import { attempt, type FileNode, type Location, type NewTimes, toErrno, type Written } from "../files/index.ts";
import { FILE_BYTES_MAX, type MemoryHost, type Meta } from "./host.ts";

export class MemoryFile implements FileNode {
  readonly kind = "regular-file";
  readonly meta: Meta;
  readonly #host: MemoryHost;
  readonly #fd: number;

  /** Takes over the descriptor. */
  constructor(host: MemoryHost, fd: number, meta: Meta) {
    this.#host = host;
    this.#fd = fd;
    this.meta = meta;
  }

  read(target: Uint8Array, offset: bigint): Attempt<number, Errno> {
    if (offset < 0n || offset >= 1n << 63n) return refusal("inval");
    if (offset >= FILE_BYTES_MAX) return success(0);
    return attempt(() => this.#host.disk.readSync(this.#fd, target, 0, target.length, Number(offset)));
  }

  write(source: Uint8Array, offset: bigint | "end"): Attempt<Written, Errno> {
    const start = offset === "end" ? BigInt(this.#host.disk.fstatSync(this.#fd).size) : offset;
    if (start < 0n || start >= 1n << 63n) return refusal("inval");
    const end = start + BigInt(source.length);
    if (end > FILE_BYTES_MAX) return refusal("fbig");
    if (source.length === 0) return success({ bytes: 0, end: start });
    const written = this.#changing(() => {
      this.#host.disk.writeSync(this.#fd, source, 0, source.length, Number(start));
    });
    return written.ok ? success({ bytes: source.length, end }) : written;
  }

  status(): Attempt<NodeStatus, Errno> {
    return success(this.#host.status(this.#host.disk.fstatSync(this.#fd), this.meta));
  }

  setSize(sizeBytes: bigint): Attempt<void, Errno> {
    if (sizeBytes < 0n || sizeBytes >= 1n << 63n) return refusal("inval");
    if (sizeBytes > FILE_BYTES_MAX) return refusal("fbig");
    return this.#changing(() => this.#host.disk.ftruncateSync(this.#fd, Number(sizeBytes)));
  }

  setTimes(times: NewTimes): Attempt<void, Errno> {
    setMetaTimes(this.meta, times);
    this.#host.changed(this.meta);
    return success(undefined);
  }

  sync(): Attempt<void, Errno> {
    return success(undefined);
  }

  location(): Attempt<Location, Errno> {
    return refusal("noent");
  }

  close(): void {
    this.#host.disk.closeSync(this.#fd);
  }

  /** The whole content, copied. */
  content(): Uint8Array {
    const bytes = new Uint8Array(this.#host.disk.fstatSync(this.#fd).size);
    if (bytes.length > 0) this.#host.disk.readSync(this.#fd, bytes, 0, bytes.length, 0);
    return bytes;
  }

  /** A change of the content; memory that cannot be had is a full disk. */
  #changing(run: () => void): Attempt<void, Errno> {
    try {
      run();
    } catch (thrown) {
      return refusal(thrown instanceof RangeError ? "nospc" : toErrno(thrown));
    }
    this.#host.modified(this.meta);
    return success(undefined);
  }
}

export function setMetaTimes(meta: Meta, { accessedNs, modifiedNs }: NewTimes): void {
  if (accessedNs !== undefined) meta.accessedNs = accessedNs;
  if (modifiedNs !== undefined) meta.modifiedNs = modifiedNs;
}
