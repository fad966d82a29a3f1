// What refuses a checkpoint of several children together: sessions between them that no order of restoring could take up, and
// one that waits for another in its start.
import type { Child, Session } from "../init/index.ts";
import { ENV_SESSION } from "../session/index.ts";
import { RtcrFault } from "./faults.ts";
import { RtcrPd } from "./pd.ts";
import type { TrackedChild } from "./tracked-child.ts";

/**
 * @param all those that have sessions, of the checkpoint or not
 * @param sessions those that a child has open
 * @throws RtcrFault "unsaveable", which says what to do
 */
export function requireTogether(
  children: readonly TrackedChild[],
  all: Iterable<TrackedChild>,
  sessions: (child: TrackedChild) => readonly Session[],
): void {
  const names = children.map(({ name }) => name);
  for (const child of children) requireServed(child, sessions(child), names);
  for (const child of all) child.passOn(children.includes(child) ? names : []);
}

/** A PD session that a program in TypeScript has made of the one that it has: the restore needs it before that is there. */
function requireServed(child: TrackedChild, sessions: readonly Session[], children: readonly string[]): void {
  for (const session of sessions) {
    const { id, route } = session.request;
    const { kind, base } = child.interposer(session) ?? {};
    if (route.to !== "child" || !children.includes(route.child) || kind !== "pd") continue;
    if (base?.real.object instanceof RtcrPd) continue; // it is passed on as it is
    const message = `child "${child.name}": its ${session.service} session ${id} is served by "${route.child}", which is in the checkpoint too: put both into an init`;
    throw new RtcrFault("unsaveable", message, { child: child.name, server: route.child });
  }
}

/** Whether a child waits for a PD that one of these passes on: that has begun with it already. */
export function asksForPd({ sessions }: Child, children: readonly string[]): boolean {
  return sessions.some(({ phase, request: { id, route } }) => {
    const asked = id === ENV_SESSION.pd && phase === "create-requested";
    return asked && route.to === "child" && children.includes(route.child);
  });
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
