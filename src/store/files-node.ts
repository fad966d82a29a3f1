// The file operations of Node. Plain descriptors instead of FileHandle: one that is forgotten does no harm.
import * as fs from "node:fs";
import { promisify } from "node:util";
import type { FileOperations, NewFile, OpenFile } from "./files.ts";

const open = promisify(fs.open);
const close = promisify(fs.close);
const fsync = promisify(fs.fsync);
const fstat = promisify(fs.fstat);

/** The most buffers for one writev call (IOV_MAX on Linux). */
const MAX_CHUNKS = 1024;

export const nodeFiles: FileOperations = {
  makeDirectory: async (path) => void (await fs.promises.mkdir(path, { recursive: true })),
  create: async (path) => newFile(await open(path, "wx", 0o600)),
  open: async (path) => openFile(await open(path, "r")),
  list: (path) => fs.promises.readdir(path),
  rename: (from, to) => fs.promises.rename(from, to),
  remove: (path) => fs.promises.unlink(path),
  syncDirectory,
  touch: (path) => fs.promises.utimes(path, new Date(), new Date()),
  modifiedMs: async (path) => (await fs.promises.stat(path)).mtimeMs,
};

function newFile(descriptor: number): NewFile {
  return {
    write: async (chunks) => {
      for (let i = 0; i < chunks.length; i += MAX_CHUNKS) await writeAll(descriptor, chunks.slice(i, i + MAX_CHUNKS));
    },
    sync: () => fsync(descriptor),
    close: () => close(descriptor),
  };
}

/** writev may write less than it was given (a nearly full disk, a signal): the rest follows, the error with it. */
async function writeAll(descriptor: number, chunks: readonly Uint8Array[]): Promise<void> {
  let rest = chunks.filter((chunk) => chunk.length > 0);
  while (rest.length > 0) {
    let written = await writev(descriptor, rest);
    while (rest.length > 0 && written >= rest[0]!.length) written -= rest.shift()!.length;
    if (rest.length > 0) rest = [rest[0]!.subarray(written), ...rest.slice(1)];
  }
}

function writev(descriptor: number, chunks: readonly Uint8Array[]): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.writev(descriptor, chunks, (error, written) => (error ? reject(error) : resolve(written)));
  });
}

function openFile(descriptor: number): OpenFile {
  return {
    descriptor,
    sizeBytes: async () => (await fstat(descriptor)).size,
    read: async (position, length) => {
      const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer); // not zeroed: it is filled, or cut below
      let done = 0;
      while (done < length) {
        const count = await read(descriptor, bytes, done, length - done, position + done);
        if (count === 0) break;
        done += count;
      }
      return done === length ? bytes : bytes.subarray(0, done);
    },
    close: () => close(descriptor),
  };
}

function read(
  descriptor: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(descriptor, bytes, offset, length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** Windows cannot open directories; there the file system orders renames itself. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const descriptor = await open(path, "r");
  try {
    await fsync(descriptor);
  } finally {
    await close(descriptor);
  }
}
