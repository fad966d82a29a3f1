// Which pages an image reaches: what a store must keep for it, and what it has to verify.
import { type Content, type Reached, type ReadPage, reachContent, readContent, requireContent } from "./content.ts";
import { damagedField } from "./faults.ts";
import { parseDocument } from "./image-reader.ts";
import { DEPTH, DOCUMENT_BYTES } from "./limits.ts";
import { decodeManifest } from "./manifest.ts";
import type { Document } from "./types.ts";

const TAG = "$content";

/**
 * Adds every page of an image to `reached`. Reads nodes and large documents only; throws CheckpointFault, or what
 * `readPage` throws, when one of them is unreadable.
 */
export async function reachImage(manifestBytes: Uint8Array, readPage: ReadPage, reached: Reached): Promise<void> {
  const manifest = decodeManifest(manifestBytes);
  const content = (item: Content, path: string): Promise<void> => reachContent(item, readPage, reached, path);
  const document = async (item: Document, path: string): Promise<void> => {
    if ("content" in item) await content(item.content, path);
    for (const inner of await contentsIn(item, readPage, path)) await content(inner, path);
  };
  await document(manifest.program, "program");
  await document(manifest.threads, "threads");
  for (const [key, session] of Object.entries(manifest.sessions)) await document(session, `sessions.${key}`);
  for (const [hash, module] of Object.entries(manifest.modules)) await content(module, `modules.${hash}`);
  for (const [i, instance] of manifest.instances.entries()) {
    for (const [m, memory] of instance.memories.entries()) {
      await content(memory.content, `instances[${i}].memories[${m}].content`);
    }
    for (const [t, table] of instance.tables.entries()) {
      await document(table.elements, `instances[${i}].tables[${t}].elements`);
    }
  }
}

/** The contents that a document's JSON names. */
async function contentsIn(document: Document, readPage: ReadPage, path: string): Promise<Content[]> {
  const found: Content[] = [];
  if ("inline" in document) collect(document.inline, path, found, 0);
  else {
    const { sizeBytes } = document.content;
    if (sizeBytes > DOCUMENT_BYTES) throw damagedField(path, `${sizeBytes} bytes`, `at most ${DOCUMENT_BYTES}`);
    const bytes = new Uint8Array(sizeBytes);
    await readContent(document.content, readPage, bytes, path);
    collect(parseDocument(bytes, path), path, found, 0);
  }
  return found;
}

/** Data cannot look like a tag: its names that begin with "$" are written with one more. */
function collect(value: unknown, path: string, found: Content[], depth: number): void {
  if (value === null || typeof value !== "object") return;
  if (depth > 2 * DEPTH) throw damagedField(path, `nesting of ${depth}`, `nesting of at most ${2 * DEPTH}`);
  if (Object.hasOwn(value, TAG)) found.push(requireContent((value as Record<string, unknown>)[TAG], path));
  else for (const item of Object.values(value)) collect(item, path, found, depth + 1);
}
