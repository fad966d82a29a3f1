// Undo journals of programs' files: a folder for each line of restored programs, locked by the one that runs.

import { randomBytes } from "node:crypto";
import { heldByOther, lockFolder } from "../core/journal/lock-node.ts"; // by name: journals themselves are the program's
import { makeFolders } from "./folders.ts";
import type { Home } from "./home.ts";

/** A name for a journal that nobody has: 16 hexadecimal digits. */
export function newJournal(): string {
  return randomBytes(8).toString("hex");
}

/** The folder of a journal, which exists then. */
export function journalFolder(home: Home, journal: string): string {
  const folder = home.at("journals", journal);
  makeFolders(folder);
  return folder;
}

/** Whether another program has the journal. */
export function journalInUse(home: Home, journal: string): boolean {
  try {
    lockFolder(journalFolder(home, journal))();
    return false;
  } catch (thrown) {
    if (heldByOther(thrown)) return true;
    throw thrown;
  }
}
