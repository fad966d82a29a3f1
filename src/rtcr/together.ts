// What refuses a checkpoint of several children together: sessions between them that no order of restoring could take up.
import type { Session } from "../init/index.ts";
import { ENV_SESSION, type ObjectKind } from "../session/index.ts";
import { RtcrFault } from "./faults.ts";
import { RtcrPd } from "./pd.ts";
import { serversFirst } from "./server-order.ts";
import type { TrackedChild } from "./tracked-child.ts";

/** Kinds of sessions that a restore makes objects by, before anything that its children serve is there. */
const OPENED_FIRST: readonly ObjectKind[] = ["pd", "cpu", "rm"];

/**
 * @param sessions those that a child has open
 * @throws RtcrFault "unsaveable", which says what to do
 */
export function requireTogether(
  children: readonly TrackedChild[],
  sessions: (child: TrackedChild) => readonly Session[],
): void {
  const names = children.map(({ name }) => name);
  for (const child of children) requireServed(child, sessions(child), names);
  requireOrder(children);
}

/**
 * Sessions that a restore opens before any of the other children serves cannot be taken in: those of core that another child
 * passes on. What a guest serves by objects of its own is no `ObjectKind` of these, whatever its service is called.
 */
function requireServed(child: TrackedChild, sessions: readonly Session[], children: readonly string[]): void {
  for (const session of sessions) {
    const { id, route } = session.request;
    const kind = child.interposer(session)?.kind;
    if (route.to !== "child" || !children.includes(route.child) || !kind || !OPENED_FIRST.includes(kind)) continue;
    const message = `child "${child.name}": its ${session.service} session ${id} is served by "${route.child}", which is in the checkpoint too: put both into an init`;
    throw new RtcrFault("unsaveable", message, { child: child.name, server: route.child });
  }
}

/** Programs in TypeScript that serve each other could not be restored one after the other. */
function requireOrder(children: readonly TrackedChild[]): void {
  const natives = children.filter((child) =>
    child.of(RtcrPd).some(({ base, native }) => base.id === ENV_SESSION.pd && native.program()?.native !== undefined),
  );
  const names = natives.map(({ name }) => name);
  const found = serversFirst(
    natives,
    ({ name }) => name,
    (child) => child.servedBy(names).map(({ server }) => server),
  );
  if ("order" in found) return;
  const [name = "", ...others] = found.circle;
  const message = `child "${name}": it and ${others.join(", ")} serve each other: put them into an init`;
  throw new RtcrFault("unsaveable", message, { child: name, others });
}
