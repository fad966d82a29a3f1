import type { ChildInfo, ComponentInfo, PdInfo } from "../checkpoint/index.ts";
import type { RtcrPd } from "./pd.ts";

/** A component of a child that is restored: its PD now, and what was recorded of it. */
export interface RestoredPart {
  readonly pd: RtcrPd;
  readonly info: PdInfo;
  readonly record: ChildInfo | ComponentInfo;
}
