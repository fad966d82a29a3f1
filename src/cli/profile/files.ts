// Profile files given on the command line, and where results go.
import { type NamedProfile, readProfile } from "../../profile/index.ts";
import type { Values } from "../command.ts";
import { usageError } from "../failure.ts";
import { readInputText } from "../files.ts";

/** @throws ProfileFault "malformed", CliFailure for a file that cannot be read */
export function readProfiles(files: readonly string[]): readonly NamedProfile[] {
  return files.map((what) => ({ what, profile: readProfile(readInputText(what), what) }));
}

/** The value of `-o`. */
export function outputOf(values: Values, action: string): string {
  const output = values["output"];
  if (typeof output === "string") return output;
  throw usageError(`profile ${action}: no output file, expected -o FILE`, "profile");
}
