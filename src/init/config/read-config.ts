// Configuration: XML to data. Values that are absent or bad become defaults here; that they are bad is said by the
// schema check and by the rules of check-config.ts, so that a running init goes on (S49).
import type { Location } from "../../session/index.ts";
import { fits, readSigned } from "./schema.ts";
import type {
  InitConfig,
  LabelConditions,
  ReportConfig,
  RouteEntry,
  RouteTarget,
  StartConfig,
  UpwardPolicy,
  UpwardService,
} from "./types.ts";
import type { XmlNode } from "./xml.ts";

/** What init keeps for itself unless told otherwise: 40 Ki machine words of 8 bytes, 20 capabilities (spec 3.1). */
export const DEFAULT_PRESERVE = { ram: 320 << 10, caps: 20 } as const;

const DEFAULT_REPORT_BUFFER = 4096;
const DEFAULT_DELAY_MS = 100;
const DEFAULT_HEARTBEAT_MS = 1000;

/** The configuration in `root`. Start nodes without a name and second ones of a name are left out. */
export function readConfig(root: XmlNode): InitConfig {
  const defaults = root.child("default");
  const space = root.child("affinity-space");
  const heartbeat = root.child("heartbeat");
  const report = root.child("report");
  const quotas = { caps: number(defaults, "caps", 0), ram: number(defaults, "ram", 0) };
  const prioLevels = number(root, "prio_levels", 0);
  const aliases = root.childrenNamed("alias").filter((alias) => text(alias, "name") && text(alias, "child"));
  return {
    version: text(root, "version"),
    verbose: bool(root, "verbose"),
    prioLevels: isPowerOfTwo(prioLevels) ? prioLevels : 0,
    parentProvides: new Set(serviceNames(root.child("parent-provides"))),
    defaultRoute: readRoute(root.child("default-route")),
    defaults: quotas,
    affinitySpace: { width: number(space, "width", 1) || 1, height: number(space, "height", 1) || 1 },
    aliases: new Map(aliases.reverse().map((alias) => [text(alias, "name"), text(alias, "child")])),
    preserve: {
      ram: resource(root, "RAM", "preserve") ?? DEFAULT_PRESERVE.ram,
      caps: resource(root, "CAP", "preserve") ?? DEFAULT_PRESERVE.caps,
    },
    report: report && readReport(report),
    heartbeatMs: heartbeat && (number(heartbeat, "rate_ms", DEFAULT_HEARTBEAT_MS) || DEFAULT_HEARTBEAT_MS),
    services: root.childrenNamed("service").map(readUpwardService),
    starts: uniqueStarts(root).map((start) => readStart(start, quotas)),
  };
}

export function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

function uniqueStarts(root: XmlNode): XmlNode[] {
  const starts = new Map<string, XmlNode>();
  for (const start of root.childrenNamed("start")) {
    const name = text(start, "name");
    if (name !== "" && !starts.has(name)) starts.set(name, start);
  }
  return [...starts.values()];
}

function readStart(node: XmlNode, defaults: { readonly caps: number; readonly ram: number }): StartConfig {
  const name = text(node, "name");
  const route = node.child("route");
  const affinity = node.child("affinity");
  const heartbeat = node.child("heartbeat");
  const skipped = number(heartbeat, "restart_after_skipped", 0);
  return {
    name,
    binary: text(node.child("binary"), "name") || name,
    windows: bool(node.child("binary"), "windows"),
    growthRequests: bool(node.child("binary"), "growth_requests"),
    version: text(node, "version"),
    caps: resource(node, "CAP", "quantum") ?? number(node, "caps", defaults.caps),
    ram: resource(node, "RAM", "quantum") ?? number(node, "ram", defaults.ram),
    constrainPhys: node.childrenNamed("resource").some((each) => bool(each, "constrain_phys")),
    cpuPercent: resource(node, "CPU", "quantum") ?? 0,
    priority: number(node, "priority", 0),
    ld: bool(node, "ld", true),
    managingSystem: bool(node, "managing_system"),
    provides: serviceNames(node.child("provides")),
    route: route && readRoute(route),
    config: node.child("config")?.source,
    configFile: text(node.child("configfile"), "name") || undefined,
    affinity: affinity && readAffinity(affinity),
    exitPropagates: bool(node.child("exit"), "propagate"),
    heartbeat: heartbeat && { restartAfterSkipped: skipped > 0 ? skipped : undefined },
  };
}

