// The undo journal on disk: records appended to segments in one folder.
//
//   <folder>/id         the journal's name, a UUID
//   <folder>/log-N      a segment; N is the position of its first byte, 16 digits
//
// Record: 0 payload length, u32 · 4 CRC-32 of the payload, u32 · 8 payload (records.ts) · stamp, behind "touch" alone
//
// I1  A record is in the page cache before its operation begins: it survives SIGKILL at any moment, not power loss.
// I2  Only the end of the last segment can be torn (by a kill during an append, or a full disk): `open` cuts it off.
// I3  Nothing but stamps is ever overwritten. Segments are dropped whole, oldest first, by `dropBefore`.

import { randomUUID } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Errno } from "../../session/index.ts";
import { type Attempt, ByteWriter, refusal, success } from "../../util/index.ts";
import { FilesFault } from "../files/index.ts";
import {
  type JournalRecord,
  type RecordType,
  readRecord,
  readStamp,
  STAMP_BYTES,
  type Stamp,
  typeOf,
  writeRecord,
  writeStamp,
} from "./records.ts";

const HEADER_BYTES = 8;
/** No payload is larger: the bytes of patches are cut to pieces before. */
export const PATCH_BYTES_MAX = 1 << 20;
const PAYLOAD_BYTES_MAX = PATCH_BYTES_MAX + (64 << 10);
/** What a scan reads at once, and what suffices for a frame's head. */
const SCAN_BYTES = 256 << 10;
const FRAME_GUESS_BYTES = 64;
const UNSETTLED = new Uint8Array(1);
/** A mark ends a segment that has grown to this. */
const SEGMENT_BYTES = 4 << 20;

interface Segment {
  readonly base: number;
  readonly path: string;
  readonly fd: number;
  size: number;
}

/** A record and where it lies: [start, end). */
export interface LogEntry {
  readonly start: number;
  readonly end: number;
  readonly record: JournalRecord;
  readonly stamp: Stamp | undefined;
}

export interface RecordHead {
  readonly start: number;
  readonly type: RecordType;
}

export class JournalLog {
  /** The journal's name. */
  readonly id: string;
  readonly #folder: string;
  readonly #segments: Segment[];
  readonly #out = new ByteWriter();

  private constructor(folder: string, id: string, segments: Segment[]) {
    this.#folder = folder;
    this.id = id;
    this.#segments = segments;
  }

  /**
   * Opens the journal in an existing folder, or begins one there. The caller holds the lock.
   *
   * @throws FilesFault "journal" when something in the middle is damaged
   */
  static open(folder: string): JournalLog {
    const names = readdirSync(folder);
    const idPath = join(folder, "id");
    if (!names.includes("id")) writeFileSync(idPath, randomUUID());
    const segments = names
      .filter((name) => /^log-\d{16}$/.test(name))
      .sort()
      .map((name) => openSegment(join(folder, name), Number(name.slice(4))));
    if (segments.length === 0) segments.push(openSegment(segmentPath(folder, 0), 0));
    const log = new JournalLog(folder, readFileSync(idPath, "utf8"), segments);
    log.#cutTornEnd();
    return log;
  }

  /** The position of the oldest record that is left. */
  get start(): number {
    return this.#segments[0]!.base;
  }

  /** The position where the last segment begins. */
  get lastSegmentStart(): number {
    return this.#last.base;
  }

  /** The position behind the last record. */
  get end(): number {
    const last = this.#last;
    return last.base + last.size;
  }

