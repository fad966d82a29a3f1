// Manifest <-> bytes. Reading checks every field, writing is canonical: the same manifest gives the same bytes.
import { ABI_VERSION } from "../abi/index.ts";
import { messageOf } from "../util/index.ts";
import { requireContent } from "./content.ts";
import { CheckpointFault, damagedField, pathTo } from "./faults.ts";
import { Fields, requireInteger } from "./fields.ts";
import { canonicalJson, type Json } from "./json.ts";
import { INDEX, INSTANCES, MANIFEST_BYTES, MEMORY_PAGES, SESSIONS, UNIT_BYTES, VALUES } from "./limits.ts";
import { runNameLike } from "./run-name.ts";
import { hashLike } from "./sha256.ts";
import { type Document, FORMAT_VERSION, type Manifest, type ManifestInstance, type ManifestMemory } from "./types.ts";

const MARK = "$rtcr";
const BEGIN = `{\n "${MARK}": "checkpoint"`;

/** The bytes of a manifest. Throws "limit" when they would be too many. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const json: Record<string, Json | undefined> = {
    ...(manifest as unknown as Record<string, Json | undefined>),
    [MARK]: "checkpoint",
    program: documentJson(manifest.program),
    instances: manifest.instances.map(instanceJson),
    threads: documentJson(manifest.threads),
    sessions: Object.fromEntries(Object.entries(manifest.sessions).map(([key, doc]) => [key, documentJson(doc)])),
  };
  const bytes = new TextEncoder().encode(`${canonicalJson(json, 1)}\n`);
  if (bytes.length <= MANIFEST_BYTES) return bytes;
  throw new CheckpointFault(
    "limit",
    `image: a manifest of ${bytes.length} bytes, at most ${MANIFEST_BYTES} are written`,
    {
      sizeBytes: bytes.length,
      limitBytes: MANIFEST_BYTES,
    },
  );
}

function instanceJson(instance: ManifestInstance): Json {
  const tables = instance.tables.map(({ index, elements }) => ({ index, elements: documentJson(elements) }));
  return { ...(instance as unknown as Record<string, Json>), tables };
}

function documentJson(document: Document): Json {
  return "inline" in document ? document.inline : { $document: { ...document.content } };
}

/** A manifest from its bytes. Throws CheckpointFault; nothing of a refused manifest is used. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const fields = new Fields(parse(bytes), "manifest");
  fields.take(MARK);
  const abi = requireVersions(fields);
  const manifest: Manifest = {
    format: FORMAT_VERSION,
    abi,
    created: fields.time("created"),
    name: requireName(fields),
    ...(fields.has("parent") ? { parent: fields.hash("parent") } : {}),
    program: readDocument(fields, "program"),
    instances: fields.list("instances", INSTANCES, readInstance),
    threads: readDocument(fields, "threads"),
    sessions: Object.fromEntries(fields.entries("sessions", SESSIONS, toDocument)),
    modules: Object.fromEntries(fields.entries("modules", INSTANCES, readModule)),
  };
  fields.done();
  return manifest;
}

function parse(bytes: Uint8Array): unknown {
  if (bytes.length > MANIFEST_BYTES) {
    throw new CheckpointFault(
      "limit",
      `image: a manifest of ${bytes.length} bytes, expected at most ${MANIFEST_BYTES}`,
    );
  }
  const text = new TextDecoder().decode(bytes);
  if (!text.startsWith(BEGIN)) {
    if (text.length > 0 && !BEGIN.startsWith(text)) {
      throw new CheckpointFault(
        "foreign",
        `image: no rtcr manifest, expected it to begin with {"${MARK}": "checkpoint"`,
      );
    }
    throw truncated(bytes);
  }
  if (!text.endsWith("\n}\n")) throw truncated(bytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `image: manifest is not JSON (${messageOf(cause)}), expected it as it was written`;
    throw new CheckpointFault("damaged", message, { path: "manifest" }, cause);
  }
}

function truncated(bytes: Uint8Array): CheckpointFault {
  const message = `image: manifest ends early, after ${bytes.length} bytes; fetch the image again`;
  return new CheckpointFault("truncated", message, { sizeBytes: bytes.length });
}

/** The versions come first: a newer manifest has a right to fields that this build does not know. */
function requireVersions(fields: Fields): number {
  refuseVersion("format", fields.integer("format", 2 ** 31), FORMAT_VERSION);
  const abi = fields.integer("abi", 2 ** 31);
  refuseVersion("abi", abi, ABI_VERSION);
  return abi;
}

