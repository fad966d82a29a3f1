// Equality of types: two type indices mean the same type when their recursion groups are equal, member by member.
//
// A group is equal to another when its definitions are, with references inside the group compared by place and
// references to earlier groups by the type they mean (WebAssembly 3.0, "rolling" of recursive types). Struct and
// array types are kept by kind only (types.ts), so each of them is taken to differ from all others.

import {
  type FunctionType,
  heapOf,
  isAbstractHeap,
  isNullable,
  isRef,
  type Module,
  type TypeDefinition,
  type TypeGroups,
  type ValueType,
} from "./types.ts";

/**
 * For each type index the smallest type index with an equal definition, so that equal types have equal numbers.
 * Costs one pass over the types.
 */
export function canonicalTypes({ types, typeGroups }: Module): Int32Array {
  const canonical = new Int32Array(types.length);
  const firstOf = new Map<string, number>();
  let recursive = 0;
  for (let first = 0; first < types.length; ) {
    const group = typeGroups.recursive[recursive];
    const count = group?.first === first ? group.count : 1;
    if (count > 1) recursive++;
    const key = keyOf(types, first, count, canonical);
    const equal = firstOf.get(key) ?? first;
    if (equal === first) firstOf.set(key, first);
    for (let i = 0; i < count; i++) canonical[first + i] = equal + i;
    first += count;
  }
  return canonical;
}

/**
 * The type index of every signature, as `signatureKey` words it, that a type of its own stands for: final, without a
 * supertype, and in no group of several. Only such a type is equal to the type of that signature in other modules.
 */
export function plainFunctionTypes(types: readonly TypeDefinition[], { recursive }: TypeGroups): Map<string, number> {
  const plain = new Map<string, number>();
  const grouped = new Set(recursive.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i)));
  types.forEach((type, index) => {
    if (type.kind !== "func" || type.open || type.supertype !== undefined || grouped.has(index)) return;
    const key = signatureKey(type);
    if (!plain.has(key)) plain.set(key, index);
  });
  return plain;
}

/** Equal for equal lists of parameters and results. */
export function signatureKey({ params, results }: Pick<FunctionType, "params" | "results">): string {
  return `${params.join()}>${results.join()}`;
}

/** A text that equal groups share. */
function keyOf(types: readonly TypeDefinition[], first: number, count: number, canonical: Int32Array): string {
  const reference = (index: number) => (index >= first ? `.${index - first}` : `${canonical[index]}`);
  let key = "";
  for (let index = first; index < first + count; index++) {
    const type = types[index]!;
    key += type.open ? "open " : "";
    key += type.supertype === undefined ? "" : `sub ${reference(type.supertype)} `;
    key +=
      type.kind === "func" ? `${listKey(type.params, reference)}>${listKey(type.results, reference)};` : `#${index};`;
  }
  return key;
}

function listKey(list: readonly ValueType[], reference: (index: number) => string): string {
  let key = "";
  for (const type of list) {
    const concrete = isRef(type) && !isAbstractHeap(heapOf(type));
    key += concrete ? `${isNullable(type) ? "null " : ""}@${reference(heapOf(type))},` : `${type.toString(16)},`;
  }
  return key;
}
