// Roots as files: `<sequence>.<id>.<run name>` in roots/, with the same facts and a check sum inside.
import { canonicalJson, hashLike, runNameLike, type Sha256, short } from "../checkpoint/index.ts";
import { StoreFault } from "./faults.ts";
import type { Root } from "./types.ts";

const FORMAT = 1;
const SEQUENCE_DIGITS = 10;

/** What the name of a root file tells. */
export type RootName = Pick<Root, "id" | "name" | "sequence">;

export function rootFileName({ sequence, id, name }: RootName): string {
  return `${String(sequence).padStart(SEQUENCE_DIGITS, "0")}.${id}.${name}`;
}

/** Undefined: this is no root's file name. */
export function parseRootFileName(file: string): RootName | undefined {
  const [, sequence, id, name] = /^(\d{10})\.([0-9a-f]{64})\.(.+)$/.exec(file) ?? [];
  return id !== undefined && runNameLike(name) ? { sequence: Number(sequence), id, name } : undefined;
}

export function encodeRoot(root: Root, sha256: Sha256): Uint8Array {
  const json = { $rtcr: "root", format: FORMAT, ...root };
  return new TextEncoder().encode(`${canonicalJson({ ...json, check: checkOf(json, sha256) }, 1)}\n`);
}

/** A root from its bytes; `expected` is what the file's name tells. Throws StoreFault with the same in `detail`. */
export function decodeRoot(bytes: Uint8Array, expected: RootName, sha256: Sha256): Root {
  const fail = (code: "damaged" | "foreign" | "newer" | "truncated", found: string): StoreFault => {
    const message = `store: root of ${short(expected.id)} (${expected.name}) ${found}; publish the checkpoint again or remove it`;
    return new StoreFault(code, message, { ...expected });
  };
  const text = new TextDecoder().decode(bytes);
  if (!text.startsWith('{\n "$rtcr": "root"')) {
    if (text.length < 18) throw fail("truncated", `ends early, after ${bytes.length} bytes`);
    throw fail("foreign", "is no rtcr root, expected it to begin as one");
  }
  if (!text.endsWith("\n}\n")) throw fail("truncated", `ends early, after ${bytes.length} bytes`);
  const json = parse(text);
  if (json === undefined) throw fail("damaged", "is not JSON, expected it as it was written");
  const { check, ...rest } = json;
  const format = rest["format"];
  if (Number.isSafeInteger(format) && (format as number) > FORMAT) {
    throw fail("newer", `has format ${format}, this build reads ${FORMAT}`);
  }
  const { id, name, sequence, published } = rest as Partial<Root>;
  const same = id === expected.id && name === expected.name && sequence === expected.sequence;
  if (!same || typeof published !== "string" || check !== checkOf(rest, sha256)) {
    throw fail("damaged", "differs from its name or check sum, expected both to fit");
  }
  return { id: expected.id, name: expected.name, sequence: expected.sequence, published };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function checkOf(json: object, sha256: Sha256): string {
  return sha256(new TextEncoder().encode(canonicalJson(json as Record<string, string>)));
}

/** Refuses an id that cannot be one: it becomes a path. */
export function requireId(id: string): void {
  const valid: boolean = hashLike(id);
  if (valid) return;
  const message = `store: ${JSON.stringify(id.slice(0, 80))} is no id, expected 64 hexadecimal digits (resolve it first)`;
  throw new StoreFault("not-found", message, { id });
}
