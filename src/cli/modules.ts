// Modules by hash: read from a file, from a checkpoint that carries them, or from the state directory.

import { createHash, randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { short } from "../checkpoint/index.ts";
import { MachineFault } from "../machine/faults.ts";
import type { LoadedImage } from "../store/index-node.ts";
import { CliFailure, EXIT } from "./failure.ts";
import { readInput } from "./files.ts";
import type { Home } from "./home.ts";
import type { ProgramRecord } from "./record.ts";

export interface ModuleFile {
  readonly bytes: Uint8Array;
  /** SHA-256, hexadecimal. */
  readonly hash: string;
}

/** Reads a module's file; not decoded yet. @throws CliFailure */
export function readModule(path: string): ModuleFile {
  const bytes = readInput(path);
  return { bytes, hash: createHash("sha256").update(bytes).digest("hex") };
}

/** Keeps a module for checkpoints that do not carry it. The run is announced by then (runs.ts), which gc looks at. */
export function keepModule(home: Home, { bytes, hash }: ModuleFile): void {
  const path = home.at("modules", `${hash}.wasm`);
  if (touched(path)) return;
  const temporary = asideOf(path);
  writeFileSync(temporary, bytes);
  renameSync(temporary, path);
}

/** A module that lies in the state directory, for gc. */
export interface KeptModule {
  readonly path: string;
  /** UTC milliseconds. */
  readonly usedMs: number;
}

/** All that are kept. */
export function listModules(home: Home): KeptModule[] {
  return home.list("modules").flatMap((name) => {
    const path = home.find("modules", name);
    const status = statSync(path, { throwIfNoEntry: false });
    return status ? [{ path, usedMs: status.mtimeMs }] : [];
  });
}

/** Whether nobody has kept a module again since it was listed. */
export function untouched({ path, usedMs }: KeptModule): boolean {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs === usedMs;
}

/**
 * Deletes a module unless somebody keeps it again. It is moved away for the last look: who comes later writes it anew.
 *
 * @returns whether it is deleted
 */
export function removeModule(module: KeptModule): boolean {
  if (!untouched(module)) return false;
  const aside = asideOf(module.path);
  try {
    renameSync(module.path, aside);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return false; // another gc was faster
    throw thrown;
  }
  const unused = untouched({ ...module, path: aside });
  if (unused) rmSync(aside, { recursive: true, force: true });
  else renameSync(aside, module.path);
  return unused;
}

/** Marks a file as used now; false if there is none. */
function touched(path: string): boolean {
  try {
    const now = new Date();
    utimesSync(path, now, now);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw thrown;
  }
}

function asideOf(path: string): string {
  return `${path}.${randomBytes(6).toString("hex")}`;
}

/**
 * The module of a checkpoint.
 *
 * @param file given by the user instead
 * @throws MachineFault "wrong-module" when a file is not the module that the checkpoint was made of
 */
export async function moduleOf(
  { reader, root }: LoadedImage,
  record: ProgramRecord,
  home: Home,
  file: string | undefined,
): Promise<ModuleFile> {
  const { hash, sizeBytes } = record.module;
  if (file === undefined && Object.hasOwn(reader.manifest.modules, hash)) {
    return { bytes: await reader.module(hash), hash };
  }
  const path = file ?? home.find("modules", `${hash}.wasm`);
  if (!existsSync(path)) {
    const where = file ?? "the state directory";
    const message = `checkpoint ${short(root.id)} needs module ${short(hash)} (${record.file}, ${sizeBytes} bytes), which it does not carry and ${where} does not hold`;
    throw new CliFailure(EXIT.notFound, message, "--module FILE names its file");
  }
  const found = readModule(path);
  if (found.hash === hash) return found;
  const message = `checkpoint ${short(root.id)} was made of module ${short(hash)} (${sizeBytes} bytes), found ${short(found.hash)} (${found.bytes.length} bytes) in ${path}`;
  throw new MachineFault("wrong-module", message, { found: found.hash, expected: hash, path });
}
