// Custom sections (0): kept as they are, in their place.

import type { ByteWriter } from "../../util/index.ts";
import type { SectionReader } from "../section-reader.ts";
import type { CustomSection } from "../types.ts";

/** Reads a custom section. */
export function readCustom(reader: SectionReader): void {
  const name = reader.name("the name of a custom section");
  const bytes = reader.take(reader.remaining);
  reader.module.customs.push({ name, bytes, after: reader.span.after });
}

/** Writes a custom section's content. */
export function writeCustom(writer: ByteWriter, { name, bytes }: CustomSection): void {
  writer.name(name);
  writer.bytes(bytes);
}
