// Work on many pages that several threads share: each takes the next piece until none is left. Nothing is posted but the
// job itself; what comes of it lies in shared memory.
//
// read     runs of a file into shared memory, each page compared with its name (SHA-256)
// hash     names of the units of a content, from its last one on: whoever writes the content begins with the first
// touch    the first access of fresh memory: the system gives its pages now and not while somebody waits for a copy

import { hash } from "node:crypto";
import { readSync } from "node:fs";
import { allZero } from "../util/index.ts";

export const NAME_BYTES = 32;
/** Pages of a `read` that are taken at once: 1 MiB. */
const PIECE_PAGES = 16;
const TOUCH_BYTES = 4096;
const PIECE_BYTES = 1 << 20;

/** What has become of a page or unit. */
export const STATE = { open: 0, done: 1, zeros: 2, wrong: 3 } as const;

interface Common {
  /** One number: the next piece. */
  readonly next: Int32Array;
  readonly bytes: Uint8Array;
}

export interface ReadJob extends Common {
  readonly kind: "read";
  /** The file, open for reading; a number that all threads of the process share. */
  readonly descriptor: number;
  /** For each page: its place in the file, its place in `bytes`, its size. */
  readonly places: Float64Array;
  /** For each page 32 bytes. */
  readonly names: Uint8Array;
  readonly states: Uint8Array;
}

export interface HashJob extends Common {
  readonly kind: "hash";
  readonly unitBytes: number;
  readonly names: Uint8Array;
  readonly states: Uint8Array;
  /** One number: units before it are no longer of use. */
  readonly front: Int32Array;
}

export interface TouchJob extends Common {
  readonly kind: "touch";
}

export type PageJob = ReadJob | HashJob | TouchJob;

/** Does one piece of a job; false: none is left. */
export function servePiece(job: PageJob): boolean {
  switch (job.kind) {
    case "read":
      return readPiece(job);
    case "hash":
      return hashUnit(job);
    case "touch":
      return touchPiece(job);
  }
}

function readPiece(job: ReadJob): boolean {
  const first = Atomics.add(job.next, 0, PIECE_PAGES);
  const end = Math.min(first + PIECE_PAGES, job.states.length);
  for (let page = first; page < end; ) page = readRun(job, page, end);
  return end < job.states.length;
}

/** Reads the pages from `first` that lie side by side in the file and in memory; the first one behind them. */
function readRun(job: ReadJob, first: number, end: number): number {
  const { places, states } = job;
  const place = (page: number, which: number) => places[page * 3 + which]!;
  let length = place(first, 2);
  let behind = first + 1;
  while (
    behind < end &&
    place(behind, 0) === place(first, 0) + length &&
    place(behind, 1) === place(first, 1) + length
  ) {
    length += place(behind++, 2);
  }
  const complete = readFully(
    job.descriptor,
    job.bytes.subarray(place(first, 1), place(first, 1) + length),
    place(first, 0),
  );
  for (let page = first; page < behind; page++) {
    const bytes = job.bytes.subarray(place(page, 1), place(page, 1) + place(page, 2));
    const name = job.names.subarray(page * NAME_BYTES, (page + 1) * NAME_BYTES);
    Atomics.store(states, page, complete && digest(bytes).equals(name) ? STATE.done : STATE.wrong);
  }
  return behind;
}

function readFully(descriptor: number, bytes: Uint8Array, position: number): boolean {
  for (let done = 0; done < bytes.length; ) {
    const count = readSome(descriptor, bytes.subarray(done), position + done);
    if (count === 0) return false;
    done += count;
  }
  return true;
}

/** @returns 0 at the end of the file, and where it cannot be read: whoever asked will meet the error again */
function readSome(descriptor: number, bytes: Uint8Array, position: number): number {
  try {
    return readSync(descriptor, bytes, 0, bytes.length, position);
  } catch {
    return 0;
  }
}

function hashUnit({ next, bytes, unitBytes, names, states, front }: HashJob): boolean {
  const unit = states.length - 1 - Atomics.add(next, 0, 1);
  if (unit < Atomics.load(front, 0)) return false;
  const content = bytes.subarray(unit * unitBytes, (unit + 1) * unitBytes);
  const zeros = allZero(content);
  if (!zeros) names.set(digest(content), unit * NAME_BYTES);
  Atomics.store(states, unit, zeros ? STATE.zeros : STATE.done);
  return true;
}

function touchPiece({ next, bytes }: TouchJob): boolean {
  const start = Atomics.add(next, 0, 1) * PIECE_BYTES;
  const end = Math.min(start + PIECE_BYTES, bytes.length);
  for (let at = start; at < end; at += TOUCH_BYTES) bytes[at] = 0;
  return end < bytes.length;
}

function digest(bytes: Uint8Array): Buffer {
  return hash("sha256", bytes, "buffer");
}
