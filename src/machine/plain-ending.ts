// Endings that name no function. Apart from ending.ts, which needs the decoder for names: programs that end well do not.

import type { Ending } from "../engine/index.ts";
import type { EndingReport } from "./protocol.ts";

const FAILED = 1;

/** Undefined for an ending that is told with the functions it happened in. */
export function plainEnding(ending: Ending): EndingReport | undefined {
  switch (ending.kind) {
    case "returned":
      return { kind: ending.kind, exitCode: 0, lines: [] };
    case "exited":
      return { kind: ending.kind, exitCode: ending.code, lines: [] };
    default:
      return undefined;
  }
}

/** An ending after which output was lost, if it was: that makes a failure of success. */
export function withLoss(ending: EndingReport, lost: string | undefined): EndingReport {
  if (lost === undefined) return ending;
  return { ...ending, exitCode: ending.exitCode || FAILED, lines: [...ending.lines, `error: ${lost}`] };
}
