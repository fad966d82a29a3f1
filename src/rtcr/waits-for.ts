// What a restore that is not done waits for, for people: an environment's session whose server does not answer, or the end
// of a bootstrap.
import type { Child } from "../init/index.ts";
import { environment } from "./components.ts";
import type { Restoration } from "./restoration.ts";

export interface Awaited {
  /** Of the child. */
  readonly name: string;
  readonly what: "environment" | "bootstrap";
  /** What it does meanwhile; empty: nobody knows. */
  readonly doing: string;
}

/** A child of the restore whose environment is not complete; undefined: there is none. */
export function incomplete({ system }: Restoration, children: readonly Child[]): Child | undefined {
  const names = system.children.map(({ name }) => name);
  return children.find(({ name, state }) => names.includes(name) && state === "incomplete");
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