function refuseVersion(what: string, found: number, known: number): void {
  if (found >= 1 && found <= known) return;
  const code = found > known ? "newer" : "older";
  const hint = `restore it with ${code === "newer" ? "a newer build" : "the build that wrote it"}`;
  const message = `image: ${what} ${found}, this build reads 1 to ${known}; ${hint}`;
  throw new CheckpointFault(code, message, { what, found, known });
}

function requireName(fields: Fields): string {
  const name = fields.string("name");
  if (!runNameLike(name)) throw damagedField("manifest.name", name, "a run name");
  return name;
}

function readDocument(fields: Fields, key: string): Document {
  const path = pathTo(fields.path, key);
  const value = fields.take(key);
  if (value === undefined) throw damagedField(path, value, "a document");
  return toDocument(value, path);
}

function toDocument(value: unknown, path: string): Document {
  if (value === null || typeof value !== "object" || !("$document" in value)) return { inline: value as Json };
  const fields = new Fields(value, path);
  const content = requireContent(fields.take("$document"), `${path}.$document`);
  fields.done();
  return { content };
}

function readModule(value: unknown, path: string, hash: string) {
  if (!hashLike(hash)) throw damagedField(path, value, "a module under its SHA-256, 64 hexadecimal digits");
  return requireContent(value, path);
}

function readInstance(value: unknown, path: string): ManifestInstance {
  const fields = new Fields(value, path);
  const index = (item: unknown, at: string): number => requireInteger(item, at, INDEX);
  const instance: ManifestInstance = {
    module: fields.hash("module"),
    name: fields.string("name"),
    memories: fields.list("memories", INSTANCES, readMemory),
    globals: fields.list("globals", VALUES, (item, at) => {
      const global = new Fields(item, at);
      const result = { index: global.integer("index", INDEX), value: global.take("value") as Json };
      global.done();
      return result;
    }),
    tables: fields.list("tables", INSTANCES, (item, at) => {
      const table = new Fields(item, at);
      const result = { index: table.integer("index", INDEX), elements: readDocument(table, "elements") };
      table.done();
      return result;
    }),
    droppedData: fields.list("droppedData", VALUES, index),
    droppedElements: fields.list("droppedElements", VALUES, index),
  };
  fields.done();
  requireUnique(instance.memories, `${path}.memories`);
  requireUnique(instance.globals, `${path}.globals`);
  requireUnique(instance.tables, `${path}.tables`);
  return instance;
}

function readMemory(value: unknown, path: string): ManifestMemory {
  const fields = new Fields(value, path);
  const memory = {
    index: fields.integer("index", INDEX),
    pages: fields.integer("pages", MEMORY_PAGES + 1),
    content: requireContent(fields.take("content"), `${path}.content`),
  };
  fields.done();
  if (memory.content.sizeBytes > memory.pages * UNIT_BYTES) {
    throw damagedField(
      `${path}.content.sizeBytes`,
      memory.content.sizeBytes,
      `at most ${memory.pages} pages of 64 KiB`,
    );
  }
  return memory;
}

/** The same index twice would mean that one of the two is lost. */
function requireUnique(items: readonly { readonly index: number }[], path: string): void {
  const seen = new Set<number>();
  for (const [i, { index }] of items.entries()) {
    if (seen.has(index)) throw damagedField(`${path}[${i}].index`, index, "each index once");
    seen.add(index);
  }
}
