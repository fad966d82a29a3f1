// Folders that go with the command, also when a signal ends it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onSignals } from "./signals.ts";

/** Runs `use` with a new folder in the temporary one. A signal ends the process as ever, without the folder. */
export async function inScratch<T>(name: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), `rtcr-${name}-`));
  // A signal may come while threads of this process still write there: then it is not empty at once.
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  const unheard = onSignals((exitCode) => {
    try {
      remove();
    } finally {
      process.exit(exitCode);
    }
  });
  try {
    return await use(folder);
  } finally {
    unheard();
    remove();
  }
}
