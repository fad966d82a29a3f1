// Small files that survive a power failure.
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";

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
