// The records of the undo journal and their payload bytes. How records lie in the journal: log-node.ts.
//
// Each record stands for one operation and says what undoing it takes; it is written before the operation. Undoing
// happens newest first, so a record's paths are those of the moment: they are true again when its turn comes.

import { ByteReader, type ByteWriter } from "../../util/index.ts";
import { FilesFault, type Location } from "../files/index.ts";

/** How a file that loses a name can get it back. */
export type Kept =
  /** Not at all: nobody can ask for its content any more. */
  | { readonly kind: "nowhere" }
  /** The file, or a copy of it, has this name in the journal's trash. */
  | { readonly kind: "trash"; readonly name: string }
  /** It has another name, and the trash, on another file system, cannot hold it. */
  | { readonly kind: "name"; readonly at: Location };

/** What was in the place that a rename took. */
export type Replaced =
  | { readonly kind: "nothing" }
  | { readonly kind: "file"; readonly kept: Kept }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "directory"; readonly permissions: number };

export type JournalRecord =
  /** A checkpoint was taken here: the position behind this record can be gone back to. */
  | { readonly type: "mark" }
  /** The operation of the record at `position` has not happened after all. */
  | { readonly type: "cancel"; readonly position: number }
  /** Going back has come to here: all is as it was at `position`. */
  | { readonly type: "same"; readonly position: number }
  /** First change of a file since the last mark. Undone: size and times are set to these. Followed by a stamp. */
  | {
      readonly type: "touch";
      readonly at: Location;
      readonly device: bigint;
      readonly inode: bigint;
      readonly size: number;
      readonly accessedNs: bigint;
      readonly modifiedNs: bigint;
    }
  /** Bytes are about to be overwritten or cut off. Undone: these are written there. */
  | { readonly type: "patch"; readonly at: Location; readonly offset: number; readonly bytes: Uint8Array }
  /** Times of something that is not a regular file are about to be set. */
  | { readonly type: "times"; readonly at: Location; readonly accessedNs: bigint; readonly modifiedNs: bigint }
  | { readonly type: "create"; readonly at: Location }
  | { readonly type: "symlink"; readonly at: Location }
  | { readonly type: "link"; readonly at: Location; readonly from: Location }
  | { readonly type: "mkdir"; readonly at: Location }
  | { readonly type: "rmdir"; readonly at: Location; readonly permissions: number }
  /** A name of a file is removed. */
  | { readonly type: "remove"; readonly at: Location; readonly kept: Kept; readonly inode: bigint }
  | { readonly type: "unlink-link"; readonly at: Location; readonly target: string }
  | {
      readonly type: "rename";
      readonly from: Location;
      readonly to: Location;
      readonly inode: bigint;
      readonly replaced: Replaced;
    }
  /** A kept file comes back to where it was. */
  | { readonly type: "revive"; readonly at: Location; readonly kept: string };

export type RecordType = JournalRecord["type"];

/**
 * What a file was like after the last change of ours; its bytes: 0 size · 8 modified, ns · 16 settled.
 *
 * `settled` comes last: a write cut short leaves it as it was, and it is not set while the rest is written.
 */
export interface Stamp {
  /** False: a change was under way, what it made of the file is not known. */
  readonly settled: boolean;
  readonly size: bigint;
  readonly modifiedNs: bigint;
}

export const STAMP_BYTES = 17;

/** The payload's first byte, by index. Only ever extended at the end. */
const TYPES: readonly RecordType[] = [
  "mark", "cancel", "same", "touch", "patch", "times", "create", "symlink", "link", "mkdir", "rmdir", "remove",
  "unlink-link", "rename", "revive",
]; // biome-ignore format: one table
const KEPT = ["nowhere", "trash", "name"] as const;
const REPLACED = ["nothing", "file", "link", "directory"] as const;

/** Where the type lies in a payload, so that a scan can tell stamped records. */
export function typeOf(payload: Uint8Array): RecordType {
  const type = TYPES[payload[0] ?? -1];
  if (type === undefined)
    throw new FilesFault("journal", `journal record of type ${payload[0]}, expected one of 0 to ${TYPES.length - 1}`);
  return type;
}

/** Appends the payload of a record. */
export function writeRecord(out: ByteWriter, record: JournalRecord): void {
  out.u8(TYPES.indexOf(record.type));
  if (record.type === "cancel" || record.type === "same") out.u32(record.position);
  else if (record.type === "rename") {
    writeLocation(out, record.from);
    writeLocation(out, record.to);
    out.u64(record.inode);
    writeReplaced(out, record.replaced);
  } else if (record.type !== "mark") {
    writeLocation(out, record.at);
    writeDetail(out, record);
  }
}

