// Checkpoints as data, and their images: pages under a hash tree and a manifest. Format: docs/FORMAT.md.
export {
  type ChildChanges,
  compareSystems,
  type DataspaceChange,
  type FieldChange,
  type ObjectChanges,
  type SystemChanges,
} from "./compare.ts";
export {
  componentsOf,
  cpusOf,
  describeRole,
  interposedSessions,
  otherSessions,
  type RecordedComponent,
} from "./components.ts";
export {
  type Content,
  type Page,
  type PageTarget,
  type Reached,
  type ReadPage,
  type ReadPages,
  writeContent,
} from "./content.ts";
export { CheckpointFault } from "./faults.ts";
export { frozen } from "./frozen.ts";
export {
  GranuleBytes,
  type GranuleStorage,
  type GranuleTable,
  type RecordedBytes,
  received,
  sendable,
  UnitNameCache,
  whole,
  wholeBytes,
} from "./granules.ts";
export { ImageReader, type ReaderOptions } from "./image-reader.ts";
export { type EncodedImage, type EncodeOptions, encodeCheckpoint, type UnitNames, unitsKey } from "./image-writer.ts";
export type * from "./info.ts";
export { canonicalJson, type Json } from "./json.ts";
export { MANIFEST_BYTES, UNIT_BYTES } from "./limits.ts";
export { decodeManifest } from "./manifest.ts";
export { type ObjectChange, objectName } from "./objects.ts";
export { reachImage } from "./reach.ts";
export { runNameLike } from "./run-name.ts";
export { hashLike, type Sha256, sha256, short } from "./sha256.ts";
export { type ExitedChild, fromCheckpoint, type SystemCheckpoint, systemLike, toCheckpoint } from "./system.ts";
export * from "./types.ts";
export { ENTRY_NUMBERS, findUsedLines, HERE, type UsedLines, usedLines } from "./used-lines.ts";
export { type Runs, usedRuns, zeroBesides } from "./used-runs.ts";
