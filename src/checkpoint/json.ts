// Canonical JSON: properties in one order, so that equal values give equal bytes. Knows nothing of images.
//
// The order: names that are array indices by number, then the others by UTF-16 code units. (JavaScript objects always
// list the former first; any other rule would need a writer of our own.)

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * The canonical text of a value. Properties that are undefined are left out.
 *
 * @param indent spaces for each level; 0 writes no white space at all
 */
export function canonicalJson(value: Json, indent = 0): string {
  return JSON.stringify(sorted(value), undefined, indent); // a replacer would cost several times as much
}

/** The value itself where everything in it is in order already, else a copy. */
function sorted(value: Json | undefined): Json | undefined {
  if (value === null || typeof value !== "object") return value;
  return Array.isArray(value)
    ? sortedItems(value)
    : sortedProperties(value as Readonly<Record<string, Json | undefined>>);
}

function sortedItems(items: readonly Json[]): readonly Json[] {
  let copy: Json[] | undefined;
  for (let i = 0; i < items.length; i++) {
    const item = sorted(items[i]!)!;
    if (item !== items[i]) (copy ??= [...items])[i] = item;
  }
  return copy ?? items;
}

function sortedProperties(properties: Readonly<Record<string, Json | undefined>>): Json {
  const keys = Object.keys(properties);
  let same = inOrder(keys);
  if (!same) keys.sort();
  const entries = keys.map((key): [string, Json | undefined] => {
    const item = sorted(properties[key]);
    same &&= item === properties[key];
    return [key, item];
  });
  return same ? properties : Object.fromEntries(entries);
}

function inOrder(keys: readonly string[]): boolean {
  for (let i = 1; i < keys.length; i++) if (keys[i - 1]! >= keys[i]!) return false;
  return true;
}
