// Files that the user names: read and written whole, or one error that names them.
import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
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

/** Writes a file whole, or leaves what was there; into a device or pipe as into any. @throws CliFailure (not found, failed) */
export function writeWhole(path: string, content: string | Uint8Array): void {
  named(`cannot write ${path}`, () => {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there && !there.isFile()) return writeFileSync(path, content);
    const file = there ? realpathSync(path) : path;
    const temporary = `${file}.${process.pid}`;
    try {
      writeFileSync(temporary, content);
      renameSync(temporary, file);
    } finally {
      rmSync(temporary, { force: true });
    }
  });
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
