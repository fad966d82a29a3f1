// Checkpoints of different lives, or systems, as they can be compared.
import { type CapabilityInfo, componentsOf, type SystemCheckpoint } from "../../src/checkpoint/index.ts";

/** Every part of a value that is not a number, a text or the like, with where it is. */
export function* parts(value: unknown, path = "system"): Generator<readonly [path: string, part: object]> {
  if (typeof value === "function") yield [path, value];
  if (typeof value !== "object" || value === null) return;
  yield [path, value];
  if (ArrayBuffer.isView(value)) return;
  for (const [key, part] of Object.entries(value)) yield* parts(part, `${path}.${key}`);
}

/** What names calls, threads of the kernel or clocks by numbers of this system's; sessions that open make signals. */
const RENUMBERED: ReadonlySet<string> = new Set(["instance", "state", "pending", "queued", "badge", "nativeBadge"]);

/** All that is recorded of the children but contents, with objects named by their numbers, not by badges of this system. */
export function comparable(system: SystemCheckpoint): readonly Readonly<Record<string, unknown>>[] {
  const names = new Map<number, string>();
  for (const [, part] of parts(system)) {
    const { badge, allocated, dataspaceBadge, nativeBadge } = part as Record<string, number | undefined>;
    if (badge === undefined || allocated === undefined) continue;
    names.set(badge, `object ${allocated}`);
    if (dataspaceBadge) names.set(dataspaceBadge, `dataspace of ${allocated}`);
    if (nativeBadge) names.set(nativeBadge, `thread of ${allocated}`);
  }
  for (const component of system.children.flatMap(componentsOf)) {
    for (const [i, badge] of (component.servedBadges ?? []).entries())
      names.set(badge, `${component.name}: served ${i}`);
  }
  const name = (badge: number) => names.get(badge) ?? (badge === 0 ? "none" : "other");
  const plain = JSON.stringify(system.children, (key, value) => {
    if (key === "content" || key === "data") return undefined;
    if (key === "capabilities")
      return value.map(({ slot, badge, references }: CapabilityInfo) => [slot, name(badge), references]);
    if (key === "servedBadges") return value.map(name);
    if (RENUMBERED.has(key)) return undefined;
    return key.endsWith("Badge") ? name(value) : value;
  });
  return JSON.parse(plain);
}
