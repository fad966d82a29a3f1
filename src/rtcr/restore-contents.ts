// Bytes of a component that is restored: each once. A stack that a bootstrap stands on is repaired.
import type { DataspaceInfo, RecordedBytes } from "../checkpoint/index.ts";
import { beginScope, endScope } from "../profile/index.ts";
import type { Capability, Dataspace } from "../session/index.ts";
import { required } from "../util/index.ts";
import { fillDataspace } from "./fill-dataspace.ts";
import type { RtcrPd } from "./pd.ts";
import type { RepairReport, RestoredChild } from "./restore.ts";
import type { RestoreFaults } from "./restore-faults.ts";
import type { RestoredPart } from "./restore-part.ts";
import { repairStack } from "./stack-repair.ts";
import type { Translation } from "./translation.ts";

export interface ContentParts {
  readonly child: RestoredChild;
  readonly translation: Translation;
  readonly faults: RestoreFaults;
  /** Whether a dataspace holds nothing but zeros. */
  readonly zeroed: (info: DataspaceInfo) => boolean;
  readonly filled: Filled;
}

/** Told of a dataspace that holds a content now, all of it. */
export type Filled = (dataspace: Capability<Dataspace>, content: RecordedBytes) => void;

/** @param standing where threads of a bootstrap stand in it; undefined: nothing stands there */
export function restoreContents(
  { pd, info: recorded }: RestoredPart,
  standing: RestoredChild["standing"],
  { child, translation, faults, zeroed, filled }: ContentParts,
): readonly RepairReport[] {
  const { name, cpu } = child.info;
  const reports: RepairReport[] = [];
  const base = pd.native.program()?.stackArea ?? 0;
  const stacks = Map.groupBy(recorded.stackArea.regions, ({ dataspaceBadge }) => dataspaceBadge);
  for (const info of recorded.dataspaces) {
    const capability = translation.get<Dataspace>(info.badge);
    const dataspace = capability.object;
    if (!dataspace) continue;
    if (!standing || !info.bootstrapped || stacks.get(info.badge)?.length !== 1) {
      fillDataspace(dataspace, info.content, zeroed(info));
      filled(capability, info.content);
      continue;
    }
    const repair = beginScope("Stack Repair", "blue");
    const lookUp = beginScope("Dataspace Region-Map Look-Up", "blue");
    const region = required(stacks.get(info.badge)?.[0], "the stack's region");
    endScope(lookUp);
    reports.push(...repairStack({ child: name, threads: cpu.threads, standing, region, base, dataspace, info }));
    endScope(repair);
  }
  if (recorded.dataBadge !== 0) fillData(pd, recorded.data, faults, filled);
  const detached = pd.native.restoreRest(recorded.instance);
  if (!detached.ok) throw faults.mismatch("memory that the program has detached");
  return reports;
}

function fillData({ native }: RtcrPd, content: RecordedBytes, faults: RestoreFaults, filled: Filled): void {
  const data = native.data();
  const { object } = data;
  const size = object?.size() ?? 0;
  if (!object || size < content.length) {
    throw faults.mismatch(`the program's memory: ${content.length} bytes recorded, ${size} are there`);
  }
  const scope = beginScope("Program Data", "blue");
  fillDataspace(object, content, false);
  filled(data, content);
  endScope(scope);
}
