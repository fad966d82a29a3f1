// Contracts of every session kind; no implementation lives here.
export type * from "./clock.ts";
export { ERRNO, type Errno } from "./errno.ts";
export type * from "./file-system.ts";
export type * from "./program.ts";
export type * from "./random.ts";
export type * from "./socket.ts";
export type * from "./state.ts";
export type * from "./stream.ts";
export type * from "./terminal.ts";
