// RTCR's configuration (spec 1.6): the nodes of the thesis's supervisor beside those of init, and what they mean to init.
//
//   <config>
//     <module name="inc" report="yes"/>
//     <granularity>4</granularity>                                             pages, of module inc
//     <redundant slots="3"/>                                                   of module red, instead
//     <child name="sheep_counter" quota="1M" caps="100" xpos="0" ypos="0"/>     a start node in short
//     <checkpoint parallel="no" foreign="pass" unattached="drop"/>
//     <restore bootstrap_ms="30000" standby="no"/>
//     <checkpointable name="ram_dataspaces" xpos="1" ypos="0"/>
//     <start name=".."> ... </start>                                           and everything that init knows
//   </config>
//
// Strict users ask `checkRtcrConfig`; a running supervisor tolerates, as init does.
import {
  AFFINITY_LIMIT,
  type AttributeType,
  CHILD_NAME_LIMIT,
  type ElementSchema,
  escapeXml,
  type Finding,
  findingsOf,
  INIT_SCHEMA,
  START_COSTS,
  tryXml,
  writeXml,
  type XmlNode,
} from "../init/index.ts";
import { MIRROR_SLOTS, readNumber } from "../session/index.ts";
import { BOOTSTRAP_MS } from "./deadline.ts";
import { GRANULARITY_LIMIT, granularityOf, INCREMENTAL } from "./incremental/module.ts";
import type { RtcrModule } from "./module.ts";
import { REDUNDANT } from "./redundant/module.ts";

/** The ROM module of RTCR's own program. */
export const RTCR_PROGRAM = "rtcr";

/** Modules that there are (spec 1.5); an embedding program may bring another one (module.ts). */
export const MODULES = ["base", INCREMENTAL, REDUNDANT] as const;

/** What is recorded one after the other, by the names of the thesis's eight workers (spec 1.5). */
export const CHECKPOINTABLES = [
  ...["cpu_session", "pd_session", "ram_dataspaces", "rom_session"],
  ...["rm_session", "log_session", "timer_session", "capability_mapping"],
] as const;
export type Checkpointable = (typeof CHECKPOINTABLES)[number];

export interface WorkerPlace {
  readonly name: Checkpointable;
  readonly x: number;
  readonly y: number;
}

export interface RtcrConfig {
  readonly module: string;
  /** Timing reports are wanted. */
  readonly report: boolean;
  readonly parallel: boolean;
  /** Sessions that could only be opened anew by a restore are refused (S67). */
  readonly refusesForeign: boolean;
  /** What programs have written where nothing was ever attached is recorded. */
  readonly keepsUnattached: boolean;
  /** What strategy A waits for a bootstrap, in milliseconds. */
  readonly bootstrapMs: number;
  /** Restores wait until another configuration says no. */
  readonly standby: boolean;
  /** Where parts of a checkpoint are made, as configured (S76). */
  readonly workers: readonly WorkerPlace[];
  /** Of the affinity space, in which places are counted; undefined: the machine's. */
  readonly spaceWidth: number | undefined;
}

const MAX = Number.MAX_SAFE_INTEGER;
const BOOL: AttributeType = { is: "bool" };
const AMOUNT: AttributeType = { is: "number", min: 1, max: MAX, units: true };
const MILLISECONDS: AttributeType = { is: "number", min: 1, max: 2 ** 31 - 1 };
const POSITION: AttributeType = { is: "number", min: 0, max: AFFINITY_LIMIT };
const PLACE = { xpos: { type: POSITION }, ypos: { type: POSITION } };

/** Nodes that init does not know. */
const OWN: ElementSchema["children"] = {
  module: {
    many: false,
    element: {
      about: "the module that makes sessions",
      attributes: { name: { type: { is: "one-of", values: MODULES }, required: true }, report: { type: BOOL } },
      children: {},
    },
  },
  child: {
    many: true,
    element: {
      about: "a child: its label is its program's name",
      attributes: {
        name: { type: { is: "text", limit: CHILD_NAME_LIMIT }, required: true },
        quota: { type: AMOUNT, required: true },
        caps: { type: AMOUNT, required: true },
        ...PLACE,
      },
      children: {},
    },
  },
  checkpoint: {
    many: false,
    element: {
      about: "how checkpoints are made",
      attributes: {
        parallel: { type: BOOL },
        foreign: { type: { is: "one-of", values: ["pass", "refuse"] } },
        unattached: { type: { is: "one-of", values: ["drop", "keep"] } },
      },
      children: {},
    },
  },
  restore: {
    many: false,
    element: {
      about: "how children are recreated",
      attributes: { bootstrap_ms: { type: MILLISECONDS }, standby: { type: BOOL } },
      children: {},
    },
  },
  checkpointable: {
    many: true,
    element: {
      about: "where a part of a checkpoint is made",
      attributes: { name: { type: { is: "one-of", values: CHECKPOINTABLES }, required: true }, ...PLACE },
      children: {},
    },
  },
  redundant: {
    many: false,
    element: {
      about: "mirrors of module red",
      attributes: { slots: { type: { is: "number", min: MIRROR_SLOTS.least, max: MIRROR_SLOTS.most } } },
      children: {},
    },
  },
  granularity: { many: false, element: { about: "pages of a granule of module inc", attributes: {}, children: {} } },
};