/** What lies behind the location of an operation on one name. */
function writeDetail(out: ByteWriter, record: Extract<JournalRecord, { at: Location }>): void {
  switch (record.type) {
    case "touch":
      out.u64(record.device);
      out.u64(record.inode);
      out.u32(record.size);
      writeTimes(out, record);
      break;
    case "times":
      writeTimes(out, record);
      break;
    case "patch":
      out.u32(record.offset);
      out.bytes(record.bytes);
      break;
    case "link":
      writeLocation(out, record.from);
      break;
    case "rmdir":
      out.u32(record.permissions);
      break;
    case "remove":
      writeKept(out, record.kept);
      out.u64(record.inode);
      break;
    case "unlink-link":
      out.name(record.target);
      break;
    case "revive":
      out.name(record.kept);
      break;
  }
}

/** Reads a payload. A patch's bytes share memory with it. */
export function readRecord(payload: Uint8Array): JournalRecord {
  const type = typeOf(payload);
  const bytes = new ByteReader(payload, 1);
  switch (type) {
    case "mark":
      return { type };
    case "cancel":
    case "same":
      return { type, position: readNumber(bytes) };
    case "rename":
      return {
        type,
        from: readLocation(bytes),
        to: readLocation(bytes),
        inode: bytes.u64(),
        replaced: readReplaced(bytes),
      };
  }
  const at = readLocation(bytes);
  switch (type) {
    case "touch":
      return {
        type,
        at,
        device: bytes.u64(),
        inode: bytes.u64(),
        size: readNumber(bytes),
        ...readTimes(bytes),
      };
    case "times":
      return { type, at, ...readTimes(bytes) };
    case "patch":
      return { type, at, offset: readNumber(bytes), bytes: bytes.take(bytes.remaining) };
    case "link":
      return { type, at, from: readLocation(bytes) };
    case "rmdir":
      return { type, at, permissions: bytes.u32() };
    case "remove":
      return { type, at, kept: readKept(bytes), inode: bytes.u64() };
    case "unlink-link":
      return { type, at, target: bytes.name() };
    case "revive":
      return { type, at, kept: bytes.name() };
    default:
      return { type, at };
  }
}

export function writeStamp(stamp: Stamp): Uint8Array {
  const bytes = new Uint8Array(STAMP_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, stamp.size, true);
  view.setBigInt64(8, stamp.modifiedNs, true);
  bytes[16] = stamp.settled ? 1 : 0;
  return bytes;
}

export function readStamp(bytes: Uint8Array): Stamp {
  const view = new DataView(bytes.buffer, bytes.byteOffset, STAMP_BYTES);
  return {
    settled: bytes[16] === 1,
    size: view.getBigUint64(0, true),
    modifiedNs: view.getBigInt64(8, true),
  };
}

function writeLocation(out: ByteWriter, location: Location): void {
  out.u32(location.root);
  out.name(location.path);
}

function readLocation(bytes: ByteReader): Location {
  return { root: bytes.u32(), path: bytes.name() };
}

/** ByteReader's u32 stops at 32 bits; sizes and positions go to 2^53. */
function readNumber(bytes: ByteReader): number {
  return Number(bytes.u64());
}

function writeTimes(out: ByteWriter, times: { accessedNs: bigint; modifiedNs: bigint }): void {
  out.s64(times.accessedNs);
  out.s64(times.modifiedNs);
}

function readTimes(bytes: ByteReader): { accessedNs: bigint; modifiedNs: bigint } {
  return { accessedNs: readSigned(bytes), modifiedNs: readSigned(bytes) };
}

function readSigned(bytes: ByteReader): bigint {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes.u8("a time");
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asIntN(64, byte & 0x40 ? value - (1n << (shift + 7n)) : value);
  }
}

function writeKept(out: ByteWriter, kept: Kept): void {
  out.u8(KEPT.indexOf(kept.kind));
  if (kept.kind === "trash") out.name(kept.name);
  else if (kept.kind === "name") writeLocation(out, kept.at);
}

function readKept(bytes: ByteReader): Kept {
  const kind = KEPT[bytes.u8()];
  switch (kind) {
    case "trash":
      return { kind, name: bytes.name() };
    case "name":
      return { kind, at: readLocation(bytes) };
    case "nowhere":
      return { kind };
    default:
      throw bytes.malformed("how a removed file was kept");
  }
}

function writeReplaced(out: ByteWriter, replaced: Replaced): void {
  out.u8(REPLACED.indexOf(replaced.kind));
  if (replaced.kind === "file") writeKept(out, replaced.kept);
  else if (replaced.kind === "link") out.name(replaced.target);
  else if (replaced.kind === "directory") out.u32(replaced.permissions);
}

function readReplaced(bytes: ByteReader): Replaced {
  const kind = REPLACED[bytes.u8()];
  switch (kind) {
    case "file":
      return { kind, kept: readKept(bytes) };
    case "link":
      return { kind, target: bytes.name() };
    case "directory":
      return { kind, permissions: bytes.u32() };
    case "nothing":
      return { kind };
    default:
      throw bytes.malformed("what a rename replaced");
  }
}
