// Small files that survive a power failure.
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { heldByOther, lockFolder } from "../core/journal/lock-node.ts"; // by name: the rest of it is not needed to list

const LOCK_RETRY_MS = 5;

/** Writes a file for its owner only; its name is durable after `syncFolder`. */
export function writeDurably(path: string, text: string): void {
  const file = openSync(path, "w", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Writes a file that nobody has written yet. One that another process has written meanwhile stays; what a damaged disk has
 * left of one does not.
 *
 * @param sound whether what is there is such a file
 */
export function putOnce(file: string, text: string, sound: (file: string) => boolean): void {
  const temporary = `${file}.${randomBytes(8).toString("hex")}`;
  try {
    writeDurably(temporary, text);
    if (!linked(temporary, file)) replaceUnsound(temporary, file, sound);
    syncFolder(dirname(file));
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** There may be nothing at all: some file systems have no links. */
function replaceUnsound(temporary: string, file: string, sound: (file: string) => boolean): void {
  if (sound(file)) return;
  const unlock = waitForLock(dirname(file));
  try {
    if (!sound(file)) renameSync(temporary, file); // else another process was faster
  } finally {
    unlock();
  }
}

/** Others have it for a moment only. */
function waitForLock(path: string): () => void {
  for (;;) {
    try {
      return lockFolder(path);
    } catch (thrown) {
      if (!heldByOther(thrown)) throw thrown;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_RETRY_MS);
    }
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}

/** Windows cannot open folders; there the file system orders names itself. */
export function syncFolder(path: string): void {
  if (process.platform === "win32") return;
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
