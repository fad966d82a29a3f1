// Checkpoint -> pages and manifest. Everything is checked here, so that what was written can be read.
//
// It is a generator, so that a store can write pages while the next ones are hashed; whoever wants all of it at once drains it
// (the captured bytes must not change until then). Pages are views of the checkpoint's byte arrays.

import type { SavedInstance } from "../abi/index.ts";
import { type Content, type Page, writeContent } from "./content.ts";
import { CheckpointFault } from "./faults.ts";
import type { UnitNameCache } from "./granules.ts";
import { canonicalJson, type Json } from "./json.ts";
import { DOCUMENT_BYTES, INLINE_DOCUMENT_BYTES } from "./limits.ts";
import { decodeManifest, encodeManifest } from "./manifest.ts";
import { toJson, type WriteBytes } from "./plain.ts";
import type { Sha256 } from "./sha256.ts";
import { threadsToJson } from "./threads.ts";
import { type Checkpoint, type Document, FORMAT_VERSION, type ManifestInstance } from "./types.ts";
import { valuesToJson, valueToJson } from "./values.ts";

/** The names of a memory's units as they were written, null for zeros. */
export type UnitNames = readonly (string | null)[];

export interface EncodedImage {
  /** The SHA-256 of `manifest`. */
  readonly id: string;
  readonly manifest: Uint8Array;
  /** Unit names of every memory, by `unitsKey`; they spare hashing when the next checkpoint knows what changed. */
  readonly units: ReadonlyMap<string, UnitNames>;
}

export interface EncodeOptions {
  readonly sha256: Sha256;
  /** The name of a unit that is surely as it was in the image it is taken from; undefined: it must be hashed. */
  readonly knownUnit?: (instance: number, memory: number, unit: number) => string | null | undefined;
  /** Of contents in granules: units that it knows are not hashed, those that are it learns. */
  readonly names?: UnitNameCache | undefined;
}

/** The key of a memory in EncodedImage.units: instance number and memory index. */
export function unitsKey(instance: number, memory: number): string {
  return `${instance}/${memory}`;
}

/**
 * Yields the pages of an image (some more than once), returns its manifest. Throws CheckpointFault "unsavable" or
 * "limit" before the manifest exists; pages yielded until then are garbage.
 */
export function* encodeCheckpoint(checkpoint: Checkpoint, options: EncodeOptions): Generator<Page, EncodedImage> {
  const writer = new Attachments(options);
  const units = new Map<string, UnitNames>();
  const instances: ManifestInstance[] = [];
  for (const [i, instance] of checkpoint.group.instances.entries()) {
    instances.push(yield* encodeInstance(instance, i, writer, options, units));
    yield* writer.pages();
  }
  const { group, name, created, parent } = checkpoint;
  const sessions: [string, Document][] = [];
  for (const [key, state] of Object.entries(checkpoint.sessions)) {
    sessions.push([key, writer.document(toJson(state, `sessions.${key}`, writer.bytes), `sessions.${key}`)]);
    yield* writer.pages();
  }
  const modules: [string, Content][] = [];
  for (const [hash, bytes] of Object.entries(checkpoint.modules ?? {})) {
    modules.push([hash, yield* writeContent(bytes, options.sha256)]);
  }
  const manifest = encodeManifest({
    format: FORMAT_VERSION,
    abi: group.abi,
    created,
    name,
    parent,
    program: writer.document(toJson(checkpoint.program, "program", writer.bytes), "program"),
    instances,
    threads: writer.document(threadsToJson(group.threads, "threads", writer.bytes), "threads"),
    sessions: Object.fromEntries(sessions),
    modules: Object.fromEntries(modules),
  });
  yield* writer.pages();
  requireReadable(manifest);
  return { id: options.sha256(manifest), manifest, units };
}

function* encodeInstance(
  instance: SavedInstance,
  i: number,
  writer: Attachments,
  options: EncodeOptions,
  units: Map<string, UnitNames>,
): Generator<Page, ManifestInstance> {
  const path = `instances[${i}]`;
  const memories: ManifestInstance["memories"][number][] = [];
  for (const { index, pages, content } of instance.memories) {
    const names: (string | null)[] = [];
    const known = options.knownUnit && ((unit: number) => options.knownUnit!(i, index, unit));
    memories.push({ index, pages, content: yield* writeContent(content, options.sha256, known, names) });
    units.set(unitsKey(i, index), names);
  }
  return {
    module: instance.module,
    name: instance.name,
    memories,
    globals: instance.globals.map(({ index, value }, g) => ({
      index,
      value: valueToJson(value, `${path}.globals[${g}].value`),
    })),
    tables: instance.tables.map(({ index, elements }, t) => {
      const at = `${path}.tables[${t}].elements`;
      return { index, elements: writer.document(valuesToJson(elements, at), at) };
    }),
    droppedData: instance.droppedData,
    droppedElements: instance.droppedElements,
  };
}

/** Contents that come up while JSON is made: their pages wait here until the generator can yield them. */
class Attachments {
  readonly #sha256: Sha256;
  readonly #names: UnitNameCache | undefined;
  #waiting: Page[] = [];

  constructor({ sha256, names }: EncodeOptions) {
    this.#sha256 = sha256;
    this.#names = names;
  }

  readonly bytes: WriteBytes = (bytes) => {
    const names: (string | null)[] = [];
    const pages = writeContent(bytes, this.#sha256, (unit) => this.#names?.nameOf(bytes, unit), names);
    for (;;) {
      const step = pages.next();
      if (step.done) {
        this.#names?.learn(bytes, names);
        return step.value;
      }
      this.#waiting.push(step.value);
    }
  };

  /** A JSON value, as a content when it is large. */
  document(value: Json, path: string): Document {
    const text = stringify(value, path);
    if (text.length <= INLINE_DOCUMENT_BYTES) {
      const bytes = new TextEncoder().encode(text);
      return bytes.length <= INLINE_DOCUMENT_BYTES ? { inline: value } : { content: this.bytes(bytes) };
    }
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > DOCUMENT_BYTES) throw tooLarge(path, bytes.length);
    return { content: this.bytes(bytes) };
  }

  /** The pages that wait; they are forgotten here. */
  *pages(): Generator<Page, void> {
    const pages = this.#waiting;
    this.#waiting = [];
    yield* pages;
  }
}

function stringify(value: Json, path: string): string {
  try {
    return canonicalJson(value);
  } catch (thrown) {
    if (thrown instanceof RangeError) throw tooLarge(path, Number.POSITIVE_INFINITY);
    throw thrown;
  }
}

function tooLarge(path: string, sizeBytes: number): CheckpointFault {
  const size = Number.isFinite(sizeBytes) ? `${sizeBytes} bytes` : "too many bytes";
  const message = `image: ${path} as JSON has ${size}, at most ${DOCUMENT_BYTES} are written`;
  return new CheckpointFault("limit", message, { path, limitBytes: DOCUMENT_BYTES });
}

/** A manifest that this build would refuse is refused before anybody relies on it. */
function requireReadable(manifest: Uint8Array): void {
  try {
    decodeManifest(manifest);
  } catch (thrown) {
    if (!(thrown instanceof CheckpointFault)) throw thrown;
    throw new CheckpointFault("unsavable", thrown.message, thrown.detail, thrown);
  }
}
