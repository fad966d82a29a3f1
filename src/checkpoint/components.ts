// The components of a recorded child, itself and those that it keeps, and what is asked of them.
import { ROLE_BYTES, statedRole } from "../abi/index.ts";
import type { ChildInfo, ComponentInfo, CpuInfo, DataspaceInfo, ForeignSessionInfo, SessionInfo } from "./info.ts";

/** What is recorded of both kinds. */
export type RecordedComponent = Pick<
  ComponentInfo,
  "name" | "program" | "windows" | "pd" | "capabilities" | "native" | "servedBadges"
>;

/** The child first, with an empty name. */
export function componentsOf(child: ChildInfo): readonly RecordedComponent[] {
  return [{ ...child, name: "" }, ...(child.components ?? [])];
}

/** All CPU sessions, the environment's first. */
export function cpusOf({ cpu, cpus = [] }: ChildInfo): readonly CpuInfo[] {
  return [cpu, ...cpus];
}

/** `heap chunk (address-space 0x1a000000)` of a dataspace that says what it is for, else where it is attached. */
export function describeRole({ role, content }: DataspaceInfo): string {
  const stated = statedRole(content.subarray(0, ROLE_BYTES));
  return stated === undefined ? role : `${stated} (${role})`;
}

/** Sessions that RTCR stands in front of, but for PD, CPU and RM. */
export function interposedSessions(child: ChildInfo): readonly SessionInfo[] {
  const { logs, timers, roms, reports, fileSystems = [], terminals = [] } = child;
  return [...logs, ...timers, ...roms, ...reports, ...fileSystems, ...terminals];
}

/** Sessions that are recorded as sessions of others only: RTCR does not stand in front of them. */
export function otherSessions(child: ChildInfo): readonly ForeignSessionInfo[] {
  const interposed = new Set(interposedSessions(child).map(({ id }) => id));
  return child.foreign.filter(({ id }) => !interposed.has(id));
}
