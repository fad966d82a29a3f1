// The file operations that a directory store needs, and nothing more: every one is a place where a process may be killed, a disk
// may be full or power may fail, so tests put their own in between. Paths are joined with "/".
//
// Errors carry the system's name in `code` (ENOENT, ENOSPC ...), as Node's do.

/** A file being written, from its creation to its only close. */
export interface NewFile {
  /** Appends all of `chunks`; they must not change until it resolves. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Resolves when the bytes are safe from power failure. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenFile {
  sizeBytes(): Promise<number>;
  /** The system's number of the file, which is valid in all threads of the process; absent: it has none. */
  readonly descriptor?: number;
  /** Up to `length` bytes from `position`; fewer only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface FileOperations {
  /** Makes a directory and those above it; it may be there already. */
  makeDirectory(path: string): Promise<void>;
  /** Makes a new file; EEXIST when there is one. */
  create(path: string): Promise<NewFile>;
  open(path: string): Promise<OpenFile>;
  /** The names in a directory, in any order. */
  list(path: string): Promise<string[]>;
  /** Moves a file, over another one if need be, in one step. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Resolves when creations, renames and removals in the directory are safe from power failure. */
  syncDirectory(path: string): Promise<void>;
  /** Sets the time of modification to now. */
  touch(path: string): Promise<void>;
  /** Time of modification, UTC milliseconds. */
  modifiedMs(path: string): Promise<number>;
}

/** The whole content of a file. */
export async function readFile(files: FileOperations, path: string): Promise<Uint8Array> {
  const file = await files.open(path);
  try {
    return await file.read(0, await file.sizeBytes());
  } finally {
    await file.close();
  }
}

/** Puts a file in its place complete: written and synced at `temporary`, then renamed. Removed when anything fails. */
export async function writeFile(
  files: FileOperations,
  temporary: string,
  path: string,
  bytes: Uint8Array,
  sync = true,
): Promise<void> {
  const file = await files.create(temporary);
  try {
    try {
      await file.write([bytes]);
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
    await files.rename(temporary, path);
  } catch (thrown) {
    await files.remove(temporary).catch(() => undefined);
    throw thrown;
  }
}
