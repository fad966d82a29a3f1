// Who owns what in a group of linked instances: every memory, mutable global and table belongs to the first instance
// that holds it.

import type { Group } from "./group.ts";
import type { Instance } from "./instance.ts";

/** Indices of what one instance owns and a capture must save, ascending. */
export interface OwnedState {
  readonly memories: readonly number[];
  /** Mutable ones. */
  readonly globals: readonly number[];
  /** Those whose elements may have changed. */
  readonly tables: readonly number[];
}

const KNOWN = new WeakMap<Group, readonly OwnedState[]>();
/** By what there is all in all. */
const OUTSIDE = new WeakMap<readonly OwnedState[], readonly OwnedState[]>();

/** What each instance of a group owns: the same until another is added. */
export function ownedBy(group: Group): readonly OwnedState[] {
  let known = KNOWN.get(group);
  if (known?.length !== group.instances.length) KNOWN.set(group, (known = owned(group.instances)));
  return known;
}

/** The same without memory 0 of the first instance: a component's PD has that in its dataspaces. */
export function ownedOutside(group: Group): readonly OwnedState[] {
  const all = ownedBy(group);
  let outside = OUTSIDE.get(all);
  if (!outside) {
    const [first, ...others] = all;
    outside = first ? [{ ...first, memories: first.memories.filter((index) => index !== 0) }, ...others] : [];
    OUTSIDE.set(all, outside);
  }
  return outside;
}

/** What each instance owns, in the order of `instances`. */
function owned(instances: readonly Instance[]): OwnedState[] {
  const seen = new Set<unknown>();
  const first = (...aliases: unknown[]) => {
    const fresh = !aliases.some((value) => seen.has(value));
    for (const value of aliases) seen.add(value);
    return fresh;
  };
  const changes = changedTables(instances);
  return instances.map((instance) => {
    const { memories, globals, tables } = instance.program.info;
    return {
      memories: memories.flatMap((_, index) => (first(instance.memories[index]) ? [index] : [])),
      globals: globals.flatMap(({ mutable }, index) =>
        mutable && first(...globalObjects(instance, index)) ? [index] : [],
      ),
      tables: tables.flatMap((_, index) => {
        const table = instance.table(index);
        return changes.has(table) && first(table) ? [index] : [];
      }),
    };
  });
}

/** The memories of a group, each with its owner. */
export function ownedMemories(
  group: Group,
): { readonly instance: number; readonly index: number; readonly memory: WebAssembly.Memory }[] {
  const { instances } = group;
  return ownedBy(group).flatMap(({ memories }, instance) =>
    memories.map((index) => ({ instance, index, memory: instances[instance]!.memories[index]! })),
  );
}

/** The objects that stand for one global: V8 makes one for every name that a global is exported under. */
function globalObjects(instance: Instance, index: number): unknown[] {
  const names = instance.program.info.exports.filter((entry) => entry.kind === "global" && entry.index === index);
  return [instance.global(index), ...names.map(({ name }) => instance.exports[name])];
}

/** Tables that some instance of the group may change. */
function changedTables(instances: readonly Instance[]): ReadonlySet<WebAssembly.Table> {
  const tables = new Set<WebAssembly.Table>();
  for (const instance of instances) {
    instance.program.info.tables.forEach(({ changes }, index) => {
      if (changes) tables.add(instance.table(index));
    });
  }
  return tables;
}
