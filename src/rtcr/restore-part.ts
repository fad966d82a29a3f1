import type { ChildInfo, ComponentInfo, PdInfo } from "../checkpoint/index.ts";
import type { RtcrPd } from "./pd.ts";

/** A component of a child that is restored: its PD now, and what was recorded of it. */
export interface RestoredPart {
  readonly pd: RtcrPd;
  readonly info: PdInfo;
  readonly record: ChildInfo | ComponentInfo;
}

/** Whether another child of the restore passes the PD session on: what that has made is restored with that child. */
export function isPassedOn({ info }: RestoredPart): boolean {
  return info.nativeBehindBadge !== undefined;
}
