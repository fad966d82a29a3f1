// The one fault of this layer, and how its messages show what was found.
import { Fault } from "../util/index.ts";

/**
 * Bytes that are no image this build can read, or a checkpoint that cannot become an image.
 *
 * - foreign: not an rtcr image at all
 * - truncated: begins as one and ends early
 * - damaged: a field is missing, unknown, out of range, or contradicts another; `detail.path` names it
 * - newer, older: another version than this build reads
 * - limit: sound, but larger than limits.ts allows
 * - unsavable: writing met a value that plain data cannot hold; `detail.path` names it
 */
export class CheckpointFault extends Fault<
  "foreign" | "truncated" | "damaged" | "newer" | "older" | "limit" | "unsavable"
> {}

/** A field that is not what it has to be. */
export function damagedField(path: string, found: unknown, expected: string): CheckpointFault {
  const shown = show(found);
  return new CheckpointFault("damaged", `image: ${path} is ${shown}, expected ${expected}`, {
    path,
    found: shown,
    expected,
  });
}

/** A short printable form of anything. */
export function show(value: unknown): string {
  if (value === undefined) return "absent";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value !== null && typeof value === "object") return `an object (${value.constructor?.name ?? "no prototype"})`;
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? "absent");
  return text.length > 48 ? `${text.slice(0, 45)}...` : text;
}

/** `path.key`, or `path["odd key"]` where the key is no plain word. */
export function pathTo(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (/^[A-Za-z_$][\w$]*$/.test(key)) return path === "" ? key : `${path}.${key}`;
  return `${path}[${show(key)}]`;
}
