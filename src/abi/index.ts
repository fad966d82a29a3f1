// What the rewriter, the engine, guests' hosts and images agree on.
export * from "./constants.ts";
export * from "./dataspace-role.ts";
export type * from "./host.ts";
export * from "./message.ts";
export * from "./preview1.ts";
export type * from "./program.ts";
export * from "./rpc.ts";
export type * from "./state.ts";
export * from "./streams.ts";
