// The identity of the machine, which a state directory that comes from elsewhere does not bring along.
//
// The system's own where it has one (Linux, but for most containers); else a random one in a file of the user's
// configuration, which is made when it is first needed; where nothing can be written, what the system is called and a
// number that is another one at each of its starts. It is no secret: what is made with it has a key besides.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { dirname, join } from "node:path";
import { putOnce } from "./durable.ts";
import { makeFolders } from "./folders.ts";

/** Where an identity is looked for; tests have their own. */
export interface MachinePlaces {
  /** systemd's and D-Bus's: one for each installation. Empty or absent in most containers. */
  readonly ofSystem: readonly string[];
  readonly ofUser: string;
  readonly ofStart: string;
}

export const MACHINE: MachinePlaces = {
  ofSystem: ["/etc/machine-id", "/var/lib/dbus/machine-id"],
  ofUser: join(configFolder(), "rtcr/machine-id"),
  ofStart: "/proc/sys/kernel/random/boot_id",
};

/** Undefined: there is none, and nothing is this machine's own. */
export function machineIdentity({ ofSystem, ofUser, ofStart }: MachinePlaces): string | undefined {
  const found = [...ofSystem, ofUser].map(read).find((text) => text !== "");
  if (found !== undefined) return found;
  const start = read(ofStart);
  return start === "" ? undefined : `${hostname()} ${start}`;
}

/** Makes the user's one where the system has none and that can be written. */
export function makeIdentity({ ofSystem, ofUser }: MachinePlaces): void {
  if ([...ofSystem, ofUser].some((file) => read(file) !== "")) return;
  try {
    makeFolders(dirname(ofUser));
    putOnce(ofUser, `${randomBytes(16).toString("hex")}\n`);
  } catch {
    // There is another one, until the next start.
  }
}

function configFolder(): string {
  const { XDG_CONFIG_HOME, APPDATA } = process.env;
  if (process.platform === "darwin") return join(homedir(), "Library/Preferences");
  if (process.platform === "win32") return APPDATA || join(homedir(), "AppData/Roaming");
  return XDG_CONFIG_HOME || join(homedir(), ".config");
}

/** Empty where there is none, or none that may be read. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}
