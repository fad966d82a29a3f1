// What the user gives a program: directories, environment, times between checkpoints.

import { basename, resolve } from "node:path";
import type { HostDirectory } from "../core/host-files/index-node.ts";
import { usageError } from "./failure.ts";

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
/** The longest time of a timer, milliseconds. */
const TIMER_LIMIT_MS = 2 ** 31 - 1;

/** `HOST::GUEST[:ro]`, or `HOST[:ro]` alone: the program sees it under the path that was given. */
export function readDirectory(given: string): HostDirectory {
  const writable = !given.endsWith(":ro");
  const paths = writable ? given : given.slice(0, -":ro".length);
  const cut = paths.indexOf("::");
  const host = cut < 0 ? paths : paths.slice(0, cut);
  const guestPath = cut < 0 ? paths : paths.slice(cut + 2);
  if (host === "" || guestPath === "" || given.includes("\0")) {
    throw usageError(`--dir is ${JSON.stringify(given)}, expected HOST::GUEST, HOST::GUEST:ro or HOST`);
  }
  return { hostPath: resolve(host), guestPath, writable };
}

/** Puts other host directories in the place of those that a checkpoint names, by the path that the program sees. */
export function replaceDirectories(
  directories: readonly HostDirectory[],
  given: readonly HostDirectory[],
): readonly HostDirectory[] {
  const stray = given.find(({ guestPath }) => !directories.some((known) => known.guestPath === guestPath));
  if (stray) {
    const expected = directories.map(({ guestPath }) => guestPath).join(", ") || "none: it has no directories";
    throw usageError(`--dir ${stray.guestPath}: the program has no such directory, expected one of ${expected}`);
  }
  return directories.map((known) => given.find(({ guestPath }) => guestPath === known.guestPath) ?? known);
}

/** `NAME=value`. */
export function readVariable(given: string): string {
  if (/^[^=\0]+=[^\0]*$/.test(given)) return given;
  throw usageError(`--env is ${JSON.stringify(given)}, expected NAME=value`);
}

/** A time such as `500ms`, `5s`, `2m` or `1h` in milliseconds. */
export function readDuration(given: string | undefined, option: string): number | undefined {
  if (given === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(given);
  const ms = Number(match?.[1]) * UNITS_MS[(match?.[2] ?? "ms") as keyof typeof UNITS_MS];
  if (match && ms >= 1 && ms <= TIMER_LIMIT_MS) return ms;
  throw usageError(`--${option} is ${JSON.stringify(given)}, expected a time such as 500ms, 5s, 2m or 1h`);
}

/** The name of a run that was not given one: the module's file name, made fit. */
export function nameOfFile(file: string): string {
  const name = basename(file)
    .replace(/\.(wasm|xml)$/, "")
    .replace(/[^A-Za-z0-9._-]/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, 100);
  return name === "" || name === "latest" ? "program" : name;
}
