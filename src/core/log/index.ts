// LOG sessions and what clients of them need.

export { CoreLog, type LineSink, logLength, logLines, logPieces } from "./session.ts";
export { createLogTerminal, type LogTerminal } from "./terminal.ts";
