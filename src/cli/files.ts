// Files that the user names: read and written whole, or one error that names them.

import { randomBytes } from "node:crypto";
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  lstatSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { messageOf } from "../util/index.ts";
import { CliFailure, EXIT } from "./failure.ts";

/** @throws CliFailure (not found, failed) */
export function readInput(path: string): Uint8Array {
  return named(`cannot read ${path}`, () => new Uint8Array(readFileSync(path)));
}

/** @throws CliFailure (not found, failed) */
export function readInputText(path: string): string {
  return named(`cannot read ${path}`, () => readFileSync(path, "utf8"));
}

/**
 * Writes a file whole, or leaves what was there; into a device or pipe as into any. Of a file that is there mode and owner
 * stay, and links lead to the new content as to the old one, but for hard links, which keep the old one. Where nothing can
 * be put in its place, in a folder that is not ours to write, it is written over as a shell would.
 *
 * @throws CliFailure (not found, failed)
 */
export function writeWhole(path: string, content: string | Uint8Array): void {
  named(`cannot write ${path}`, () => {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there && !there.isFile()) return writeFileSync(path, content);
    if (there) accessSync(path, constants.W_OK); // renaming would not ask
    const file = targetOf(path);
    const temporary = `${file}.${randomBytes(4).toString("hex")}`;
    try {
      // What replaces a file is nobody else's to read before it has that file's mode.
      writeFileSync(temporary, content, { flag: "wx", flush: true, ...(there ? { mode: 0o600 } : {}) });
      if (there) likeBefore(temporary, there);
      renameSync(temporary, file);
    } catch (thrown) {
      if (!there || !NOT_REPLACEABLE.includes((thrown as NodeJS.ErrnoException).code ?? "")) throw thrown;
      writeFileSync(file, content);
    } finally {
      rmSync(temporary, { force: true });
    }
  });
}

/** The folder does not take a file, or the file is mounted itself. */
const NOT_REPLACEABLE: readonly string[] = ["EACCES", "EPERM", "EROFS", "EBUSY"];

/** Where symbolic links lead, also when nothing is there yet. */
function targetOf(path: string): string {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return path;
  return targetOf(resolve(realpathSync(dirname(path)), readlinkSync(path)));
}

function likeBefore(temporary: string, { uid, gid, mode }: Stats): void {
  const now = statSync(temporary);
  if (now.uid !== uid || now.gid !== gid) chownSync(temporary, uid, gid);
  chmodSync(temporary, mode & 0o777);
}

function named<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    const code = String((thrown as NodeJS.ErrnoException).code ?? "");
    const [, reason = messageOf(thrown)] = /^[A-Z0-9]+: (.*?), /.exec(messageOf(thrown)) ?? [];
    const exitCode = code === "ENOENT" ? EXIT.notFound : EXIT.failed;
    throw new CliFailure(exitCode, `${what}: ${reason} (${code})`, undefined, thrown);
  }
}