function readAffinity(node: XmlNode): Partial<Location> {
  const keys = [
    ["x", "xpos"],
    ["y", "ypos"],
    ["width", "width"],
    ["height", "height"],
  ] as const;
  return Object.fromEntries(
    keys.filter(([, name]) => node.attributes.has(name)).map(([key, name]) => [key, number(node, name, 0)]),
  );
}

function readReport(node: XmlNode): ReportConfig {
  return {
    ids: bool(node, "ids"),
    requested: bool(node, "requested"),
    provided: bool(node, "provided"),
    sessionArgs: bool(node, "session_args"),
    childRam: bool(node, "child_ram"),
    childCaps: bool(node, "child_caps"),
    initRam: bool(node, "init_ram"),
    initCaps: bool(node, "init_caps"),
    delayMs: number(node, "delay_ms", DEFAULT_DELAY_MS) || DEFAULT_DELAY_MS,
    bufferBytes: number(node, "buffer", DEFAULT_REPORT_BUFFER) || DEFAULT_REPORT_BUFFER,
  };
}

function readRoute(node: XmlNode | undefined): readonly RouteEntry[] {
  const entries = node?.children.filter(({ name }) => name === "service" || name === "any-service") ?? [];
  return entries.map((entry) => ({
    service: entry.name === "service" ? text(entry, "name") : undefined,
    conditions: readConditions(entry),
    targets: entry.children.filter(({ name }) => name in { parent: 1, child: 1, "any-child": 1 }).map(readTarget),
  }));
}

function readTarget(node: XmlNode): RouteTarget {
  return {
    to: node.name as RouteTarget["to"],
    name: text(node, "name"),
    label: node.attributes.get("label"),
    diag: node.attributes.has("diag") ? bool(node, "diag") : undefined,
  };
}

function readConditions(node: XmlNode): LabelConditions {
  const names = {
    label: "label",
    labelPrefix: "label_prefix",
    labelSuffix: "label_suffix",
    labelLast: "label_last",
    unscopedLabel: "unscoped_label",
  };
  const given = Object.entries(names).filter(([, name]) => node.attributes.has(name));
  return Object.fromEntries(given.map(([key, name]) => [key, node.attributes.get(name)]));
}

function readUpwardService(node: XmlNode): UpwardService {
  const policies: UpwardPolicy[] = [];
  for (const policy of node.children) {
    const child = policy.child("child");
    if (!child || (policy.name !== "policy" && policy.name !== "default-policy")) continue;
    const conditions = policy.name === "policy" ? readConditions(policy) : undefined;
    policies.push({ conditions, child: text(child, "name"), label: child.attributes.get("label") });
  }
  return { name: text(node, "name"), policies };
}

function serviceNames(node: XmlNode | undefined): string[] {
  const names = node?.childrenNamed("service").map((service) => text(service, "name")) ?? [];
  return [...new Set(names)].filter((name) => name !== "");
}

function resource(node: XmlNode, name: string, attribute: string): number | undefined {
  const given = node.childrenNamed("resource").find((each) => text(each, "name") === name);
  const value = given && readSigned(given.attributes.get(attribute) ?? "", true);
  return value === undefined || value < 0 ? undefined : value;
}

function text(node: XmlNode | undefined, name: string): string {
  return node?.attributes.get(name) ?? "";
}

function number(node: XmlNode | undefined, name: string, otherwise: number): number {
  const value = readSigned(text(node, name), true);
  return value === undefined || (value < 0 && name !== "priority") ? otherwise : value;
}

function bool(node: XmlNode | undefined, name: string, otherwise = false): boolean {
  const value = text(node, name);
  return fits(value, { is: "bool" }) ? /^(yes|true|1)$/i.test(value) : otherwise;
}
