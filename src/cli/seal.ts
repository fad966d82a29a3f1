// The seal of a state directory: what tells notes that were written under it, on this machine, from anybody else's.
//
//   seal = HMAC(the key, which is the file `key` of the state directory; the identity of the machine)
//
// Inode numbers would not do: many file systems give new ones at every mount. A state directory that was moved, copied or
// taken out of a backup keeps its key, so its seal is the same on this machine. Sent to another one it is another seal.

import { createHmac, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { heldByOther, lockFolder } from "../core/journal/lock-node.ts"; // by name: the rest of it is not needed to list
import { putOnce } from "./durable.ts";
import { MACHINE, machineIdentity, makeIdentity } from "./machine.ts";

/** 32 random bytes in hexadecimal, and a newline. */
const KEY = /^[0-9a-f]{64}\n$/;
/** What no other process can be. */
const NOBODY = randomBytes(16).toString("hex");
const CACHE_DIGITS = 16;
/** A key that somebody who was killed had not put in its place. */
const LEAVING = /^key\.[0-9a-f]{16}$/;
const LOCK_RETRY_MS = 5;

/** What says under which seal something was written: for the same text always the same, and nobody else can know it. */
export type Seal = (text: string) => string;

/**
 * The seal of a state directory.
 *
 * @param path the state directory, which exists
 * @returns undefined while it has no key, or the machine no identity
 */
export function readSeal(path: string, machine = MACHINE): Seal | undefined {
  const identity = machineIdentity(machine);
  return identity === undefined ? undefined : sealOf(path, identity);
}

/** The seal of a state directory, which gets a key if it has none. Without an identity it is this process's alone. */
export function makeSeal(path: string, machine = MACHINE): Seal {
  makeIdentity(machine);
  const identity = machineIdentity(machine) ?? NOBODY;
  if (!sealOf(path, identity)) makeKey(path);
  return sealOf(path, identity)!;
}

function sealOf(path: string, identity: string): Seal | undefined {
  const key = readText(keyFile(path));
  if (key === undefined || !KEY.test(key)) return undefined;
  const secret = createHmac("sha256", key.trim()).update(identity).digest();
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

/** Whether only this process's user can write there; what is not there yet will be made so. */
function ownersOnly(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status || process.platform === "win32") return true;
  return status.uid === process.getuid?.() && (status.mode & 0o022) === 0;
}

/** Another process may do the same at the same time: the first key stays. */
function makeKey(path: string): void {
  const text = `${randomBytes(32).toString("hex")}\n`;
  putOnce(keyFile(path), text, (temporary) => replaceDamaged(path, temporary));
}

/** A key that is there stays; what a damaged disk has left of one does not. Some file systems have no links. */
function replaceDamaged(path: string, temporary: string): void {
  const file = keyFile(path);
  if (KEY.test(readText(file) ?? "")) return;
  const unlock = waitForLock(path);
  try {
    if (!KEY.test(readText(file) ?? "")) renameSync(temporary, file); // else another process was faster
  } finally {
    unlock();
  }
}

/** Others have it for a moment only. */
function waitForLock(path: string): () => void {
  for (;;) {
    try {
      return lockFolder(path);
    } catch (thrown) {
      if (!heldByOther(thrown)) throw thrown;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_RETRY_MS);
    }
  }
}

/** Removes what processes that were killed have left beside a key. Without one somebody may be making it. */
export function removeKeyLeavings(path: string): void {
  if (!readSeal(path)) return;
  for (const name of readdirSync(path)) if (LEAVING.test(name)) rmSync(join(path, name), { force: true });
}

function keyFile(path: string): string {
  return join(path, "key");
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
}
