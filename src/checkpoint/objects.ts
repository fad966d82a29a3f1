// The objects that a checkpoint records of a child, one by one, for those who compare two of them.
import type { PlainData } from "../abi/index.ts";
import { componentsOf, cpusOf, describeRole, otherSessions, type RecordedComponent } from "./components.ts";
import type { RecordedBytes } from "./granules.ts";
import type {
  ChildInfo,
  DataspaceInfo,
  ObjectInfo,
  PdInfo,
  RegionMapInfo,
  ReportInfo,
  RomInfo,
  SessionInfo,
  ThreadInfo,
} from "./info.ts";

export type Fields = Readonly<Record<string, PlainData | undefined>>;

export interface RecordedObject {
  readonly kind: string;
  /** With the name of a component that the child keeps in front; empty: it has none. */
  readonly name: string;
  /** The same in each checkpoint of the child, also after a restore. */
  readonly key: string;
  readonly info: ObjectInfo;
  /** What is recorded of the object alone: objects within are objects of their own. */
  readonly fields: Fields;
  readonly content?: { readonly role: string; readonly bytes: RecordedBytes } | undefined;
}

/** An object that came, went or changed. */
export interface ObjectChange {
  readonly kind: string;
  readonly allocated: number;
  readonly name: string;
}

/** All of a child and of the components that it keeps. */
export function objectsOf(child: ChildInfo): readonly RecordedObject[] {
  const { logs, timers, roms, rms, reports, foreign, fileSystems = [], terminals = [] } = child;
  // What is recorded as a session of another child's as well is one object.
  const served = new Map(foreign.map((info) => [info.id, info]));
  const sessions = <T extends SessionInfo>(kind: string, infos: readonly T[], name?: (info: T) => string) =>
    named(kind, infos, name, ({ id }) => served.get(id) as unknown as Fields);
  return [
    ...componentsOf(child).flatMap((component) => componentObjects(component, ownFields(component))),
    ...cpusOf(child).flatMap((cpu) => [
      ...sessions("CPU", [cpu]),
      ...named("thread", cpu.threads, ({ name }: ThreadInfo) => name),
    ]),
    ...[...sessions("LOG", logs), ...sessions("Timer", timers)],
    ...sessions("Report", reports).map((report) => holding(report, "report", (report.info as ReportInfo).content)),
    ...sessions("ROM", roms, ({ module }) => module).map((rom) =>
      holding(rom, `ROM ${rom.name}`, (rom.info as RomInfo).content),
    ),
    ...rms.flatMap((rm) => [...sessions("RM", [rm]), ...rm.regionMaps.flatMap((map) => mapObject(map, ""))]),
    ...[...sessions("File_system", fileSystems), ...sessions("Terminal", terminals)],
    ...named("session", otherSessions(child), ({ service }) => service),
  ];
}

/**
 * Objects by their badges, in words that are the same in each checkpoint of the child: badges are not.
 *
 * @param objects of `objectsOf`
 */
export function namesOf(child: ChildInfo, objects: readonly RecordedObject[]): Map<number, string> {
  const names = new Map<number, string>();
  const add = (badge: unknown, what: string) => {
    if (typeof badge === "number" && badge !== 0 && !names.has(badge)) names.set(badge, what);
  };
  for (const object of objects) add(object.info.badge, nameOf(object));
  for (const object of objects) {
    for (const key of ["nativeBadge", "dataBadge", "dataspaceBadge"]) {
      add(object.fields[key], `${key.slice(0, -"Badge".length)} of ${nameOf(object)}`);
    }
  }
  add(child.parent.badge, "parent");
  for (const { name, servedBadges = [] } of componentsOf(child)) {
    for (const [i, badge] of servedBadges.entries()) add(badge, `${name === "" ? "" : `${name}: `}served object ${i}`);
  }
  return names;
}

/** `thread 12 (ep)` */
export function objectName({ kind, allocated, name }: ObjectChange): string {
  return `${kind} ${allocated}${name === "" ? "" : ` (${name})`}`;
}

function nameOf({ kind, name, info }: RecordedObject): string {
  return objectName({ kind, name, allocated: info.allocated });
}

/** What has a place of its own, or none: a badge means nothing outside of its checkpoint. */
const APART: ReadonlySet<string> = new Set([
  ...["badge", "data", "content", "signalSources", "signalContexts", "rpcObjects", "dataspaces", "threads"],
  ...["regionMaps", "addressSpace", "stackArea", "linkerArea"],
]);

function named<T extends ObjectInfo>(
  kind: string,
  infos: readonly T[],
  name: (info: T) => string = () => "",
  more: (info: T) => Fields | undefined = () => undefined,
): RecordedObject[] {
  return infos.map((info) => {
    const all = { ...more(info), ...(info as unknown as Fields) };
    const fields = Object.fromEntries(Object.entries(all).filter(([key]) => !APART.has(key)));
    return { kind, name: name(info), key: `${kind} ${info.allocated}`, info, fields };
  });
}

function holding(object: RecordedObject, role: string, bytes: RecordedBytes): RecordedObject {
  return { ...object, content: { role, bytes } };
}

/** What is recorded of a child or of a component beside its sessions and objects. */
function ownFields({ pd: _, name: __, capabilities, ...own }: RecordedComponent): Fields {
  const sessions = ["cpu", "logs", "timers", "roms", "rms", "reports", "foreign"];
  const kept = new Set([...sessions, "cpus", "components", "fileSystems", "terminals"]);
  const slots = capabilities.map(({ slot, badge, references }) => [`slot ${slot}`, { badge, references }]);
  return {
    ...(Object.fromEntries(Object.entries(own).filter(([key]) => !kept.has(key))) as Fields),
    capabilities: Object.fromEntries(slots),
  };
}

function componentObjects({ name: component, pd }: RecordedComponent, own: Fields): RecordedObject[] {
  const objects = [
    ...named("PD", [pd], undefined, () => own).map((object) => holding(object, "program memory", (pd as PdInfo).data)),
    ...mapObject(pd.addressSpace, "address space"),
    ...mapObject(pd.stackArea, "stack area"),
    ...mapObject(pd.linkerArea, "linker area"),
    ...named("dataspace", pd.dataspaces, describeRole).map((object) =>
      holding(object, object.name, (object.info as DataspaceInfo).content),
    ),
    ...named("signal source", pd.signalSources),
    ...named("signal context", pd.signalContexts),
    ...named("RPC object", pd.rpcObjects),
  ];
  if (component === "") return objects;
  return objects.map(({ name, key, content, ...rest }) => {
    const full = name === "" ? component : `${component}: ${name}`;
    const role = content?.role === "program memory" ? `program memory of ${component}` : full;
    return { ...rest, name: full, key: `${component}: ${key}`, content: content && { ...content, role } };
  });
}

/** Its regions are told apart by their addresses. */
function mapObject(map: RegionMapInfo, name: string): RecordedObject[] {
  return named("region map", [map], () => name).map((object) => {
    const regions = map.regions.map(({ address, ...region }) => [`0x${address.toString(16)}`, region]);
    return { ...object, fields: { ...object.fields, regions: Object.fromEntries(regions) } };
  });
}
