// Plain data (program, sessions, progress) <-> JSON: tags for what JSON lacks, large byte arrays as contents.
//
//   12n -> {"$bigint": "12"}      bytes -> {"$bytes": "..."} or {"$content": {...}}      NaN, -0, ... -> {"$number": "NaN"}
//   a property name that begins with "$" gets one "$" more, so that data cannot look like a tag
//
// Objects are built with own properties only: a name such as __proto__ is a property like any other.

import type { PlainData } from "../abi/index.ts";
import { type Content, requireContent } from "./content.ts";
import { CheckpointFault, damagedField, pathTo, show } from "./faults.ts";
import { GranuleBytes, type RecordedBytes } from "./granules.ts";
import type { Json } from "./json.ts";
import { DEPTH, INLINE_BYTES } from "./limits.ts";

const ODD_NUMBERS: readonly [text: string, value: number][] = [
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["-0", -0],
];

/** Keeps the bytes as a content of the image; the writer's side of `ReadBytes`. */
export type WriteBytes = (bytes: RecordedBytes) => Content;

/** Reads a content; the path is for faults. */
export type ReadBytes = (content: Content, path: string) => Promise<Uint8Array>;

/** Plain data as JSON. Throws CheckpointFault "unsavable", naming the path, on anything that is no plain data. */
export function toJson(value: PlainData, path: string, writeBytes: WriteBytes, depth = 0): Json {
  if (depth > DEPTH) throw unsavable(path, value, `nesting of at most ${DEPTH}`);
  if (plainJson(value)) return value;
  if (typeof value === "number") return { $number: ODD_NUMBERS.find(([, odd]) => Object.is(odd, value))![0] };
  if (typeof value === "bigint") return { $bigint: String(value) };
  if (typeof value !== "object") throw unsavable(path, value, "plain data");
  if (value instanceof Uint8Array || value instanceof GranuleBytes) return bytesToJson(value, writeBytes);
  if (Array.isArray(value)) {
    return Array.from(value as PlainData[], (item, i) => {
      return plainJson(item) ? item : toJson(item, pathTo(path, i), writeBytes, depth + 1);
    });
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) throw unsavable(path, value, "plain data");
  const entries: [string, Json][] = [];
  for (const [key, item] of Object.entries(value as { [key: string]: PlainData | undefined })) {
    if (item === undefined) continue;
    const name = key.startsWith("$") ? `$${key}` : key;
    entries.push([name, plainJson(item) ? item : toJson(item, pathTo(path, key), writeBytes, depth + 1)]);
  }
  return Object.fromEntries(entries);
}

/** Most data is JSON already; it needs no path. */
function plainJson(value: unknown): value is null | boolean | number | string {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  return value === null || typeof value === "string" || typeof value === "boolean";
}

function bytesToJson(bytes: RecordedBytes, writeBytes: WriteBytes): Json {
  if (bytes.length > INLINE_BYTES) return { $content: { ...writeBytes(bytes) } };
  return { $bytes: bytes.slice().toBase64() };
}

function unsavable(path: string, found: unknown, expected: string): CheckpointFault {
  return new CheckpointFault("unsavable", `image: ${path} is ${show(found)}, expected ${expected}`, { path, expected });
}

/** The plain data of parsed JSON. Throws CheckpointFault "damaged" with the path of what is wrong. */
export async function fromJson(value: unknown, path: string, readBytes: ReadBytes, depth = 0): Promise<PlainData> {
  if (depth > DEPTH) throw damagedField(path, value, `nesting of at most ${DEPTH}`);
  if (value === null || typeof value !== "object") return value as null | boolean | number | string;
  if (Array.isArray(value)) {
    const items: PlainData[] = [];
    for (const [i, item] of value.entries()) {
      items.push(simple(item) ? item : await fromJson(item, pathTo(path, i), readBytes, depth + 1));
    }
    return items;
  }
  const entries: [string, PlainData][] = [];
  for (const [key, item] of Object.entries(value)) {
    if (key.startsWith("$") && !key.startsWith("$$")) return readTag(value, path, readBytes);
    const name = key.startsWith("$") ? key.slice(1) : key;
    entries.push([name, simple(item) ? item : await fromJson(item, pathTo(path, name), readBytes, depth + 1)]);
  }
  return Object.fromEntries(entries);
}

/** Most data is; it needs no promise of its own. */
function simple(value: unknown): value is null | boolean | number | string {
  return value === null || typeof value !== "object";
}

async function readTag(value: object, path: string, readBytes: ReadBytes): Promise<PlainData> {
  const entries = Object.entries(value);
  const [tag, item] = entries[0]!;
  if (entries.length === 1) {
    if (tag === "$bigint" && typeof item === "string" && /^(0|-?[1-9]\d*)$/.test(item)) return BigInt(item);
    const odd = tag === "$number" ? ODD_NUMBERS.find(([text]) => text === item) : undefined;
    if (odd) return odd[1];
    if (tag === "$bytes" && typeof item === "string") return readBase64(item, path);
    if (tag === "$content") return readBytes(requireContent(item, path), path);
  }
  throw damagedField(path, `${tag} ${show(item)}`, "plain data, or one of the tags $bigint, $number, $bytes, $content");
}

function readBase64(text: string, path: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    throw damagedField(path, text, "base64");
  }
}
