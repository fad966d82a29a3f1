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
  return JSON.stringify(value, sortedKeys, indent);
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  const keys = Object.keys(value);
  if (inOrder(keys)) return value;
  const source = value as Record<string, unknown>;
  return Object.fromEntries(keys.sort().map((key) => [key, source[key]]));
}

function inOrder(keys: readonly string[]): boolean {
  for (let i = 1; i < keys.length; i++) if (keys[i - 1]! >= keys[i]!) return false;
  return true;
}
