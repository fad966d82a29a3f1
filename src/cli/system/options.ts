// What a system is run with, as the options of `run` and `restore` say it.
import { LOG_LEVELS, type LogLevel, STRATEGIES, type Strategy } from "../../rtcr/index.ts";
import { flag, text, texts, type Values } from "../command.ts";
import { usageError } from "../failure.ts";
import { readDirectory, readDuration } from "../given.ts";
import { ONLY_SYSTEMS } from "./only-systems.ts";

/** All options that systems have. */
const SYSTEM_OPTIONS: readonly string[] = [...ONLY_SYSTEMS, "dir", "deterministic", "name", "checkpoint-every"];
/** What `restore` has besides. */
const RESTORE_OPTIONS: readonly string[] = ["as", "supervisor", "strategy", "dry-run", "json", "follow"];
export const CPUS_LIMIT = 64;

/** What a system is run with, from the options of a verb. @throws CliFailure (usage) */
export function readSystemOptions(values: Values, args: readonly string[], verb: string) {
  const known = verb === "restore" ? [...SYSTEM_OPTIONS, ...RESTORE_OPTIONS] : SYSTEM_OPTIONS;
  const foreign = Object.keys(values).find((name) => !known.includes(name));
  if (foreign) throw usageError(`--${foreign} is for programs, a system takes --${known.join(", --")}`, verb);
  if (args.length > 0) throw usageError(`arguments behind SYSTEM.xml: ${args.join(" ")}, expected none`, verb);
  return {
    roms: texts(values, "rom"),
    cpus: readCpus(text(values, "cpus"), verb),
    directories: texts(values, "dir").map(readDirectory),
    devices: text(values, "devices"),
    deterministic: flag(values, "deterministic"),
    everyMs: readDuration(text(values, "checkpoint-every"), "checkpoint-every"),
    log: readLogLevel(text(values, "log")),
    profile: text(values, "profile"),
  };
}

/** How many CPUs there are. @throws CliFailure (usage) */
export function readCpus(given: string | undefined, verb: string): number | undefined {
  if (given === undefined) return undefined;
  const cpus = Number(given);
  if (Number.isInteger(cpus) && cpus >= 1 && cpus <= CPUS_LIMIT) return cpus;
  throw usageError(`--cpus ${given}: expected 1 to ${CPUS_LIMIT}`, verb);
}

/** How children are recreated. @throws CliFailure (usage) */
export function readStrategy(given: string | undefined, verb: string): Strategy {
  const strategy = STRATEGIES.find((known) => known === (given ?? "direct"));
  if (strategy) return strategy;
  throw usageError(`--strategy ${given}: expected ${STRATEGIES.join(" or ")}`, verb);
}

function readLogLevel(given: string | undefined): LogLevel | undefined {
  const level = LOG_LEVELS.find((known) => known === given?.toUpperCase());
  if (level !== undefined || given === undefined) return level;
  throw usageError(`--log ${given}: expected ${LOG_LEVELS.join(", ").toLowerCase()}`);
}
