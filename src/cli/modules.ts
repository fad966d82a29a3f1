// Modules by hash: read from a file, from a checkpoint that carries them, or from the state directory.

import { createHash, randomBytes } from "node:crypto";
import { existsSync, linkSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
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
  const temporary = `${path}.new.${token()}`;
  try {
    writeFileSync(temporary, bytes);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** A module that lies in the state directory, for gc. */
export interface KeptModule {
  readonly path: string;
  /** Of what a killed process has left: its name, which is no hash. */
  readonly hash: string;
  /** UTC milliseconds. */
  readonly usedMs: number;
}

/**
 * All that are kept, and what processes that were killed have left of some.
 *
 * @param away as if `returnModules` had put those back that a gc was killed with
 */
export function listModules(home: Home, away = false): KeptModule[] {
  const names = home.list("modules");
  return names.flatMap((name) => {
    const [, own] = ASIDE.exec(name) ?? [];
    if (own !== undefined && (!away || names.includes(own))) return [];
    const path = home.find("modules", name);
    const status = statSync(path, { throwIfNoEntry: false });
    return status ? [{ path, hash: basename(own ?? name, ".wasm"), usedMs: status.mtimeMs }] : [];
  });
}

/** Whether nobody has kept a module again since it was listed. */
export function untouched({ path, usedMs }: KeptModule): boolean {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs === usedMs;
}

/** What is done to files; tests stop in front of each. */
export interface ModuleFiles {
  rename(from: string, to: string): void;
  /** @throws EEXIST */
  link(from: string, to: string): void;
  remove(path: string): void;
}

const NODE_FILES: ModuleFiles = {
  rename: renameSync,
  link: linkSync,
  remove: (path) => rmSync(path, { recursive: true, force: true }),
};

/** A module that a gc has moved away, or had when it was killed. */
const ASIDE = /^(.*\.wasm)\.gc\.[0-9a-f]{12}$/;

/**
 * Deletes a module unless somebody keeps it again. It is moved away for the last look: who comes later writes it anew. If
 * this is killed in between, `returnModules` has it back.
 *
 * @returns whether it is deleted
 */
export function removeModule(module: KeptModule, files: ModuleFiles = NODE_FILES): boolean {
  if (!untouched(module)) return false;
  const aside = `${module.path}.gc.${token()}`;
  if (unlessGone(() => files.rename(module.path, aside))) return false; // another gc was faster
  const unused = untouched({ ...module, path: aside });
  if (unused) files.remove(aside);
  else putBack(aside, module.path, files);
  return unused;
}

/** Puts modules back that a gc was killed with, or has away for a moment: it then deletes nothing. */
export function returnModules(home: Home, files: ModuleFiles = NODE_FILES): void {
  for (const name of home.list("modules")) {
    const [, own] = ASIDE.exec(name) ?? [];
    if (own !== undefined) putBack(home.find("modules", name), home.find("modules", own), files);
  }
}

/** Who only reads may be unable to. */
function returnIfWritable(home: Home): void {
  try {
    returnModules(home);
  } catch {
    // What is missing is said by who looks for it.
  }
}

/** One that lies there meanwhile stays: it is the same, and somebody may just have kept it. */
function putBack(aside: string, path: string, files: ModuleFiles): void {
  unlessGone(() => {
    try {
      files.link(aside, path);
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      if (code === "ENOENT") throw thrown;
      if (code !== "EEXIST" && !existsSync(path)) return files.rename(aside, path); // a file system without links
    }
    files.remove(aside);
  });
}

/** @returns whether another process had taken the file away */
function unlessGone(act: () => void): boolean {
  try {
    act();
    return false;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw thrown;
  }
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

function token(): string {
  return randomBytes(6).toString("hex");
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
  if (file === undefined && !existsSync(path)) returnIfWritable(home);
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
