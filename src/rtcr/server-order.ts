// Who is restored before whom: a program in TypeScript makes the objects that it serves when its own relations are made, and
// what stands in front of a client's session needs such an object. Guests' objects are there before all relations.

/**
 * Clients behind their servers, otherwise in the order given.
 *
 * @param serversOf names of those that must come first; others, and its own, are ignored
 * @returns one after the other; those that wait for each other, in a circle or between two, come together
 */
export function serversFirst<T>(
  all: readonly T[],
  nameOf: (item: T) => string,
  serversOf: (item: T) => readonly string[],
): readonly (readonly T[])[] {
  const waiting = new Map(all.map((item) => [nameOf(item), item]));
  const serves = (name: string, item: T) => name !== nameOf(item) && serversOf(item).includes(name);
  const order: T[][] = [];
  while (waiting.size > 0) {
    const next = [...waiting.values()].find((item) => ![...waiting.keys()].some((name) => serves(name, item)));
    const names = next ? [nameOf(next)] : withoutClients([...waiting.keys()], (name) => waiting.get(name)!, serves);
    order.push(names.map((name) => waiting.get(name)!));
    for (const name of names) waiting.delete(name);
  }
  return order;
}

/** Without those that only wait for others, and for whom nobody waits. */
function withoutClients<T>(
  names: readonly string[],
  itemOf: (name: string) => T,
  serves: (name: string, item: T) => boolean,
): readonly string[] {
  const rest = names.filter((name) => names.some((other) => serves(name, itemOf(other))));
  return rest.length === names.length ? rest : withoutClients(rest, itemOf, serves);
}
