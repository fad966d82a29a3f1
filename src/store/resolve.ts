// References to checkpoints: `latest`, run names, ids and their prefixes.
import { type PageTarget, runNameLike, short } from "../checkpoint/index.ts";
import { StoreFault } from "./faults.ts";
import type { Listing, Root } from "./types.ts";

const PREFIX_DIGITS = 4;

/** Sorts oldest first. */
export function byAge(a: Root, b: Root): number {
  return a.sequence - b.sequence || compare(a.published, b.published) || compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The root that a reference means. A name wins over a prefix. Throws "not-found", "ambiguous" or "damaged". */
export function resolveRoot(listing: Listing, reference: string): Root {
  const named = reference === "latest" ? () => true : (root: Root) => root.name === reference;
  const newest = listing.roots.findLast(named);
  const hidden = listing.damaged.find(({ detail }) => {
    const root = detail as unknown as Root;
    return root.id === reference || (named(root) && root.sequence >= (newest?.sequence ?? 0));
  });
  if (hidden) throw hidden; // an older one in its place would be a silently wrong answer
  if (newest) return newest;
  return resolvePrefix(listing.roots, reference);
}

function resolvePrefix(roots: readonly Root[], reference: string): Root {
  const prefix = /^[0-9a-f]+$/.test(reference) && reference.length >= PREFIX_DIGITS;
  const matches = prefix ? roots.filter(({ id }) => id.startsWith(reference)) : [];
  const ids = [...new Set(matches.map(({ id }) => id))];
  if (ids.length === 1) return matches.at(-1)!;
  if (ids.length === 0) throw notFound(reference, roots.length);
  const message = `store: ${reference} is the beginning of ${ids.length} ids (${ids.slice(0, 4).map(longer(reference)).join(", ")}), expected of one; give more digits`;
  throw new StoreFault("ambiguous", message, { reference, ids });
}

function longer(reference: string): (id: string) => string {
  return (id) => id.slice(0, Math.max(8, reference.length + 4));
}

/** The fault for a reference that nothing answers to. */
export function notFound(reference: string, count: number): StoreFault {
  const holds = count === 0 ? "the store holds no checkpoint" : `the store holds ${count}`;
  const message = `store: no checkpoint ${reference}, expected latest, a run name or an id; ${holds}`;
  return new StoreFault("not-found", message, { reference });
}

/** Refuses what cannot be a run name. */
export function requireRunName(name: string): void {
  const allowed: boolean = runNameLike(name);
  if (allowed) return;
  const message = `store: ${JSON.stringify(name.slice(0, 120))} is no run name, expected 1 to 100 of A-Z a-z 0-9 . _ - (not latest, no . or - in front)`;
  throw new StoreFault("name-refused", message, { name });
}

/** Refuses bytes whose hash is not their name. */
export function requireHash(
  kind: "page" | "manifest",
  expected: string,
  actual: string,
  sizeBytes: number,
  where = "",
): void {
  if (actual === expected) return;
  const message = `store: ${kind} ${short(expected)}${where} reads back as ${short(actual)} (${sizeBytes} bytes), expected ${short(expected)}`;
  throw new StoreFault("damaged", message, { kind, expected, actual, sizeBytes });
}

/** The fault for a page or manifest that is not there. */
export function missing(kind: "page" | "manifest", name: string, why = ""): StoreFault {
  return new StoreFault("missing", `store: ${kind} ${short(name)} is missing, expected it in the store${why}`, {
    kind,
    name,
  });
}

/** Copies a page into its target; refuses one of another size. */
export function putInto({ name, target }: PageTarget, bytes: Uint8Array): void {
  if (bytes.length !== target.length) {
    const message = `store: page ${short(name)} has ${bytes.length} bytes, expected ${target.length}`;
    throw new StoreFault("damaged", message, { page: name, sizeBytes: bytes.length });
  }
  target.set(bytes);
}
