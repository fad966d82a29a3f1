// Signals that end a command, as the exit codes that shells give to what they have ended.
import { constants } from "node:os";

/** Shells give this and the signal's number. */
export const SIGNAL_BASE = 128;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Tells of them instead of ending the process. @returns stops that */
export function onSignals(tell: (exitCode: number) => void): () => void {
  const handlers = SIGNALS.map((signal) => {
    const handler = () => tell(SIGNAL_BASE + constants.signals[signal]);
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => {
    for (const off of handlers) off();
  };
}
