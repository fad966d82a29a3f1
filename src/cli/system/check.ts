// A system's configuration, read and checked strictly: what a running init would tolerate is refused here.

import { readFileSync } from "node:fs";
import { checkSystem, describeFinding, XmlFault } from "../../init/index.ts";
import { CliFailure, EXIT } from "../failure.ts";

/** Most findings that are listed. */
const LISTED = 20;

/**
 * The text of a configuration that is without fault.
 *
 * @throws CliFailure with a line a finding: file, line, column, what was found and what is allowed
 */
export function readSystemConfig(file: string): string {
  const text = readFileSync(file, "utf8");
  const lines = findingsOf(text, file);
  if (lines.length === 0) return text;
  const more = lines.length > LISTED ? [`and ${lines.length - LISTED} more`] : [];
  throw new CliFailure(EXIT.failed, [...lines.slice(0, LISTED), ...more].join("\n"));
}

function findingsOf(text: string, file: string): readonly string[] {
  try {
    return checkSystem(text).findings.map((finding) => describeFinding(file, finding));
  } catch (error) {
    if (error instanceof XmlFault) return [describeFinding(file, error)];
    throw error;
  }
}
