// Contracts of every session kind; no implementation lives here.
export { ERRNO, type Errno } from "./errno.ts";
export type * from "./file-system.ts";
