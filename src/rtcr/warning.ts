// What a supervisor warns of: in the log of RTCR's module, and in that of its system.
import { type Env, LOG_LIMIT } from "../session/index.ts";
import { log } from "./logging.ts";

export function warn(env: Env, message: string): void {
  log.warning?.(message);
  env.log.write(`warning: ${message}`.slice(0, LOG_LIMIT - 2).concat("\n"));
}
