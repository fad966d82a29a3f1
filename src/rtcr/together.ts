// What refuses a checkpoint of several children together: sessions between them that no order of restoring could take up, and
// one that waits for another in its start.
import type { Child, Session } from "../init/index.ts";
import type { ObjectKind } from "../session/index.ts";
import { RtcrFault } from "./faults.ts";
import type { TrackedChild } from "./tracked-child.ts";

/** Kinds of sessions of core's that another child cannot pass on. */
const NOT_PASSED_ON: readonly ObjectKind[] = ["pd"];

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
  for (const child of children) child.passOn(names);
}

/**
 * Sessions that a restore opens before any of the other children serves cannot be taken in: those of core that another child
 * passes on. What a guest serves by objects of its own is no `ObjectKind` of these, whatever its service is called.
 */
function requireServed(child: TrackedChild, sessions: readonly Session[], children: readonly string[]): void {
  for (const session of sessions) {
    const { id, route } = session.request;
    const kind = child.interposer(session)?.kind;
    if (route.to !== "child" || !children.includes(route.child) || !kind || !NOT_PASSED_ON.includes(kind)) continue;
    const message = `child "${child.name}": its ${session.service} session ${id} is served by "${route.child}", which is in the checkpoint too: put both into an init`;
    throw new RtcrFault("unsaveable", message, { child: child.name, server: route.child });
  }
}

/**
 * A child has nothing to record before its program is loaded, which is when all sessions of its environment have come.
 *
 * @throws RtcrFault "busy"
 */
export function requireStarted(checkpoint: string, child: Child | undefined): void {
  if (child?.state !== "incomplete" || child.failed) return;
  const { name, sessions } = child;
  const awaited = sessions.find(({ phase }) => phase === "create-requested");
  const why = awaited ? `: its ${awaited.service} session is asked of "${awaited.server.name}"` : "";
  throw new RtcrFault("busy", `checkpoint "${checkpoint}": child "${name}" is being started${why}`, {
    child: name,
    starting: name,
  });
}
