// What a configuration must fulfil beyond its schema: names that are unique and known, priorities in range, quotas that
// pay for a child's start. Positions are those of the offending attributes.
import { START_COSTS } from "../resources/amounts.ts";
import { INIT_SCHEMA } from "./init-schema.ts";
import { isPowerOfTwo, readConfig } from "./read-config.ts";
import { checkElement, type ElementSchema, type Finding } from "./schema.ts";
import type { InitConfig } from "./types.ts";
import { readXml, type XmlNode } from "./xml.ts";

/** The ROM module of init's own program. */
export const INIT_PROGRAM = "init";

export interface CheckedConfig {
  readonly config: InitConfig;
  /** By position. Strict users refuse if there is any, a running init prints them as warnings. */
  readonly findings: readonly Finding[];
}

/**
 * Reads and checks a configuration.
 *
 * @throws XmlFault when it is no XML
 */
export function checkConfig(text: string): CheckedConfig {
  const root = readXml(text);
  return { config: readConfig(root), findings: inOrder(findingsOf(root)) };
}

/**
 * As `checkConfig`, the configurations of inits inside included: children whose program is called `init`.
 *
 * @param others programs besides init whose configurations are checked
 * @throws XmlFault when it is no XML
 */
export function checkSystem(text: string, others: ConfigChecks = new Map()): CheckedConfig {
  const root = readXml(text);
  const checks: ConfigChecks = new Map([...others, [INIT_PROGRAM, findingsOf]]);
  return { config: readConfig(root), findings: inOrder(findingsOfAll(root, INIT_PROGRAM, checks)) };
}

/** What is wrong with the configuration of a program that keeps children as init does. By the program's module. */
export type ConfigChecks = ReadonlyMap<string, (config: XmlNode) => Finding[]>;

/** Deviations of init's configuration. @param schema for programs whose configuration has more */
export function findingsOf(root: XmlNode, schema: ElementSchema = INIT_SCHEMA): Finding[] {
  return [...checkRoot(root), ...checkElement(root, schema), ...checkNames(root), ...checkStarts(root)];
}

function findingsOfAll(root: XmlNode, program: string, checks: ConfigChecks): Finding[] {
  const inner = root.childrenNamed("start").flatMap((start) => {
    const name = programOf(start);
    const config = checks.has(name) ? start.child("config") : undefined;
    return config ? findingsOfAll(config, name, checks) : [];
  });
  return [...(checks.get(program)?.(root) ?? []), ...inner];
}

function programOf(start: XmlNode): string {
  return start.child("binary")?.attributes.get("name") ?? start.attributes.get("name") ?? "";
}

function inOrder(findings: Finding[]): readonly Finding[] {
  return findings.sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column);
}

/** `file:line:column: message`, as compilers write it. */
export function describeFinding(file: string, { position, message }: Finding): string {
  return `${file}:${position.line}:${position.column}: ${message}`;
}

function* checkRoot(root: XmlNode): Generator<Finding> {
  if (root.name !== "config") {
    yield { position: root.position, message: `the root element is <${root.name}>, expected <config>` };
  }
  const levels = Number(root.attributes.get("prio_levels") ?? 0);
  if (Number.isInteger(levels) && levels !== 0 && !isPowerOfTwo(levels)) {
    const message = `<config prio_levels="${levels}">: expected a power of two, or 0 for none; priorities are off`;
    yield { position: root.positionOfAttribute("prio_levels"), message };
  }
}

function* checkNames(root: XmlNode): Generator<Finding> {
  const starts = new Set<string>();
  for (const start of root.childrenNamed("start")) {
    const name = start.attributes.get("name");
    if (name && starts.has(name)) {
      yield {
        position: start.positionOfAttribute("name"),
        message: `a second <start name="${name}">; names of children are unique`,
      };
    }
    if (name) starts.add(name);
  }
  const aliases = new Set<string>();
  for (const alias of root.childrenNamed("alias")) {
    const name = alias.attributes.get("name") ?? "";
    const position = alias.positionOfAttribute("name");
    if (aliases.has(name)) yield { position, message: `a second <alias name="${name}">; aliases are unique` };
    if (starts.has(name)) yield { position, message: `<alias name="${name}"> is the name of a child` };
    aliases.add(name);
    const child = alias.attributes.get("child");
    if (child && !starts.has(child)) yield unknownChild(alias, "child", child, starts);
  }
  const known = new Set([...starts, ...aliases]);
  for (const target of targetsOf(root)) {
    const name = target.attributes.get("name");
    if (name && !known.has(name)) yield unknownChild(target, "name", name, known);
  }
}

function unknownChild(node: XmlNode, attribute: string, name: string, known: ReadonlySet<string>): Finding {
  const message = `<${node.name} ${attribute}="${name}">: there is no such child, known: ${[...known].join(", ") || "none"}`;
  return { position: node.positionOfAttribute(attribute), message };
}

/** All `<child>` targets in routes and policies. */
function* targetsOf(root: XmlNode): Generator<XmlNode> {
  const routes = [...root.childrenNamed("default-route"), ...root.childrenNamed("service")];
  for (const start of root.childrenNamed("start")) routes.push(...start.childrenNamed("route"));
  for (const route of routes) for (const entry of route.children) yield* entry.childrenNamed("child");
}

function* checkStarts(root: XmlNode): Generator<Finding> {
  const { starts, prioLevels } = readConfig(root);
  const nodes = new Map(
    root
      .childrenNamed("start")
      .map((node) => [node.attributes.get("name"), node] as const)
      .reverse(),
  );
  for (const { name, caps, ram, priority, configFile } of starts) {
    const node = nodes.get(name)!;
    if (caps < START_COSTS.caps) {
      const message = `<start name="${name}"> has ${caps} caps, its start alone costs ${START_COSTS.caps}; give more`;
      yield { position: node.position, message };
    }
    if (ram < START_COSTS.ram) {
      const message = `<start name="${name}"> has ${ram} bytes of RAM, its start alone costs ${START_COSTS.ram}; give more`;
      yield { position: node.position, message };
    }
    if (priority !== 0 && (prioLevels === 0 || priority <= -prioLevels)) {
      const allowed = prioLevels === 0 ? "0, since <config> has no prio_levels" : `0 to -${prioLevels - 1}`;
      const message = `<start priority="${priority}"> of ${name}: expected ${allowed}`;
      yield { position: node.positionOfAttribute("priority"), message };
    }
    if (configFile === "config") {
      const position = node.child("configfile")!.positionOfAttribute("name");
      yield { position, message: `<configfile name="config"> would be init's own configuration; name another module` };
    }
  }
}
