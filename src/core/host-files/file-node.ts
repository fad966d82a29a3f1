// An open file of the host, by its descriptor. How it was found is its directory's business.

import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import type { Errno, NodeStatus } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import {
  type Access,
  attempt,
  type FileNode,
  type Location,
  type NewTimes,
  toErrno,
  type Written,
} from "../files/index.ts";
import { toStatus } from "./status-node.ts";
import { setHostTimes } from "./times-node.ts";

/** The kernel moves at most 2 GiB - 4 KiB in one call, and Node refuses more; the rest is a partial transfer. */
const TRANSFER_BYTES_MAX = 1 << 30;
const OFFSET_MAX = 2n ** 63n - 1n;

/** The flags of open(2) for an access; reading is always allowed where nothing was asked for. */
export function accessFlags(access: Access): number {
  if (!access.write) return constants.O_RDONLY;
  return access.read ? constants.O_RDWR : constants.O_WRONLY;
}

export class HostFile implements FileNode {
  readonly kind: FileNode["kind"];
  readonly location: () => Attempt<Location, Errno>;
  readonly #fd: number;
  /** Pipes, terminals and the like have no offsets. */
  readonly #seekable: boolean;
  /** A path that opens the same file again, with other flags; where there is none, appending is not atomic. */
  readonly #againPath: string | undefined;
  /** The same file opened with O_APPEND, from the first write to its end on. */
  #appendFd: number | undefined;

  /** Takes over the descriptor. */
  constructor(
    fd: number,
    kind: FileNode["kind"],
    location: () => Attempt<Location, Errno>,
    againPath: string | undefined,
  ) {
    this.#fd = fd;
    this.kind = kind;
    this.location = location;
    this.#againPath = againPath;
    this.#seekable = kind === "regular-file" || kind === "block-device";
  }

  read(target: Uint8Array, offset: bigint): Attempt<number, Errno> {
    if (offset < 0n || offset > OFFSET_MAX) return refusal("inval");
    const length = Math.min(target.length, TRANSFER_BYTES_MAX);
    return attempt(() => readSync(this.#fd, target, 0, length, this.#seekable ? offset : null));
  }

  write(source: Uint8Array, offset: bigint | "end"): Attempt<Written, Errno> {
    if (offset === "end" || !this.#seekable) return this.#append(source);
    if (offset < 0n || offset > OFFSET_MAX) return refusal("inval");
    // Node takes numbers here; no file system has files beyond 2^53.
    if (offset > Number.MAX_SAFE_INTEGER) return refusal("fbig");
    const length = Math.min(source.length, TRANSFER_BYTES_MAX);
    try {
      const bytes = length === 0 ? 0 : writeSync(this.#fd, source, 0, length, Number(offset));
      return success({ bytes, end: offset + BigInt(bytes) });
    } catch (thrown) {
      return refusal(toErrno(thrown));
    }
  }

  status(): Attempt<NodeStatus, Errno> {
    return attempt(() => toStatus(fstatSync(this.#fd, { bigint: true })));
  }

  setSize(sizeBytes: bigint): Attempt<void, Errno> {
    if (sizeBytes < 0n || sizeBytes > OFFSET_MAX) return refusal("inval");
    if (sizeBytes > Number.MAX_SAFE_INTEGER) return refusal("fbig");
    return attempt(() => ftruncateSync(this.#fd, Number(sizeBytes)));
  }

  setTimes(times: NewTimes): Attempt<void, Errno> {
    return attempt(() => setHostTimes(this.#fd, times, true));
  }

  sync(dataOnly: boolean): Attempt<void, Errno> {
    return attempt(() => (dataOnly ? fdatasyncSync(this.#fd) : fsyncSync(this.#fd)));
  }

  close(): void {
    closeSync(this.#fd);
    if (this.#appendFd !== undefined) closeSync(this.#appendFd);
    this.#appendFd = undefined;
  }

  /** Writes where the end is at that moment, whoever else appends; without O_APPEND, where it was just before. */
  #append(source: Uint8Array): Attempt<Written, Errno> {
    const length = Math.min(source.length, TRANSFER_BYTES_MAX);
    return attempt(() => {
      if (!this.#seekable) {
        const bytes = length === 0 ? 0 : writeSync(this.#fd, source, 0, length, null);
        return { bytes, end: BigInt(bytes) };
      }
      const fd = this.#appending();
      const position = fd === undefined ? fstatSync(this.#fd).size : null;
      const bytes = length === 0 ? 0 : writeSync(fd ?? this.#fd, source, 0, length, position);
      return { bytes, end: fstatSync(this.#fd, { bigint: true }).size };
    });
  }

  #appending(): number | undefined {
    if (this.#appendFd !== undefined || this.#againPath === undefined) return this.#appendFd;
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOCTTY;
    const opened = attempt(() => openSync(this.#againPath!, flags));
    if (opened.ok) this.#appendFd = opened.value;
    return this.#appendFd;
  }
}
