// Profile files given on the command line, and where results go.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { type NamedProfile, readProfile } from "../../profile/index.ts";
import type { Values } from "../command.ts";
import { usageError } from "../failure.ts";

/** @throws ProfileFault "malformed", or the system's error for a file that cannot be read */
export function readProfiles(files: readonly string[]): readonly NamedProfile[] {
  return files.map((what) => ({ what, profile: readProfile(readFileSync(what, "utf8"), what) }));
}

/** Writes the file whole, or leaves what was there. */
export function writeWhole(file: string, content: string | Uint8Array): void {
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, content);
  renameSync(temporary, file);
}

/** The value of `-o`. */
export function outputOf(values: Values, action: string): string {
  const output = values["output"];
  if (typeof output === "string") return output;
  throw usageError(`profile ${action}: no output file, expected -o FILE`, "profile");
}
