// Session arguments on their way from client to server: what init takes out, puts in and passes on.
import {
  type Location,
  numberArg,
  type Quota,
  quotaArgs,
  readSessionArgs,
  SERVICE_NAME_LIMIT,
  type SessionArgs,
  withoutQuotaAndLabel,
  writeSessionArgs,
} from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import type { StartConfig } from "../config/types.ts";
import { cpuPriority } from "../resources/amounts.ts";

export interface ReadArgs {
  readonly label: string;
  readonly donation: Quota;
  /** Everything but label and quotas. */
  readonly rest: SessionArgs;
}

/** @returns "malformed" when the service's name or the arguments are */
export function readArgs(service: string, text: string): Attempt<ReadArgs, "malformed"> {
  if (service.length === 0 || service.length > SERVICE_NAME_LIMIT) return refusal("malformed");
  const args = readSessionArgs(text);
  if (!args.ok) return args;
  const label = args.value.get("label") ?? "";
  if (/\p{Cc}/u.test(label)) return refusal("malformed"); // it stands in front of lines of the log
  return success({ label, donation: quotaArgs(args.value), rest: withoutQuotaAndLabel(args.value) });
}

/** What policy changes of a child's arguments: its priority, physical constraints, diagnostics. */
export function filterArgs(
  service: string,
  rest: SessionArgs,
  start: Pick<StartConfig, "priority" | "constrainPhys">,
  prioLevels: number,
  diag: boolean,
): SessionArgs {
  const args = new Map(rest);
  if (service === "CPU") {
    args.set("priority", String(cpuPriority(start.priority, prioLevels, numberArg(args, "priority"))));
  }
  if (service === "PD" && !start.constrainPhys) {
    args.delete("phys_start");
    args.delete("phys_size");
  }
  if (diag) args.set("diag", "1");
  return args;
}

/** What the server is told. @returns "malformed" when it would be too long */
export function serverArgs(label: string, donated: Quota, rest: SessionArgs): Attempt<string, "malformed"> {
  return writeSessionArgs([["ram_quota", donated.ram], ["cap_quota", donated.caps], ["label", label], ...rest]);
}

/** All CPUs that there are. */
export const WHOLE: Location = { x: 0, y: 0, width: 0, height: 0 };
