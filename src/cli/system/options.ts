// What a system is run with, as the options of `run` and `restore` say it.
import { flag, text, texts, type Values } from "../command.ts";
import { usageError } from "../failure.ts";
import { readDirectory } from "../given.ts";

/** Options that only systems have, and all that they have. */
export const ONLY_SYSTEMS: readonly string[] = ["rom", "cpus", "devices"];
const SYSTEM_OPTIONS: readonly string[] = [...ONLY_SYSTEMS, "dir", "deterministic", "name"];
const CPUS_LIMIT = 64;

/** What a system is run with, from the options of a verb. @throws CliFailure (usage) */
export function readSystemOptions(values: Values, args: readonly string[], verb: string) {
  const foreign = Object.keys(values).find((name) => !SYSTEM_OPTIONS.includes(name));
  if (foreign) throw usageError(`--${foreign} is for programs, a system takes --${SYSTEM_OPTIONS.join(", --")}`, verb);
  if (args.length > 0) throw usageError(`arguments behind SYSTEM.xml: ${args.join(" ")}, expected none`, verb);
  const cpus = Number(text(values, "cpus") ?? 1);
  const directories = texts(values, "dir").map(readDirectory);
  const devices = text(values, "devices");
  if (Number.isInteger(cpus) && cpus >= 1 && cpus <= CPUS_LIMIT) {
    return { roms: texts(values, "rom"), cpus, directories, devices, deterministic: flag(values, "deterministic") };
  }
  throw usageError(`--cpus ${text(values, "cpus")}: expected 1 to ${CPUS_LIMIT}`, verb);
}
