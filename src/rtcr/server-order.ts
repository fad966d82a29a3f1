// Who is restored before whom: a program in TypeScript makes the objects that it serves when its own relations are made, and
// what stands in front of a client's session needs such an object. Guests' objects are there before all relations.

/**
 * Clients behind their servers, otherwise in the order given.
 *
 * @param serversOf names of those that must come first; others are ignored
 * @returns the order, or the names of those that wait for each other
 */
export function serversFirst<T>(
  all: readonly T[],
  nameOf: (item: T) => string,
  serversOf: (item: T) => readonly string[],
): { readonly order: readonly T[] } | { readonly circle: readonly string[] } {
  const waiting = new Map(all.map((item) => [nameOf(item), item]));
  const order: T[] = [];
  while (waiting.size > 0) {
    const next = [...waiting.values()].find((item) => serversOf(item).every((server) => !waiting.has(server)));
    if (next === undefined) return { circle: [...waiting.keys()] };
    waiting.delete(nameOf(next));
    order.push(next);
  }
  return { order };
}
