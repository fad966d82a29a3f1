// One process, and in it one owner, at a journal: SQLite's file lock, which the system takes back when a process dies.
// Node has no file locks of its own, and a file with a process number in it cannot be taken over without a race.

import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { messageOf } from "../../util/index.ts";
import { FilesFault } from "../files/fault.ts"; // by name: what only locks needs no file systems

/** SQLite's result codes for what another has. */
const [SQLITE_BUSY, SQLITE_LOCKED] = [5, 6];

/**
 * Locks a folder until the returned function is called, or the process dies.
 *
 * @throws FilesFault "journal" when another has it, or when it cannot be locked at all (`heldByOther` tells which)
 */
export function lockFolder(folder: string): () => void {
  let database: DatabaseSync | undefined;
  try {
    const sqlite = process.getBuiltinModule("node:sqlite"); // when it is needed: it takes a while to be there
    database = new sqlite.DatabaseSync(join(folder, "lock"), { timeout: 0 });
    database.exec(
      "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE",
    );
  } catch (thrown) {
    database?.close();
    const cause = messageOf(thrown);
    const held = [SQLITE_BUSY, SQLITE_LOCKED].includes((thrown as { errcode?: number }).errcode ?? 0);
    const message = held
      ? `the journal ${folder} is in use, wait for the program that has it or end it`
      : `the folder ${folder} cannot be locked: ${cause}`;
    throw new FilesFault("journal", message, { cause, held }, thrown);
  }
  const locked = database;
  return () => locked.close();
}

/** Whether what `lockFolder` has thrown says that another has the folder. */
export function heldByOther(thrown: unknown): boolean {
  return thrown instanceof FilesFault && thrown.detail["held"] === true;
}