/** Init's, and the nodes of spec 1.6. */
export const RTCR_SCHEMA: ElementSchema = {
  about: "configuration of rtcr",
  attributes: INIT_SCHEMA.attributes,
  children: { ...INIT_SCHEMA.children, ...OWN },
};

/** What of a module decides about configurations. */
type ConfiguredModule = Pick<RtcrModule, "name" | "schema">;

/** The schema for supervisors with a module. */
function schemaWith(module: ConfiguredModule | undefined): ElementSchema {
  const own = OWN["module"];
  if (!module || !own || own.element.attributes === "anything") return RTCR_SCHEMA;
  requireOwnElements(module);
  const name = { type: { is: "one-of", values: [...MODULES, module.name] }, required: true } as const;
  const named = { ...own, element: { ...own.element, attributes: { ...own.element.attributes, name } } };
  return { ...RTCR_SCHEMA, children: { ...RTCR_SCHEMA.children, ...module.schema, module: named } };
}

/** @throws TypeError if elements of a module are called as those of init, or of RTCR */
export function requireOwnElements({ name, schema = {} }: ConfiguredModule): void {
  const taken = Object.keys(schema).find((element) => Object.hasOwn(RTCR_SCHEMA.children, element));
  if (taken !== undefined) throw new TypeError(`module "${name}": <${taken}> is init's or RTCR's: call it otherwise`);
}

/**
 * Everything in a configuration that is not as it must be.
 *
 * @param module of the supervisor's program, if it has one beside the base
 */
export function checkRtcrConfig(root: XmlNode, module?: ConfiguredModule): Finding[] {
  return [
    ...findingsOf(root, schemaWith(module)),
    ...checkChildren(root),
    ...checkWorkers(root),
    ...checkPlaces(root),
    ...checkGranularity(root),
    ...checkRedundant(root),
  ];
}

function* checkChildren(root: XmlNode): Generator<Finding> {
  const names = new Set(root.childrenNamed("start").map((start) => start.attributes.get("name")));
  for (const child of root.childrenNamed("child")) {
    const name = child.attributes.get("name");
    if (name === undefined) continue;
    if (names.has(name)) {
      const message = `a second child "${name}"; names of children are unique, those of <start> included`;
      yield { position: child.positionOfAttribute("name"), message };
    }
    names.add(name);
    const [caps, ram] = [number(child, "caps"), number(child, "quota")];
    if (caps !== undefined && caps < START_COSTS.caps) {
      const message = `<child name="${name}"> has ${caps} caps, its start alone costs ${START_COSTS.caps}; give more`;
      yield { position: child.positionOfAttribute("caps"), message };
    }
    if (ram !== undefined && ram < START_COSTS.ram) {
      const message = `<child name="${name}"> has ${ram} bytes of RAM, its start alone costs ${START_COSTS.ram}; give more`;
      yield { position: child.positionOfAttribute("quota"), message };
    }
  }
}

function* checkWorkers(root: XmlNode): Generator<Finding> {
  const seen = new Set<string>();
  for (const worker of root.childrenNamed("checkpointable")) {
    const name = worker.attributes.get("name") ?? "";
    if (seen.has(name)) {
      const message = `a second <checkpointable name="${name}">; each is configured once`;
      yield { position: worker.positionOfAttribute("name"), message };
    }
    seen.add(name);
  }
}

/** Where the configuration says how large the machine is, nothing is placed beside it. */
function* checkPlaces(root: XmlNode): Generator<Finding> {
  const space = root.child("affinity-space");
  if (!space) return;
  const extent = { xpos: number(space, "width") ?? 1, ypos: number(space, "height") ?? 1 };
  for (const placed of [...root.childrenNamed("child"), ...root.childrenNamed("checkpointable")]) {
    for (const axis of ["xpos", "ypos"] as const) {
      const at = number(placed, axis) ?? 0;
      if (at < extent[axis]) continue;
      const message = `<${placed.name} ${axis}="${at}">: <affinity-space> has ${extent.xpos} by ${extent.ypos} places`;
      yield { position: placed.positionOfAttribute(axis), message };
    }
  }
}

function* checkGranularity(root: XmlNode): Generator<Finding> {
  const granularity = root.child("granularity");
  if (!granularity) return;
  const module = moduleOf(root);
  const { position, text } = granularity;
  const found = `<granularity>${text.trim()}</granularity>`;
  if (module !== INCREMENTAL) {
    yield { position, message: `${found} is for module ${INCREMENTAL}, found module ${module}: leave it out` };
  } else if (granularityOf(root) === undefined) {
    yield { position, message: `${found}: expected a number of pages from 0 to ${GRANULARITY_LIMIT}` };
  }
}

