// The undo journal of file system volumes.

export { Journal } from "./journal.ts";
export { JournaledDirectory } from "./journaled-directory.ts";
export { type Difference, type Expected, Ledger } from "./ledger.ts";
export { heldByOther, lockFolder } from "./lock-node.ts";
export { JournalLog } from "./log-node.ts";
export { recover } from "./recover.ts";
export { goBack, outOfBounds, type Skipped, type UndoRoots } from "./undo.ts";
