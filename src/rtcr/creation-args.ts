// The arguments of sessions, as a child would open them again.
import type { Session } from "../init/index.ts";
import {
  addQuota,
  lastElement,
  quotaArgs,
  readQuota,
  readSessionArgs,
  withoutName,
  writeSessionArgs,
} from "../session/index.ts";

/** The arguments with which the child would open the session again. */
export function argsOf({ request }: Session): string {
  const { label, args, donation } = request;
  // A priority by policy is put on top of what was asked for when the session is opened again.
  const rest = request.asked ?? [...args].filter(([key]) => key !== "priority");
  const written = writeSessionArgs([
    ["ram_quota", donation.ram],
    ["cap_quota", donation.caps],
    ["label", withoutName(label)],
    ...rest,
  ]);
  return written.ok ? written.value : `label="${lastElement(label)}"`;
}

/** Arguments with the quotas of upgrades added to what was donated at first. */
export function addQuotas(args: string, upgrades: string): string {
  const read = readSessionArgs(args);
  if (!read.ok) return args;
  const { ram, caps } = addQuota(quotaArgs(read.value), readQuota(upgrades));
  const all = new Map<string, string | number>([...read.value, ["ram_quota", ram], ["cap_quota", caps]]);
  const written = writeSessionArgs(all);
  return written.ok ? written.value : args;
}
