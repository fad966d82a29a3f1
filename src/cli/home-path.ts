// Which folder is the state directory. Apart from home.ts because it is needed before any other code is read.

import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** The state directory: $RTCR_HOME, else what the platform wants. */
export function homePath(
  environment: Environment,
  platform: NodeJS.Platform = process.platform,
  userHome: () => string = homedir,
): string {
  const own = environment["RTCR_HOME"];
  if (own) return resolve(own);
  if (platform === "darwin") return join(userHome(), "Library/Application Support/rtcr");
  if (platform === "win32") return join(environment["LOCALAPPDATA"] || join(userHome(), "AppData/Local"), "rtcr");
  const { XDG_STATE_HOME = "" } = environment;
  return join(isAbsolute(XDG_STATE_HOME) ? XDG_STATE_HOME : join(userHome(), ".local/state"), "rtcr");
}