function* checkRedundant(root: XmlNode): Generator<Finding> {
  const redundant = root.child("redundant");
  const module = moduleOf(root);
  if (!redundant || module === REDUNDANT) return;
  yield {
    position: redundant.position,
    message: `<redundant> is for module ${REDUNDANT}, found module ${module}: leave it out`,
  };
}

function moduleOf(root: XmlNode): string {
  return root.child("module")?.attributes.get("name") ?? MODULES[0];
}

/** What of a configuration is RTCR's; what is absent or bad becomes a default. */
export function readRtcrConfig(text: string): RtcrConfig {
  const root = tryXml(text);
  const node = root.ok ? root.value : undefined;
  const module = node?.child("module");
  const space = node?.child("affinity-space");
  const workers = (node?.childrenNamed("checkpointable") ?? []).flatMap((worker) => {
    const name = CHECKPOINTABLES.find((known) => known === worker.attributes.get("name"));
    return name === undefined ? [] : [{ name, x: number(worker, "xpos") ?? 0, y: number(worker, "ypos") ?? 0 }];
  });
  return {
    module: module?.attributes.get("name") ?? MODULES[0],
    report: yes(module, "report"),
    parallel: yes(node?.child("checkpoint"), "parallel"),
    refusesForeign: node?.child("checkpoint")?.attributes.get("foreign") === "refuse",
    keepsUnattached: node?.child("checkpoint")?.attributes.get("unattached") === "keep",
    bootstrapMs: milliseconds(node?.child("restore")) ?? BOOTSTRAP_MS,
    standby: yes(node?.child("restore"), "standby"),
    workers,
    spaceWidth: space && (number(space, "width") || 1),
  };
}

/** Services that children of flat nodes are routed to: whatever RTCR stands in front of. */
const SERVICES = ["PD", "CPU", "ROM", "RM", "LOG", "Timer", "Report", "File_system", "Terminal"] as const;

/**
 * Init's configuration that a configuration of RTCR stands for. Children in flat nodes have no routes: where the
 * configuration has none for all, theirs go to the parent.
 *
 * @param cpus the machine's, which positions of children are meant in, unless `<affinity-space>` says otherwise
 * @param module as of `checkRtcrConfig`
 */
export function toInitConfig(
  text: string,
  cpus: { readonly width: number; readonly height: number },
  module?: ConfiguredModule,
): string {
  const read = tryXml(text);
  if (!read.ok) return text; // init says what is wrong with it
  const root = read.value;
  const attributes = Array.from(root.attributes, ([name, value]) => ` ${name}="${escapeXml(value)}"`);
  const notInits = { ...OWN, ...module?.schema };
  const kept = root.children.filter(({ name }) => !Object.hasOwn(notInits, name)).map(({ source }) => source);
  const children = root.childrenNamed("child");
  const added = children.length === 0 ? [] : defaults(root, cpus);
  const inside = [...added, ...kept, ...children.map(startNode)];
  return `<${root.name}${attributes.join("")}>\n${inside.join("\n")}\n</${root.name}>\n`;
}

function defaults(root: XmlNode, { width, height }: { readonly width: number; readonly height: number }): string[] {
  const provided = SERVICES.map((name) => ({ name: "service", attributes: { name } }));
  const route = { name: "any-service", children: [{ name: "parent" }] };
  const elements = [
    { name: "parent-provides", children: provided },
    { name: "default-route", children: [route] },
    { name: "affinity-space", attributes: { width, height } },
  ];
  return elements.filter(({ name }) => !root.child(name)).map((element) => writeXml(element).trimEnd());
}

function startNode(child: XmlNode): string {
  const [name, ram, caps] = ["name", "quota", "caps"].map((key) => child.attributes.get(key));
  const [xpos, ypos] = [number(child, "xpos"), number(child, "ypos")];
  const placed = xpos !== undefined || ypos !== undefined;
  const place = { xpos: xpos ?? 0, ypos: ypos ?? 0, width: 1, height: 1 };
  const children = placed ? [{ name: "affinity", attributes: place }] : [];
  return writeXml({ name: "start", attributes: { name, ram, caps }, children }).trimEnd();
}

function number(node: XmlNode, name: string): number | undefined {
  return readNumber(node.attributes.get(name) ?? "");
}

function milliseconds(restore: XmlNode | undefined): number | undefined {
  const ms = restore && number(restore, "bootstrap_ms");
  return ms === undefined || ms < 1 ? undefined : ms;
}

function yes(node: XmlNode | undefined, name: string): boolean {
  return /^(yes|true|1)$/i.test(node?.attributes.get(name) ?? "");
}
