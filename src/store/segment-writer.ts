// Writes one segment: pages appended while the next ones are being made, one sync, one rename.
import type { Sha256 } from "../checkpoint/index.ts";
import type { Codec, CodecName } from "./codec.ts";
import type { FileOperations, NewFile } from "./files.ts";
import { HEADER_BYTES, type SegmentEntry, writeHeader, writeIndex, writeTrailer } from "./segment-format.ts";

/** Pages are handed to the system in pieces of about this size; one piece is in flight at a time. */
const PIECE_BYTES = 1 << 20;

/** Every so often the disk is set to work before the end, beside hashing: 64 MiB take 80 ms instead of 100. */
const SYNC_AHEAD_BYTES = 16 << 20;

/** A segment that is in its place. */
export interface SealedSegment {
  readonly name: string;
  readonly entries: readonly SegmentEntry[];
}

export class SegmentWriter {
  readonly #files: FileOperations;
  readonly #temporary: string;
  readonly #file: NewFile;
  readonly #entries: SegmentEntry[] = [];
  #offset = HEADER_BYTES;
  #piece: Uint8Array[] = [writeHeader()];
  #pieceBytes = HEADER_BYTES;
  #flight: Promise<void> = Promise.resolve();
  /** Syncs under way, all of them. They make the last one short, nothing relies on them. */
  #ahead: Promise<unknown> = Promise.resolve();
  #aheadOffset = 0;
  #closed = false;

  private constructor(files: FileOperations, temporary: string, file: NewFile) {
    this.#files = files;
    this.#temporary = temporary;
    this.#file = file;
  }

  static async create(files: FileOperations, temporary: string): Promise<SegmentWriter> {
    return new SegmentWriter(files, temporary, await files.create(temporary));
  }

  get storedBytes(): number {
    return this.#offset - HEADER_BYTES;
  }

  /** Appends stored bytes; they must not change until the segment is sealed. Resolves when more can be taken. */
  async append(name: string, sizeBytes: number, codec: CodecName, stored: Uint8Array): Promise<void> {
    this.#entries.push({ name, sizeBytes, codec, offset: this.#offset, storedBytes: stored.length });
    this.#offset += stored.length;
    this.#piece.push(stored);
    this.#pieceBytes += stored.length;
    if (this.#pieceBytes >= PIECE_BYTES) await this.#launch();
  }

  /** Ends the file, makes it safe and moves it to `directory`. The directory itself is for the caller to sync. */
  async seal(directory: string, sha256: Sha256): Promise<SealedSegment> {
    const index = writeIndex(this.#entries);
    const name = sha256(index);
    this.#piece.push(index, writeTrailer(name, this.#entries.length));
    try {
      await this.#launch();
      await this.#flight;
      await this.#ahead; // an error of the disk is reported once, perhaps here
      await this.#file.sync();
    } finally {
      await this.#close();
    }
    await this.#files.rename(this.#temporary, `${directory}/${name}`);
    return { name, entries: this.#entries };
  }

  /** Takes the file away, whatever state it is in. */
  async abandon(): Promise<void> {
    await this.#flight.catch(() => undefined);
    await this.#ahead.catch(() => undefined);
    await this.#close().catch(() => undefined);
    await this.#files.remove(this.#temporary).catch(() => undefined);
  }

  /** Once only: a second close might meet another file of the same number. */
  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#file.close();
  }

  async #launch(): Promise<void> {
    const piece = this.#piece;
    this.#piece = [];
    this.#pieceBytes = 0;
    await this.#flight;
    this.#flight = this.#file.write(piece);
    this.#flight.catch(() => undefined); // it is awaited before anything else happens
    if (this.#offset - this.#aheadOffset < SYNC_AHEAD_BYTES) return;
    this.#aheadOffset = this.#offset;
    this.#ahead = Promise.all([this.#ahead, this.#file.sync()]);
    this.#ahead.catch(() => undefined);
  }
}

/** The stored form of a page: compressed where that makes it smaller. */
export async function storedForm(
  bytes: Uint8Array,
  codec: CodecName,
  encoder: Codec | undefined,
): Promise<{ readonly codec: CodecName; readonly stored: Uint8Array }> {
  const stored = await encoder?.encode(bytes);
  return stored && stored.length < bytes.length ? { codec, stored } : { codec: "none", stored: bytes };
}
