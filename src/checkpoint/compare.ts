// What changed between two checkpoints of components: objects that came, went or changed, and pages of all contents.
// Objects are the same when they have the same allocation number: badges differ after a restore, that does not.
import { equalBytes } from "../util/index.ts";
import { differences, type Names } from "./differences.ts";
import { GranuleBytes, type RecordedBytes } from "./granules.ts";
import { type Fields, namesOf, type ObjectChange, objectsOf, type RecordedObject } from "./objects.ts";
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
export interface FieldChange extends ObjectChange {
  /** A path, as `state.activations[0].thread.frames[1].position`. */
  readonly field: string;
  readonly before: string;
  readonly after: string;
}

export interface ObjectChanges {
  readonly added: readonly ObjectChange[];
  readonly removed: readonly ObjectChange[];
  readonly fields: readonly FieldChange[];
}

export interface ChildChanges extends ObjectChanges {
  readonly name: string;
  readonly dataspaces: readonly DataspaceChange[];
}

export interface SystemChanges {
  readonly addedChildren: readonly string[];
  readonly removedChildren: readonly string[];
  readonly children: readonly ChildChanges[];
  /** Calls between children, by number, and children that had exited. */
  readonly between: ObjectChanges;
}

interface Side {
  readonly system: SystemCheckpoint;
  readonly objects: ReadonlyMap<string, readonly RecordedObject[]>;
  /** By child: what badges mean there. */
  readonly names: ReadonlyMap<string, Names>;
  /** To whom none of the children's names belongs. */
  readonly outside: Names;
}

/** What `after` has that `before` had not, and the other way round; children are matched by name. */
export function compareSystems(before: SystemCheckpoint, after: SystemCheckpoint): SystemChanges {
  const [old, now] = [sideOf(before), sideOf(after)];
  const fresh = after.children.map(({ name }) => name);
  return {
    addedChildren: fresh.filter((name) => !old.objects.has(name)),
    removedChildren: [...old.objects.keys()].filter((name) => !now.objects.has(name)),
    children: fresh.filter((name) => old.objects.has(name)).map((name) => compareChildren(name, old, now)),
    between: compareObjects(between(before), between(after), old.outside, now.outside),
  };
}

function sideOf(system: SystemCheckpoint): Side {
  const objects = new Map(system.children.map((child) => [child.name, objectsOf(child)]));
  const own = new Map(system.children.map((child) => [child.name, namesOf(child, objectsOf(child))]));
  const all = [...own].flatMap(([child, names]) => [...names].map(([badge, what]) => [badge, `${child}: ${what}`]));
  const known = new Map(all as [number, string][]);
  const outside: Names = (badge) => (badge === 0 ? "none" : (known.get(badge) ?? "somebody else's"));
  const names = new Map(
    [...own].map(([child, mine]): [string, Names] => [child, (badge) => mine.get(badge) ?? outside(badge)]),
  );
  return { system, objects, names, outside };
}

function compareChildren(name: string, old: Side, now: Side): ChildChanges {
  const [before, after] = [old.objects.get(name)!, now.objects.get(name)!];
  const changes = compareObjects(before, after, old.names.get(name)!, now.names.get(name)!);
  const previous = byKey(before);
  return { name, ...changes, dataspaces: after.flatMap((object) => compareContents(previous.get(object.key), object)) };
}

function byKey(objects: readonly RecordedObject[]): ReadonlyMap<string, RecordedObject> {
  return new Map(objects.map((object) => [object.key, object]));
}

function compareObjects(
  before: readonly RecordedObject[],
  after: readonly RecordedObject[],
  oldNames: Names,
  newNames: Names,
): ObjectChanges {
  const [old, now] = [byKey(before), byKey(after)];
  const change = ({ kind, name, info }: RecordedObject): ObjectChange => ({ kind, name, allocated: info.allocated });
  return {
    added: after.filter(({ key }) => !old.has(key)).map(change),
    removed: before.filter(({ key }) => !now.has(key)).map(change),
    fields: after.flatMap((object) => {
      const previous = old.get(object.key);
      if (!previous) return [];
      const found = differences(previous.fields, object.fields, oldNames, newNames);
      return found.map(({ path, ...texts }) => ({ ...change(object), field: path, ...texts }));
    }),
  };
}

/** What belongs to no child alone, as objects. */
function between({ calls, exited }: SystemCheckpoint): readonly RecordedObject[] {
  const object = (kind: string, allocated: number, name: string, fields: Fields): RecordedObject => ({
    ...{ kind, name, fields, key: `${kind} ${allocated} ${name}` },
    info: { badge: 0, allocated, bootstrapped: false },
  });
  return [
    ...exited.map(({ name, value }) => object("exit", 0, name, { value })),
    ...calls.map(({ number, ...call }) => object("call", number, "", call as unknown as Fields)),
  ];
}

function compareContents(before: RecordedObject | undefined, after: RecordedObject): DataspaceChange[] {
  const [old, now] = [before?.content?.bytes, after.content];
  if (!old || !now) return [];
  const changedPages = countChangedPages(old, now.bytes);
  if (changedPages === 0) return [];
  const pages = Math.ceil(Math.max(old.length, now.bytes.length) / PAGE_BYTES);
  return [{ allocated: after.info.allocated, role: now.role, sizeBytes: now.bytes.length, changedPages, pages }];
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
