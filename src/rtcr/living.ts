// Whether children are still there: one may end in the middle of its checkpoint or restore.
import { ENV_SESSION } from "../session/index.ts";
import { componentName, withId } from "./components.ts";
import { RtcrFault } from "./faults.ts";
import { RtcrPd } from "./pd.ts";
import type { TrackedChild } from "./tracked-child.ts";

/** It has its own PD. */
export function lives(child: TrackedChild): boolean {
  return withId(child.of(RtcrPd), ENV_SESSION.pd) !== undefined;
}

/** @throws RtcrFault "gone" */
export function requireLiving(children: readonly TrackedChild[], what: string): void {
  const gone = children.find((child) => !lives(child));
  if (!gone) return;
  throw new RtcrFault("gone", `${what}: child "${gone.name}" has ended in the middle of it`, { child: gone.name });
}

/** Components that children keep themselves. */
export interface KeptComponent {
  readonly child: string;
  readonly name: string;
  readonly pd: RtcrPd;
}

export function componentsKept(children: readonly TrackedChild[]): readonly KeptComponent[] {
  return children.flatMap((child) => {
    const kept = child.of(RtcrPd).filter(({ base }) => base.id !== ENV_SESSION.pd);
    return kept.map((pd) => ({ child: child.name, name: componentName(pd), pd }));
  });
}

/** @throws RtcrFault "gone" */
export function requireKept(components: readonly KeptComponent[], what: string): void {
  const gone = components.find(({ pd }) => !pd.base.capability.valid);
  if (!gone) return;
  const { child, name } = gone;
  const message = `${what}: component "${name}" of child "${child}" has ended in the middle of it`;
  throw new RtcrFault("gone", message, { child, component: name });
}
