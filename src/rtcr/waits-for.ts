// What a restore that is not done waits for, for people: an environment's session whose server does not answer, or the end
// of a bootstrap; and what it would wait for in vain.
import type { Child } from "../init/index.ts";
import { FIRST_FREE_SESSION } from "../session/index.ts";
import { environment } from "./components.ts";
import type { Restoration } from "./restoration.ts";

export interface Awaited {
  /** Of the child. */
  readonly name: string;
  readonly what: "environment" | "bootstrap";
  /** What it does meanwhile; empty: nobody knows. */
  readonly doing: string;
}

/** A child that cannot be started for a restore. */
export interface Unstartable {
  readonly name: string;
  readonly why: string;
}

/** A child of the restore whose environment is not complete; undefined: there is none. */
export function incomplete({ system }: Restoration, children: readonly Child[]): Child | undefined {
  const names = system.children.map(({ name }) => name);
  return children.find(({ name, state }) => names.includes(name) && state === "incomplete");
}

/** Every child of the checkpoint must have come out of the configuration, and none may wait for another in its start. */
export function unstartable(restoration: Restoration, children: readonly Child[]): readonly Unstartable[] {
  const lives = (name: string) => children.some((child) => child.name === name && child.lives);
  const missing = restoration.system.children.filter(({ name }) => !lives(name));
  const waiting = children.flatMap(({ name, sessions }) => {
    const session = sessions.find(({ phase, request: { id, route } }) => {
      const server = route.to === "child" && phase === "create-requested" ? route.child : undefined;
      return id < FIRST_FREE_SESSION && server !== undefined && restoration.recorded(server);
    });
    if (!session) return [];
    const { service, server } = session;
    const why = `the ${service} session of its environment is served by "${server.name}", which is restored with it`;
    return [{ name, why }];
  });
  const why = "it is not configured, or with less than its start costs";
  return [...missing.map(({ name }) => ({ name, why })), ...waiting];
}

export function waitsFor(restoration: Restoration, children: readonly Child[]): Awaited {
  const lacking = incomplete(restoration, children);
  if (lacking) {
    const session = lacking.sessions.find(({ phase }) => phase === "create-requested");
    const doing = session ? `its ${session.service} session is asked of "${session.server.name}"` : "";
    return { name: lacking.name, what: "environment", doing };
  }
  const [child] = restoration.awaited;
  const doing = child ? environment(child).cpu.doing() : "";
  return { name: child?.name ?? restoration.names, what: "bootstrap", doing };
}
