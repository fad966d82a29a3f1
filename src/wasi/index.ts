// WASI preview1 as a client of sessions.
export { WasiStateFault } from "./fault.ts";
export { createWasi, type SessionName, type SessionStates, sessionStates, WASI_MODULE, type Wasi } from "./wasi.ts";
