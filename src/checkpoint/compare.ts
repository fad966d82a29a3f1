// What changed between two checkpoints of components: objects that came, went or changed, and pages of all contents.
// Objects are the same when they have the same allocation number: badges differ after a restore, that does not.
import type { PlainData } from "../abi/index.ts";
import { equalBytes } from "../util/index.ts";
import { componentsOf, cpusOf, describeRole, otherSessions, type RecordedComponent } from "./components.ts";
import { GranuleBytes, type RecordedBytes } from "./granules.ts";
import type { ChildInfo, DataspaceInfo, ObjectInfo, PdInfo, ReportInfo, RomInfo, ThreadInfo } from "./info.ts";
import type { SystemCheckpoint } from "./system.ts";

const PAGE_BYTES = 4096;

export interface DataspaceChange {
  /** Of the dataspace; for one that is recorded with its PD or session, of that. */
  readonly allocated: number;
  /** With what it says of itself; `program memory`, `ROM config`, `report` for those recorded elsewhere. */
  readonly role: string;
  readonly sizeBytes: number;
  /** Pages of 4 KiB that differ, and all there are. */
  readonly changedPages: number;
  readonly pages: number;
}

/** One line's worth: `timer 41: remainingUs 250 -> 100`. */
export interface FieldChange {
  readonly kind: string;
  readonly allocated: number;
  readonly name: string;
  readonly field: string;
  readonly before: string;
  readonly after: string;
}

export interface ObjectChange {
  readonly kind: string;
  readonly allocated: number;
  readonly name: string;
}

export interface ChildChanges {
  readonly name: string;
  readonly added: readonly ObjectChange[];
  readonly removed: readonly ObjectChange[];
  readonly dataspaces: readonly DataspaceChange[];
  readonly fields: readonly FieldChange[];
}

export interface SystemChanges {
  readonly addedChildren: readonly string[];
  readonly removedChildren: readonly string[];
  readonly children: readonly ChildChanges[];
}

interface Named {
  readonly kind: string;
  readonly name: string;
  readonly info: ObjectInfo;
}

/** What `after` has that `before` had not, and the other way round; children are matched by name. */
export function compareSystems(before: SystemCheckpoint, after: SystemCheckpoint): SystemChanges {
  const old = new Map(before.children.map((child) => [child.name, child]));
  const fresh = new Set(after.children.map(({ name }) => name));
  return {
    addedChildren: [...fresh].filter((name) => !old.has(name)),
    removedChildren: [...old.keys()].filter((name) => !fresh.has(name)),
    children: after.children.flatMap((child) => {
      const previous = old.get(child.name);
      return previous ? [compareChildren(previous, child)] : [];
    }),
  };
}

function compareChildren(before: ChildInfo, after: ChildInfo): ChildChanges {
  const old = new Map(objectsOf(before).map((object) => [object.info.allocated, object]));
  const now = new Map(objectsOf(after).map((object) => [object.info.allocated, object]));
  const change = ({ kind, name, info }: Named): ObjectChange => ({ kind, name, allocated: info.allocated });
  const both = [...now].flatMap(([allocated, object]) => {
    const previous = old.get(allocated);
    return previous ? [[previous, object] as const] : [];
  });
  return {
    name: after.name,
    added: [...now].filter(([allocated]) => !old.has(allocated)).map(([, object]) => change(object)),
    removed: [...old].filter(([allocated]) => !now.has(allocated)).map(([, object]) => change(object)),
    dataspaces: both.flatMap(([previous, object]) => compareContents(previous, object)),
    fields: both.flatMap(([previous, object]) => compareFields(previous, object)),
  };
}

type Infos = readonly ObjectInfo[];

function named(kind: string, infos: Infos, name: (info: never) => string = () => ""): Named[] {
  return infos.map((info) => ({ kind, info, name: name(info as never) }));
}

