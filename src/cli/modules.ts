// Modules by hash: read from a file, from a checkpoint that carries them, or from the state directory.

import { createHash, randomBytes } from "node:crypto";
import { existsSync, renameSync, writeFileSync } from "node:fs";
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

/** Keeps a module for checkpoints that do not carry it. */
export function keepModule(home: Home, { bytes, hash }: ModuleFile): void {
  const path = home.at("modules", `${hash}.wasm`);
  if (existsSync(path)) return;
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  writeFileSync(temporary, bytes);
  renameSync(temporary, path);
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
