// The boot modules of a system: files beside its configuration and in the folder `modules` there, files that were named,
// programs in TypeScript.

import { existsSync, readdirSync } from "node:fs";
import { dirname, join, parse } from "node:path";
import { nativeBinary } from "../../core/index.ts";
import { NATIVE_PROGRAMS } from "../../native/index.ts";
import { RTCR_PROGRAM } from "../../rtcr/index.ts";
import { usageError } from "../failure.ts";
import { readInput } from "../files.ts";

/** Beside the configuration. */
const FOLDER = "modules";
/** Files that are modules without being named. */
const SUFFIXES = [".wasm", ".rom"];

/**
 * All modules by name. `x.wasm` is the module `x`, and `x.wasm`. Named files win over those beside the configuration,
 * these over those in the folder, these over programs in TypeScript.
 *
 * @param given `NAME=FILE`
 * @throws CliFailure (usage) for anything else, or for a file that cannot be read
 */
export function readSystemModules(configFile: string, given: readonly string[]): ReadonlyMap<string, Uint8Array> {
  const modules = new Map<string, Uint8Array>();
  for (const name of [...NATIVE_PROGRAMS.keys(), RTCR_PROGRAM]) modules.set(name, nativeBinary(name));
  const directory = dirname(configFile);
  const folder = join(directory, FOLDER);
  if (existsSync(folder)) addFiles(modules, folder);
  addFiles(modules, directory);
  for (const text of given) {
    const [, name, file] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (!name || !file) throw usageError(`--rom ${text}: expected NAME=FILE`, "run");
    modules.set(name, readModuleFile(file));
  }
  return modules;
}

function addFiles(modules: Map<string, Uint8Array>, directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const { name, ext } = parse(entry.name);
    if (!SUFFIXES.includes(ext) || entry.isDirectory()) continue;
    const bytes = readModuleFile(join(directory, entry.name));
    modules.set(name, bytes);
    modules.set(entry.name, bytes);
  }
}

/** In shared memory, so that workers get it without a copy. */
function readModuleFile(path: string): Uint8Array {
  const content = readInput(path);
  const bytes = new Uint8Array(new SharedArrayBuffer(content.length));
  bytes.set(content);
  return bytes;
}