function objectsOf(child: ChildInfo): Named[] {
  const { logs, timers, roms, rms, reports, fileSystems = [], terminals = [] } = child;
  return [
    ...componentsOf(child).flatMap(componentObjects),
    ...cpusOf(child).flatMap((cpu) => [
      ...named("CPU", [cpu]),
      ...named("thread", cpu.threads, ({ name }: ThreadInfo) => name),
    ]),
    ...[...named("LOG", logs), ...named("Timer", timers), ...named("Report", reports)],
    ...named("ROM", roms, ({ module }: { readonly module: string }) => module),
    ...rms.flatMap((rm) => [...named("RM", [rm]), ...named("region map", rm.regionMaps)]),
    ...[...named("File_system", fileSystems), ...named("Terminal", terminals)],
    ...named("session", otherSessions(child), ({ service }: { readonly service: string }) => service),
  ];
}

/** With the name of a component that the child keeps in front. */
function componentObjects({ name: component, pd }: RecordedComponent): Named[] {
  const objects = [
    ...named("PD", [pd]),
    ...named("region map", [pd.addressSpace], () => "address space"),
    ...named("region map", [pd.stackArea], () => "stack area"),
    ...named("region map", [pd.linkerArea], () => "linker area"),
    ...named("dataspace", pd.dataspaces, describeRole),
    ...named("signal source", pd.signalSources),
    ...named("signal context", pd.signalContexts),
    ...named("RPC object", pd.rpcObjects),
  ];
  if (component === "") return objects;
  return objects.map(({ name, ...rest }) => ({ ...rest, name: name === "" ? component : `${component}: ${name}` }));
}

function compareContents(before: Named, after: Named): DataspaceChange[] {
  const [old, now] = [contentOf(before), contentOf(after)];
  if (!old || !now) return [];
  const changedPages = countChangedPages(old.content, now.content);
  if (changedPages === 0) return [];
  const { role, content } = now;
  const pages = Math.ceil(Math.max(old.content.length, content.length) / PAGE_BYTES);
  return [{ allocated: after.info.allocated, role, sizeBytes: content.length, changedPages, pages }];
}

/** What is recorded of an object's bytes; undefined: it has none. */
function contentOf({
  kind,
  name,
  info,
}: Named): { readonly role: string; readonly content: RecordedBytes } | undefined {
  if (kind === "PD")
    return { role: name === "" ? "program memory" : `program memory of ${name}`, content: (info as PdInfo).data };
  if (!("content" in info)) return undefined;
  const { content } = info as DataspaceInfo | RomInfo | ReportInfo;
  return { role: kind === "ROM" ? `ROM ${name}` : kind === "Report" ? "report" : name, content };
}

function countChangedPages(old: RecordedBytes, now: RecordedBytes): number {
  let changed = 0;
  for (let start = 0; start < Math.max(old.length, now.length); start += PAGE_BYTES) {
    if (!samePage(old, now, start)) changed++;
  }
  return changed;
}

function samePage(old: RecordedBytes, now: RecordedBytes, start: number): boolean {
  const end = start + PAGE_BYTES;
  if (old instanceof GranuleBytes && now instanceof GranuleBytes && now.shares(old, start, end)) return true;
  return equalBytes(old.subarray(start, end), now.subarray(start, end));
}

/** Fields of the objects themselves; objects within are compared on their own, contents by pages. */
function compareFields(before: Named, after: Named): FieldChange[] {
  const old = before.info as unknown as Readonly<Record<string, PlainData>>;
  return Object.entries(after.info as unknown as Readonly<Record<string, PlainData>>).flatMap(([field, value]) => {
    if (APART.has(field)) return [];
    const [was, is] = [show(old[field]), show(value)];
    if (was === is) return [];
    const { kind, name } = after;
    return [{ kind, name, allocated: after.info.allocated, field, before: short(was), after: short(is) }];
  });
}

/** What differs from checkpoint to checkpoint without meaning, or is compared by itself. */
const APART: ReadonlySet<string> = new Set([
  ...["badge", "nativeBadge", "behindBadge", "nativeBehindBadge", "dataBadge", "data", "content"],
  ...["signalSources", "signalContexts", "rpcObjects", "dataspaces", "threads", "regionMaps"],
  ...["addressSpace", "stackArea", "linkerArea"],
]);

function show(value: PlainData | undefined): string {
  return (
    JSON.stringify(value, (_, item: unknown) => {
      if (typeof item === "bigint") return `${item}n`;
      return item instanceof Uint8Array ? `bytes ${item.toHex()}` : item;
    }) ?? "absent"
  );
}

function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
