// Tag section (13, between memories and globals): the type of each defined tag.

import type { ByteWriter } from "../../util/index.ts";
import { readTagType, writeTagType } from "../external-type.ts";
import { LIMITS } from "../limits.ts";
import type { SectionReader } from "../section-reader.ts";
import type { Module } from "../types.ts";

/** Reads the tag section. */
export function readTags(reader: SectionReader): void {
  for (let count = reader.boundedCount("tags", LIMITS.tags, 2); count > 0; count--) {
    reader.module.tags.push(readTagType(reader));
    reader.declared.tag++;
  }
}

/** Writes the tag section's content. */
export function writeTags(writer: ByteWriter, { tags }: Module): void {
  writer.u32(tags.length);
  for (const type of tags) writeTagType(writer, type);
}
