import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/** Creates a folder and those above it, as far as they are missing. Node's own way of doing so hangs below /proc. */
export function makeFolders(path: string): void {
  if (existsSync(path) || dirname(path) === path) return;
  makeFolders(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown; // another process was faster
  }
}
