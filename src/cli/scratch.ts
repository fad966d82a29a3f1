// Folders that go with the command, also when a signal ends it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onSignals } from "./signals.ts";

/** Runs `use` with a new folder in the temporary one. A signal ends the process as ever, without the folder. */
export async function inScratch<T>(name: string, use: (folder: string) => Promise<T>): Promise<T> {
  let folder: string | undefined;
  const remove = () => {
    // A signal may come while threads of this process still write there: then it is not empty at once.
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  const unheard = onSignals((exitCode) => {
    try {
      remove();
    } finally {
      process.exit(exitCode);
    }
  });
  try {
    folder = mkdtempSync(join(tmpdir(), `rtcr-${name}-`)); // when signals are heard: none ends the process without it
    return await use(folder);
  } finally {
    unheard();
    remove();
  }
}
