// Bytes of a segment: header, index entries, trailer. docs/FORMAT.md has the layout; nothing here touches files.

import type { Sha256 } from "../checkpoint/index.ts";
import { equalBytes } from "../util/index.ts";
import { CODEC_TAGS, type CodecName } from "./codec.ts";
import { StoreFault } from "./faults.ts";

export const SEGMENT_VERSION = 1;
export const HEADER_BYTES = 16;
export const ENTRY_BYTES = 48;
export const TRAILER_BYTES = 48;
/** A writer begins a new segment behind this many stored bytes. */
export const SEGMENT_LIMIT_BYTES = 128 << 20;
export const PAGE_LIMIT_BYTES = 65_536;
/** Incompressible pages are stored plain, so stored bytes never exceed this. */
const STORED_LIMIT_BYTES = PAGE_LIMIT_BYTES;

const BEGIN = new TextEncoder().encode("RTCRSEGM");
const END = new TextEncoder().encode("RTCREND\n");
const CODEC_NAMES = new Map(Object.entries(CODEC_TAGS).map(([name, tag]) => [tag as number, name as CodecName]));

/** Where a page lies in a segment. */
export interface SegmentEntry {
  readonly name: string;
  readonly offset: number;
  readonly storedBytes: number;
  readonly sizeBytes: number;
  readonly codec: CodecName;
}

/** Where the index lies, as the trailer tells. */
export interface IndexPlace {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly hash: string;
}

export function writeHeader(): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(BEGIN);
  new DataView(bytes.buffer).setUint32(8, SEGMENT_VERSION, true);
  return bytes;
}

export function writeIndex(entries: readonly SegmentEntry[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, entry] of entries.entries()) {
    const at = i * ENTRY_BYTES;
    bytes.set(Uint8Array.fromHex(entry.name), at);
    view.setBigUint64(at + 32, BigInt(entry.offset), true);
    view.setUint32(at + 40, entry.storedBytes, true);
    view.setUint32(at + 44, entry.sizeBytes, true); // 24 bits; the codec takes the fourth byte
    bytes[at + 47] = CODEC_TAGS[entry.codec];
  }
  return bytes;
}

export function writeTrailer(indexHash: string, entries: number): Uint8Array {
  const bytes = new Uint8Array(TRAILER_BYTES);
  bytes.set(Uint8Array.fromHex(indexHash));
  new DataView(bytes.buffer).setUint32(32, entries, true);
  bytes.set(END, 40);
  return bytes;
}

/** Checks a header. `label` begins messages: `segment 3fa91c07`. */
export function requireHeader(bytes: Uint8Array, label: string): void {
  const begin = bytes.subarray(0, Math.min(BEGIN.length, bytes.length));
  if (!equalBytes(begin, BEGIN.subarray(0, begin.length))) {
    throw new StoreFault("foreign", `store: ${label} is no rtcr segment, expected it to begin with RTCRSEGM`, {
      label,
    });
  }
  if (bytes.length < HEADER_BYTES) throw truncated(label, bytes.length, "its header");
  const version = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
  if (version === SEGMENT_VERSION) return;
  const code = version > SEGMENT_VERSION ? "newer" : "older";
  const message = `store: ${label} has version ${version}, this build reads ${SEGMENT_VERSION}; use a newer build`;
  throw new StoreFault(code, message, { label, found: version, known: SEGMENT_VERSION });
}

/** The place of the index, from the file's last bytes. */
export function readTrailer(bytes: Uint8Array, fileBytes: number, label: string): IndexPlace {
  if (bytes.length < TRAILER_BYTES || !equalBytes(bytes.subarray(40), END))
    throw truncated(label, fileBytes, "its trailer");
  const entries = new DataView(bytes.buffer, bytes.byteOffset).getUint32(32, true);
  const sizeBytes = entries * ENTRY_BYTES;
  const offset = fileBytes - TRAILER_BYTES - sizeBytes;
  if (offset < HEADER_BYTES) {
    throw damaged(label, `announces ${entries} pages in ${fileBytes} bytes, expected room for its index`);
  }
  return { offset, sizeBytes, hash: bytes.subarray(0, 32).toHex() };
}

/** The entries of an index that was found at `place`, in the segment called `name`. */
export function readIndex(
  bytes: Uint8Array,
  place: IndexPlace,
  name: string,
  label: string,
  sha256: Sha256,
): SegmentEntry[] {
  const actual = sha256(bytes);
  if (actual !== place.hash || actual !== name) {
    throw damaged(
      label,
      `has an index of hash ${actual.slice(0, 8)}, expected ${name.slice(0, 8)} in trailer and name`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: SegmentEntry[] = [];
  for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
    const entry = {
      name: bytes.subarray(at, at + 32).toHex(),
      offset: Number(view.getBigUint64(at + 32, true)),
      storedBytes: view.getUint32(at + 40, true),
      sizeBytes: view.getUint32(at + 44, true) & 0xffffff,
      codec: CODEC_NAMES.get(bytes[at + 47]!),
    };
    const { codec } = entry;
    if (codec === undefined || !plausible(entry, place.offset)) {
      const { offset, storedBytes, sizeBytes } = entry;
      const found = `codec ${bytes[at + 47]}, ${storedBytes} bytes at ${offset} for ${sizeBytes}`;
      throw damaged(
        label,
        `has entry ${at / ENTRY_BYTES} (${found}), expected a known codec and a place inside the file`,
      );
    }
    entries.push({ ...entry, codec });
  }
  return entries;
}

function plausible(entry: Omit<SegmentEntry, "codec">, indexOffset: number): boolean {
  const { offset, storedBytes, sizeBytes } = entry;
  if (sizeBytes < 1 || sizeBytes > PAGE_LIMIT_BYTES || storedBytes < 1 || storedBytes > STORED_LIMIT_BYTES)
    return false;
  return offset >= HEADER_BYTES && offset + storedBytes <= indexOffset;
}

function truncated(label: string, fileBytes: number, what: string): StoreFault {
  const message = `store: ${label} ends early, after ${fileBytes} bytes, expected ${what} there`;
  return new StoreFault("truncated", message, { label, fileBytes });
}

function damaged(label: string, found: string): StoreFault {
  return new StoreFault("damaged", `store: ${label} ${found}`, { label });
}
