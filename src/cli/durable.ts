// Small files that survive a power failure.
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

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
 * Writes a file that nobody has written yet; one that another process has written meanwhile stays, where the file system has
 * links.
 *
 * @param fallBack has `temporary` put in its place where a link cannot be made. Default: it is renamed
 */
export function putOnce(
  file: string,
  text: string,
  fallBack: (temporary: string) => void = (temporary) => renameSync(temporary, file),
): void {
  const temporary = `${file}.${randomBytes(8).toString("hex")}`;
  try {
    writeDurably(temporary, text);
    if (!linked(temporary, file)) fallBack(temporary);
    syncFolder(dirname(file));
  } finally {
    rmSync(temporary, { force: true });
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
