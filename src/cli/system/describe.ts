// `rtcr check SYSTEM.xml`: the tree that a configuration makes, and whether the quotas in it suffice.

import {
  checkConfig,
  clampQuota,
  effectiveQuota,
  INIT_PROGRAM,
  type InitConfig,
  type Space,
  type StartConfig,
} from "../../init/index.ts";
import { RTCR_PROGRAM, toInitConfig } from "../../rtcr/index.ts";
import type { Quota } from "../../session/index.ts";
import { toSize } from "../print.ts";

/** One child, and its own if it is an init. */
export interface SystemNode {
  readonly name: string;
  readonly binary: string;
  readonly assigned: Quota;
  readonly provides: readonly string[];
  readonly children: readonly SystemNode[];
}

export interface SystemTree {
  readonly children: readonly SystemNode[];
  /** What will not go as the configuration says, a sentence each. */
  readonly notes: readonly string[];
}

/** @param available what the init of this configuration has */
export function describeSystem(config: InitConfig, available: Quota): SystemTree {
  const notes: string[] = [];
  return { children: childrenOf(config, available, [], notes), notes };
}

function childrenOf(config: InitConfig, available: Quota, path: readonly string[], notes: string[]): SystemNode[] {
  const wanted = {
    ram: config.starts.reduce((sum, { ram }) => sum + ram, 0),
    caps: config.starts.reduce((sum, { caps }) => sum + caps, 0),
  };
  const possible = clampQuota(wanted, available, config.preserve);
  const parent = path.length === 0 ? "init" : path.join(" -> ");
  if (possible.ram < wanted.ram) {
    notes.push(`the children of ${parent} want ${toSize(wanted.ram)} of RAM, ${toSize(possible.ram)} can be given`);
  }
  if (possible.caps < wanted.caps) {
    notes.push(`the children of ${parent} want ${wanted.caps} caps, ${possible.caps} can be given`);
  }
  return config.starts.map((start) => nodeOf(start, path, notes));
}

function nodeOf(start: StartConfig, path: readonly string[], notes: string[]): SystemNode {
  const { name, binary, ram, caps, provides } = start;
  const assigned = { ram, caps };
  const inner = configInside(start);
  const children = inner ? childrenOf(inner, effectiveQuota(assigned), [...path, name], notes) : [];
  return { name, binary, assigned, provides, children };
}

/** Quotas are not a matter of where. */
const ONE_CPU = { width: 1, height: 1 };

/** Of programs that keep children. @param cpus that it has */
export function configInside({ binary, config }: StartConfig, cpus: Space = ONE_CPU): InitConfig | undefined {
  if (config === undefined) return undefined;
  if (binary === INIT_PROGRAM) return checkConfig(config).config;
  return binary === RTCR_PROGRAM ? checkConfig(toInitConfig(config, cpus)).config : undefined;
}

/** A line a child, indented by its depth. */
export function printTree(children: readonly SystemNode[], indent = "  "): string {
  return children
    .map(({ name, binary, assigned, provides, children }) => {
      const program = binary === name ? "" : ` (${binary})`;
      const services = provides.length === 0 ? "" : `, provides ${provides.join(", ")}`;
      const line = `${indent}${name}${program}: ${toSize(assigned.ram)}, ${assigned.caps} caps${services}\n`;
      return line + printTree(children, `${indent}  `);
    })
    .join("");
}
