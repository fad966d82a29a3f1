// Bytes of a component that is restored: each once. A stack that a bootstrap stands on is repaired.
import { type DataspaceInfo, type PdInfo, type RecordedBytes, usedLines } from "../checkpoint/index.ts";
import { beginScope, endScope } from "../profile/index.ts";
import { type Capability, type Dataspace, INVALID } from "../session/index.ts";
import { required } from "../util/index.ts";
import { fillDataspace, fillLines } from "./fill-dataspace.ts";
import type { RtcrPd } from "./pd.ts";
import type { RepairReport, RestoredChild } from "./restore.ts";
import type { RestoreFaults } from "./restore-faults.ts";
import { isPassedOn, type RestoredPart } from "./restore-part.ts";
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
  part: RestoredPart,
  standing: RestoredChild["standing"],
  parts: ContentParts,
): readonly RepairReport[] {
  const { pd, info: recorded } = part;
  const { child, translation, faults, filled } = parts;
  const { name, cpu } = child.info;
  const reports: RepairReport[] = [];
  const base = pd.native.program()?.stackArea ?? 0;
  const stacks = Map.groupBy(recorded.stackArea.regions, ({ dataspaceBadge }) => dataspaceBadge);
  const repaired = new Set<DataspaceInfo>();
  for (const info of recorded.dataspaces) {
    const { object: dataspace } = translation.get<Dataspace>(info.badge);
    if (!dataspace || !standing || !info.bootstrapped || stacks.get(info.badge)?.length !== 1) continue;
    repaired.add(info);
    const repair = beginScope("Stack Repair", "blue");
    const lookUp = beginScope("Dataspace Region-Map Look-Up", "blue");
    const region = required(stacks.get(info.badge)?.[0], "the stack's region");
    endScope(lookUp);
    reports.push(...repairStack({ child: name, threads: cpu.threads, standing, region, base, dataspace, info }));
    endScope(repair);
  }
  if (!isPassedOn(part)) fillOthers(recorded, repaired, parts);
  if (recorded.dataBadge !== 0) fillData(pd, recorded.data, faults, filled);
  const detached = pd.native.restoreRest(recorded.instance);
  if (!detached.ok) throw faults.mismatch("memory that the program has detached");
  return reports;
}

/** All dataspaces that are there, but those that are repaired. */
function fillOthers(
  recorded: PdInfo,
  repaired: ReadonlySet<DataspaceInfo>,
  { translation, zeroed, filled }: ContentParts,
): void {
  const known = usedLines(recorded);
  const others = recorded.dataspaces.map((info) =>
    repaired.has(info) ? INVALID : translation.get<Dataspace>(info.badge),
  );
  const empty = recorded.dataspaces.map((info, number) => {
    const { object } = others[number]!;
    if (!object || (zeroed(info) && known?.besides[number] === false)) return object;
    fillDataspace(object, info.content, zeroed(info));
    return undefined;
  });
  if (known && empty.some((dataspace) => dataspace)) fillLines(known, empty);
  for (const [number, { content }] of recorded.dataspaces.entries())
    if (others[number]!.valid) filled(others[number]!, content);
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
