// The identity of the machine, which a state directory that comes from elsewhere does not bring along.
//
// The system's own where it has one (Linux, but for most containers); else a random one in a file of the user's
// configuration, which is made when it is first needed; where nothing can be written, what the system is called and a
// number that is another one at each of its starts. It is no secret: what is made with it has a key besides.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { putOnce } from "./durable.ts";
import { makeFolders } from "./folders.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** As systemd writes it. */
const IDENTITY = /^[0-9a-f]{32}$/;

/** Where an identity is looked for; tests have their own. */
export interface MachinePlaces {
  /** systemd's and D-Bus's: one for each installation. Empty or absent in most containers. */
  readonly ofSystem: readonly string[];
  /** Undefined where the user has no home directory. */
  readonly ofUser: string | undefined;
  readonly ofStart: string;
}

/** This machine's. */
export function machinePlaces(
  environment: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
  userHome: () => string = homedir,
): MachinePlaces {
  const folder = configFolder(environment, platform, userHome);
  return {
    ofSystem: ["/etc/machine-id", "/var/lib/dbus/machine-id"],
    ofUser: folder === undefined ? undefined : join(folder, "rtcr/machine-id"),
    ofStart: "/proc/sys/kernel/random/boot_id",
  };
}

/** Undefined: there is none, and nothing is this machine's own. */
export function machineIdentity({ ofSystem, ofUser, ofStart }: MachinePlaces): string | undefined {
  const found = [...ofSystem, ofUser].map(readIdentity).find((text) => text !== undefined);
  if (found !== undefined) return found;
  const start = read(ofStart);
  return start === "" ? undefined : `${hostname()} ${start}`;
}

/** Makes the user's one where the system has none and that can be written. */
export function makeIdentity({ ofSystem, ofUser }: MachinePlaces): void {
  if (ofUser === undefined || [...ofSystem, ofUser].some((file) => readIdentity(file) !== undefined)) return;
  try {
    makeFolders(dirname(ofUser));
    putOnce(ofUser, `${randomBytes(16).toString("hex")}\n`, (file) => readIdentity(file) !== undefined);
  } catch {
    // There is another one, until the next start.
  }
}

/** A path in the environment that is not absolute is none, as the XDG specification wants it. */
function configFolder(environment: Environment, platform: NodeJS.Platform, userHome: () => string): string | undefined {
  const { XDG_CONFIG_HOME = "", APPDATA = "" } = environment;
  if (platform === "win32" && APPDATA !== "") return APPDATA;
  if (!["win32", "darwin"].includes(platform) && isAbsolute(XDG_CONFIG_HOME)) return XDG_CONFIG_HOME;
  try {
    const below = { win32: "AppData/Roaming", darwin: "Library/Preferences" } as Partial<
      Record<NodeJS.Platform, string>
    >;
    return join(userHome(), below[platform] ?? ".config");
  } catch {
    return undefined; // the user is none that the system knows
  }
}

/** Undefined where there is none; an installation that is not complete says so in words. */
function readIdentity(file: string | undefined): string | undefined {
  const text = file === undefined ? "" : read(file);
  return IDENTITY.test(text) ? text : undefined;
}

/** Empty where there is none, or none that may be read. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}
