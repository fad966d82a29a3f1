// Components of a running system as text.

import { type ComponentInfo, formatDataspaces } from "../../core/index.ts";
import { toSize } from "../print.ts";

/** A paragraph for each component: quota, threads, and the table of its dataspaces. */
export function describeComponents(components: readonly ComponentInfo[]): string {
  return components.map(describe).join("\n");
}

function describe({ label, badge, cpu, quota, used, threads, dataspaces }: ComponentInfo): string {
  const lines = [
    `${label}  (cap-${badge})`,
    `  ram   ${toSize(used.ram)} of ${toSize(quota.ram)}`,
    `  caps  ${used.caps} of ${quota.caps}`,
    ...(cpu === undefined ? [] : [`  cpu   ${cpu}`]),
  ];
  for (const { name, activity, waitsFor, exceptions } of threads) {
    const faults = exceptions > 0 ? `, ${exceptions} exceptions` : "";
    lines.push(`  thread "${name}": ${activity}${waitsFor === "" ? "" : ` in ${waitsFor}`}${faults}`);
  }
  const table = dataspaces.length === 0 ? "" : formatDataspaces(dataspaces).replaceAll(/^/gm, "  ").trimEnd();
  return `${lines.join("\n")}\n${table === "" ? "" : `${table}\n`}`;
}
