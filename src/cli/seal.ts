// The seal of a state directory: what tells notes that were written under it, on this machine, from anybody else's.
//
//   seal = HMAC(the key, which is the file `key` of the state directory; the identity of the machine)
//
// Inode numbers would not do: many file systems give new ones at every mount. A state directory that was moved, copied or
// taken out of a backup keeps its key, so its seal is the same on this machine. Sent to another one it is another seal.
//
// I1  A key counts only where nobody but its user can have written it or read it: the directory is written by its owner
//     only, the key is the owner's own.

import { createHmac, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { putOnce } from "./durable.ts";
import { machineIdentity, machinePlaces, makeIdentity } from "./machine.ts";

/** 32 random bytes in hexadecimal, and a newline. */
const KEY = /^[0-9a-f]{64}\n$/;
/** What no other process can be. */
const NOBODY = randomBytes(16).toString("hex");
const CACHE_DIGITS = 16;
/** Of a file's mode: group and others. */
const [OTHERS_WRITE, OTHERS_ALL] = [0o022, 0o077];
/** A key that somebody who was killed had not put in its place. */
const LEAVING = /^key\.[0-9a-f]{16}$/;

/** What says under which seal something was written: for the same text always the same, and nobody else can know it. */
export type Seal = (text: string) => string;

/**
 * The seal of a state directory.
 *
 * @param path the state directory, which exists
 * @returns undefined while it has no key that counts, or the machine no identity
 */
export function readSeal(path: string, machine = machinePlaces()): Seal | undefined {
  const identity = machineIdentity(machine);
  return identity === undefined ? undefined : sealOf(path, identity);
}

/**
 * The seal of a state directory, which gets a key if it has none. Without an identity, or where others may write, it is this
 * process's alone.
 */
export function makeSeal(path: string, machine = machinePlaces()): Seal {
  makeIdentity(machine);
  const identity = machineIdentity(machine) ?? NOBODY;
  if (ownersOnly(path) && !sealOf(path, identity)) makeKey(path);
  return sealOf(path, identity) ?? sealWith(NOBODY, NOBODY);
}

/** Whether others may write in a state directory: nothing in it vouches for anything then. */
export function othersMayWrite(path: string): boolean {
  return !ownersOnly(path);
}

function sealOf(path: string, identity: string): Seal | undefined {
  const key = ownersOnly(path) ? readKey(keyFile(path)) : undefined;
  return key === undefined ? undefined : sealWith(key, identity);
}

function sealWith(key: string, identity: string): Seal {
  const secret = createHmac("sha256", key).update(identity).digest();
  return (text) => createHmac("sha256", secret).update(text).digest("hex");
}

/**
 * The folder of code to be run again, in a state directory: nobody without its seal can have put it there.
 *
 * @returns undefined where others may write, and so could put something beside or in place of it
 */
export function cacheFolder(path: string, seal: Seal): string | undefined {
  const all = join(path, "cache");
  const folder = join(all, seal("cache").slice(0, CACHE_DIGITS));
  return [path, all, folder].every(ownersOnly) ? folder : undefined;
}

/** Whether only this process's user has `rights`; what is not there yet will be made so. */
function ownersOnly(path: string, rights = OTHERS_WRITE): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status || process.platform === "win32") return true;
  return status.uid === process.geteuid?.() && (status.mode & rights) === 0;
}

/** Another process may do the same at the same time: the first key stays. */
function makeKey(path: string): void {
  const text = `${randomBytes(32).toString("hex")}\n`;
  putOnce(keyFile(path), text, (file) => readKey(file) !== undefined);
}

/** Removes what processes that were killed have left beside a key. Without one somebody may be making it. */
export function removeKeyLeavings(path: string): void {
  if (!readSeal(path)) return;
  for (const name of readdirSync(path)) if (LEAVING.test(name)) rmSync(join(path, name), { force: true });
}

function keyFile(path: string): string {
  return join(path, "key");
}

/** Undefined: there is none, or none that is its owner's secret. */
function readKey(file: string): string | undefined {
  try {
    const text = readFileSync(file, "utf8");
    return KEY.test(text) && ownersOnly(file, OTHERS_ALL) ? text.trim() : undefined;
  } catch (thrown) {
    if (["ENOENT", "EACCES"].includes((thrown as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw thrown;
  }
}
