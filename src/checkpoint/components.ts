// The components of a recorded child: the child itself, and those that it keeps.
import type { ChildInfo, ComponentInfo, CpuInfo } from "./info.ts";

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
