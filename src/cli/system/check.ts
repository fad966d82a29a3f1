// A system's configuration, read and checked strictly: what a running init would tolerate is refused here.

import { type ConfigChecks, checkSystem, describeFinding, XmlFault } from "../../init/index.ts";
import { checkRtcrConfig, RTCR_PROGRAM } from "../../rtcr/index.ts";
import type { Io } from "../command.ts";
import { CliFailure, EXIT } from "../failure.ts";
import { readInputText } from "../files.ts";
import { printJson } from "../print.ts";
import { describeSystem, printTree } from "./describe.ts";
import { readSystemModules } from "./modules.ts";
import { SYSTEM_QUOTA } from "./protocol.ts";
import { sharedCpus } from "./shared-cpus.ts";

/** Most findings that are listed. */
const LISTED = 20;

/** Of programs besides init. */
const CONFIG_CHECKS: ConfigChecks = new Map([[RTCR_PROGRAM, checkRtcrConfig]]);

/** Which modules there are. */
export type ModuleNames = Pick<ReadonlyMap<string, unknown>, "has" | "keys">;

export interface SystemCheckOptions {
  /** `NAME=FILE` */
  readonly roms: readonly string[];
  /** How many there will be; undefined: as many as the affinity space has places. */
  readonly cpus: number | undefined;
  readonly json: boolean;
}

/**
 * Checks a configuration without running it, and says what it makes.
 *
 * @throws CliFailure as `readSystemConfig` does
 */
export function checkSystemFile(io: Io, file: string, { roms, cpus, json }: SystemCheckOptions): void {
  const modules = readSystemModules(file, roms);
  const { config } = checkSystem(readSystemConfig(file, modules), CONFIG_CHECKS);
  const tree = describeSystem(config, SYSTEM_QUOTA);
  const grid = cpus === undefined ? config.affinitySpace : { width: cpus, height: 1 };
  const notes = [...tree.notes, ...sharedCpus(config, modules, grid)];
  if (json) return printJson(io, { system: file, ...tree, notes });
  io.out(`${file} is without fault\n${printTree(tree.children)}`);
  for (const note of notes) io.out(`  note: ${note}\n`);
}

/**
 * The text of a configuration that is without fault.
 *
 * @param modules that core has: programs of children must be among them, unless a child serves modules itself
 * @throws CliFailure with a line a finding: file, line, column, what was found and what is allowed
 */
export function readSystemConfig(file: string, modules: ModuleNames): string {
  const text = readInputText(file);
  const lines = findingsOf(text, file, modules);
  if (lines.length === 0) return text;
  const more = lines.length > LISTED ? [`and ${lines.length - LISTED} more`] : [];
  throw new CliFailure(EXIT.failed, [...lines.slice(0, LISTED), ...more].join("\n"));
}

function findingsOf(text: string, file: string, modules: ModuleNames): readonly string[] {
  try {
    const { config, findings } = checkSystem(text, CONFIG_CHECKS);
    const lines = findings.map((finding) => describeFinding(file, finding));
    if (config.starts.some(({ provides }) => provides.includes("ROM"))) return lines;
    const missing = config.starts.filter(({ binary }) => !modules.has(binary));
    return [...lines, ...missing.map(({ name, binary }) => describeMissing(file, name, binary, modules))];
  } catch (error) {
    if (error instanceof XmlFault) return [describeFinding(file, error)];
    throw error;
  }
}

function describeMissing(file: string, name: string, binary: string, modules: ModuleNames): string {
  const known = [...modules.keys()].filter((module) => !module.endsWith(".wasm")).sort();
  const found = `${file}: <start name="${name}"> wants the ROM module "${binary}", which is not there`;
  return `${found}; there are ${known.join(", ")} (--rom ${binary}=FILE adds it)`;
}
