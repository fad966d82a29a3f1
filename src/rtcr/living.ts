// Whether children are still there: one may end in the middle of its checkpoint or restore.
import { ENV_SESSION } from "../session/index.ts";
import { RtcrFault } from "./faults.ts";
import { RtcrPd } from "./pd.ts";
import type { TrackedChild } from "./tracked-child.ts";

/** It has its own PD. */
export function lives(child: TrackedChild): boolean {
  return child.of(RtcrPd).some(({ base }) => base.id === ENV_SESSION.pd);
}

/** @throws RtcrFault "gone" */
export function requireLiving(children: readonly TrackedChild[], what: string): void {
  const gone = children.find((child) => !lives(child));
  if (!gone) return;
  throw new RtcrFault("gone", `${what}: child "${gone.name}" has ended in the middle of it`, { child: gone.name });
}