  /** Writes a record behind the last one; where it lies. Refused whole, with what the system says. */
  append(record: JournalRecord): Attempt<{ readonly start: number; readonly end: number }, Errno> {
    this.#out.clear();
    this.#encode(record);
    const bytes = this.#out.view();
    const { base, fd, size } = this.#last;
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, size + done);
    } catch (thrown) {
      ftruncateSync(fd, size);
      return refusal(writeErrno(thrown));
    }
    this.#last.size = size + bytes.length;
    return success({ start: base + size, end: this.end });
  }

  /** Sets the stamp of the record "touch" that ends at a position, which is not settled; if refused, it stays so. */
  settle(end: number, stamp: Stamp): Attempt<void, Errno> {
    return this.#overwrite(end - STAMP_BYTES, writeStamp(stamp));
  }

  /** Says that the file of the record "touch" that ends at a position is about to change. */
  unsettle(end: number): Attempt<void, Errno> {
    return this.#overwrite(end - 1, UNSETTLED);
  }

  /** The entry that begins at a position, checked. */
  read(position: number): LogEntry {
    const segment = this.#segmentOf(position);
    const frame = readFrame(segment, position - segment.base, new Window(segment, FRAME_GUESS_BYTES));
    if (frame === undefined) throw damaged(segment, position);
    const bytes = readFully(segment, frame.payload, frame.end - frame.payload);
    const payload = bytes.subarray(0, frame.length);
    if (crc32(payload) !== frame.checksum) throw damaged(segment, position);
    const stamp = bytes.length > frame.length ? readStamp(bytes.subarray(frame.length)) : undefined;
    return { start: position, end: segment.base + frame.end, record: readRecord(payload), stamp };
  }

  /** Where all records from a position on begin, in order. */
  heads(from: number): RecordHead[] {
    const heads: RecordHead[] = [];
    for (const segment of this.#segments) {
      if (segment.base + segment.size <= from) continue;
      const window = new Window(segment, SCAN_BYTES);
      let offset = Math.max(0, from - segment.base);
      while (offset < segment.size) {
        const frame = readFrame(segment, offset, window);
        if (frame === undefined) throw damaged(segment, segment.base + offset);
        heads.push({ start: segment.base + offset, type: frame.type });
        offset = frame.end;
      }
    }
    return heads;
  }

  /** Begins a new segment when the last one has grown large, so that old ones can be dropped. */
  rotate(): void {
    if (this.#last.size < SEGMENT_BYTES) return;
    this.#segments.push(openSegment(segmentPath(this.#folder, this.end), this.end));
  }

  /** Drops segments that end at or before a position. */
  dropBefore(position: number): void {
    while (this.#segments.length > 1 && this.#segments[1]!.base <= position) {
      const { fd, path } = this.#segments.shift()!;
      closeSync(fd);
      rmSync(path);
    }
  }

  close(): void {
    for (const { fd } of this.#segments.splice(0)) closeSync(fd);
  }

  get #last(): Segment {
    return this.#segments.at(-1)!;
  }

  #overwrite(position: number, bytes: Uint8Array): Attempt<void, Errno> {
    const segment = this.#segmentOf(position);
    try {
      writeSync(segment.fd, bytes, 0, bytes.length, position - segment.base);
      return success(undefined);
    } catch (thrown) {
      return refusal(writeErrno(thrown));
    }
  }

  #encode(record: JournalRecord): void {
    const payload = new ByteWriter();
    writeRecord(payload, record);
    const bytes = payload.view();
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    header.setUint32(0, bytes.length, true);
    header.setUint32(4, crc32(bytes), true);
    this.#out.bytes(new Uint8Array(header.buffer));
    this.#out.bytes(bytes);
    if (record.type === "touch") this.#out.bytes(new Uint8Array(STAMP_BYTES));
  }

  #segmentOf(position: number): Segment {
    const segment = this.#segments.findLast(({ base }) => base <= position);
    if (segment === undefined || position >= segment.base + segment.size) {
      throw new FilesFault("journal", `journal position ${position}, the journal holds ${this.start} to ${this.end}`);
    }
    return segment;
  }

  /** Finds the end of the last whole record of the last segment and cuts off what lies behind it. */
  #cutTornEnd(): void {
    const last = this.#last;
    const window = new Window(last, SCAN_BYTES);
    let offset = 0;
    while (offset < last.size) {
      const frame = readFrame(last, offset, window);
      if (frame === undefined) break;
      offset = frame.end;
    }
    if (offset < last.size) ftruncateSync(last.fd, offset);
    last.size = offset;
  }
}

/** A record's parts as offsets in its segment: payload, its length, and where the record ends. */
interface Frame {
  readonly type: RecordType;
  readonly payload: number;
  readonly length: number;
  readonly checksum: number;
  readonly end: number;
}

/**
 * The frame at an offset; undefined: the segment ends within it, as it does when an append was cut short.
 *
 * @throws FilesFault "journal" for what no append, whole or cut short, can have written
 */
function readFrame(segment: Segment, offset: number, window: Window): Frame | undefined {
  const bytes = window.at(offset, HEADER_BYTES + 1);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = view.getUint32(0, true);
  if (length === 0 || length > PAYLOAD_BYTES_MAX) throw damaged(segment, segment.base + offset);
  const payload = offset + HEADER_BYTES;
  const type = typeOf(bytes.subarray(HEADER_BYTES));
  const end = payload + length + (type === "touch" ? STAMP_BYTES : 0);
  return end > segment.size ? undefined : { type, payload, length, checksum: view.getUint32(4, true), end };
}

/** Small pieces of a segment, read in larger ones. */
class Window {
  readonly #segment: Segment;
  readonly #bytes: Uint8Array;
  #start = 0;
  #length = 0;

  constructor(segment: Segment, sizeBytes: number) {
    this.#segment = segment;
    this.#bytes = new Uint8Array(sizeBytes);
  }

  /** `length` bytes at an offset, valid until the next call; undefined when the segment ends before. */
  at(offset: number, length: number): Uint8Array | undefined {
    if (offset + length > this.#segment.size) return undefined;
    if (offset < this.#start || offset + length > this.#start + this.#length) {
      this.#start = offset;
      this.#length = readSync(this.#segment.fd, this.#bytes, 0, this.#bytes.length, offset);
      if (this.#length < length) throw damaged(this.#segment, this.#segment.base + offset);
    }
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + length);
  }
}

function segmentPath(folder: string, base: number): string {
  return join(folder, `log-${String(base).padStart(16, "0")}`);
}

function openSegment(path: string, base: number): Segment {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  return { base, path, fd, size: fstatSync(fd).size };
}

function readFully(segment: Segment, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const read = readSync(segment.fd, bytes, done, length - done, offset + done);
    if (read === 0) throw damaged(segment, segment.base + offset);
    done += read;
  }
  return bytes;
}

/** Why the journal could not be written. What is not a system error is thrown on. */
function writeErrno(thrown: unknown): Errno {
  switch ((thrown as { code?: unknown }).code) {
    case "ENOSPC":
      return "nospc";
    case "EDQUOT":
      return "dquot";
    case "EFBIG":
      return "fbig";
    case "EIO":
      return "io";
    default:
      throw thrown;
  }
}

function damaged(segment: Segment, position: number): FilesFault {
  return new FilesFault("journal", `journal ${segment.path} is damaged at position ${position}`);
}
