// One process, and in it one owner, at a journal: SQLite's file lock, which the system takes back when a process dies.
// Node has no file locks of its own, and a file with a process number in it cannot be taken over without a race.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf } from "../../util/index.ts";
import { FilesFault } from "../files/index.ts";

/**
 * Locks a folder until the returned function is called, or the process dies.
 *
 * @throws FilesFault "journal" when another has it
 */
export function lockFolder(folder: string): () => void {
  const database = new DatabaseSync(join(folder, "lock"), { timeout: 0 });
  try {
    database.exec(
      "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE",
    );
  } catch (thrown) {
    database.close();
    throw new FilesFault("journal", `the journal ${folder} is in use, wait for the program that has it or end it`, {
      cause: messageOf(thrown),
    });
  }
  return () => database.close();
}
