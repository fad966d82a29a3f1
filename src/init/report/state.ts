// The state report (spec 3.5) as XML: what is in it, at which level of detail. When it is sent is reporter.ts.
import { type Quota, subtractQuota } from "../../session/index.ts";
import { accountOf, type Child } from "../child/child.ts";
import type { ReportConfig } from "../config/types.ts";
import type { XmlOut } from "../config/xml-writer.ts";
import type { Session } from "../sessions/session.ts";

export interface StateSource {
  readonly version: string;
  readonly children: readonly Child[];
  /** Init's own account. */
  readonly quota: Quota;
  readonly used: Quota;
}

/** The report's root element. */
export function stateReport(config: ReportConfig, source: StateSource): XmlOut {
  const available = subtractQuota(source.quota, source.used);
  const children: XmlOut[] = [];
  const own = (name: "ram" | "caps"): XmlOut => ({
    name,
    attributes: account(name, source.quota, source.used, available),
  });
  if (config.initRam) children.push(own("ram"));
  if (config.initCaps) children.push(own("caps"));
  children.push(...source.children.map((child) => childState(config, child)));
  return { name: "state", attributes: { version: source.version || undefined }, children };
}

/** What is sent instead of a report that does not fit. */
export const OVERFLOW: XmlOut = { name: "state", attributes: { error: "report buffer exceeded" } };

function childState(config: ReportConfig, child: Child): XmlOut {
  const { name, start, id, state, exitValue, heart } = child;
  const children: XmlOut[] = [];
  if (child.lives && config.childRam) children.push(childAccount("ram", child));
  if (child.lives && config.childCaps) children.push(childAccount("caps", child));
  if (config.requested) children.push({ name: "requested", children: sessions(config, child.sessions) });
  if (config.provided) children.push({ name: "provided", children: sessions(config, child.server.sessions) });
  return {
    name: "child",
    attributes: {
      name,
      binary: start.binary,
      version: start.version || undefined,
      id: config.ids ? id : undefined,
      state: state === "incomplete" ? state : undefined,
      exited: exitValue,
      skipped_heartbeats: heart.skipped || undefined,
    },
    children,
  };
}

function childAccount(name: "ram" | "caps", child: Child): XmlOut {
  const { quota, used } = accountOf(child);
  const requested = child.request?.quota[name];
  return {
    name,
    attributes: {
      assigned: amount(name, child.assigned[name]),
      ...account(name, quota, used, subtractQuota(quota, used)),
      requested: requested ? amount(name, requested) : undefined,
    },
  };
}

function account(name: "ram" | "caps", quota: Quota, used: Quota, available: Quota) {
  return {
    quota: amount(name, quota[name]),
    used: amount(name, used[name]),
    avail: amount(name, available[name]),
  };
}

function sessions(config: ReportConfig, list: readonly Session[]): XmlOut[] {
  return list.map((session) => ({
    name: "session",
    attributes: {
      service: session.service,
      label: session.shownLabel,
      state: session.phase.toUpperCase().replaceAll("-", "_"),
      ram: amount("ram", session.donated.ram),
      caps: session.donated.caps,
    },
    children: config.sessionArgs ? [{ name: "args", text: argsText(session) }] : [],
  }));
}

function argsText(session: Session): string {
  return Array.from(session.request.args, ([key, value]) => `${key}=${value}`).join(", ");
}

function amount(name: "ram" | "caps", value: number): string {
  return name === "caps" ? String(value) : bytes(value);
}

/** Bytes in the largest unit that divides them, as Genode prints them. */
export function bytes(value: number): string {
  for (const [unit, size] of [
    ["G", 2 ** 30],
    ["M", 2 ** 20],
    ["K", 2 ** 10],
  ] as const) {
    if (value > 0 && value % size === 0) return `${value / size}${unit}`;
  }
  return String(value);
}
