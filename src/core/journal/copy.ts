// Copying a file's content from one open file to another: for what cannot be moved or linked to another file system.

import type { Errno } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import type { FileNode } from "../files/index.ts";

const PIECE_BYTES = 1 << 20;

/** Makes `to`, an empty file, the same as `from` in content, with holes where there are only zeros, and in times. */
export function copyFile(from: FileNode, to: FileNode): Attempt<void, Errno> {
  const status = from.status();
  if (!status.ok) return status;
  const { sizeBytes, accessedNs, modifiedNs } = status.value;
  const piece = new Uint8Array(Math.min(PIECE_BYTES, Number(sizeBytes)));
  for (let at = 0n; at < sizeBytes; ) {
    const read = from.read(piece, at);
    if (!read.ok) return read;
    if (read.value === 0) break;
    const bytes = piece.subarray(0, read.value);
    const written = bytes.every((byte) => byte === 0) ? success(undefined) : writeFully(to, bytes, at);
    if (!written.ok) return written;
    at += BigInt(read.value);
  }
  const sized = to.setSize(sizeBytes);
  return sized.ok ? to.setTimes({ accessedNs, modifiedNs }) : sized;
}

/** Writes all of `bytes`; a file that takes none of them any more is full. */
export function writeFully(to: FileNode, bytes: Uint8Array, offset: bigint): Attempt<void, Errno> {
  for (let done = 0; done < bytes.length; ) {
    const written = to.write(bytes.subarray(done), offset + BigInt(done));
    if (!written.ok) return written;
    if (written.value.bytes === 0) return refusal("nospc");
    done += written.value.bytes;
  }
  return success(undefined);
}
