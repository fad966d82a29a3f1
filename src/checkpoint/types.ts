// A checkpoint as data, and the manifest that stands for it in a store. No live object, no behaviour.
import type { PlainData, SavedGroup } from "../abi/index.ts";
import type { Content } from "./content.ts";
import type { Json } from "./json.ts";

/**
 * Version of the image format, docs/FORMAT.md. Raised when an older build could misread what this one writes; not by an
 * optional field, which older builds refuse by name.
 */
export const FORMAT_VERSION = 1;

/** The state of a stopped program at one moment. */
export interface Checkpoint {
  /** UTC, `2026-11-23T12:34:56.789Z`. */
  readonly created: string;
  /** The run's name: see requireRunName. */
  readonly name: string;
  /** Id of the checkpoint this one was derived from. */
  readonly parent?: string | undefined;
  /** What was run, as the machine describes it. */
  readonly program: PlainData;
  readonly group: SavedGroup;
  /** State of every session by name. */
  readonly sessions: Readonly<Record<string, PlainData>>;
  /** Original modules by SHA-256, when the image is to carry them. */
  readonly modules?: Readonly<Record<string, Uint8Array>> | undefined;
}

/** A JSON value of a manifest: small ones stand there, large ones are a content. */
export type Document = { readonly inline: Json } | { readonly content: Content };

export interface ManifestMemory {
  readonly index: number;
  /** Size in Wasm pages of 64 KiB. */
  readonly pages: number;
  readonly content: Content;
}

export interface ManifestInstance {
  readonly module: string;
  readonly name: string;
  readonly memories: readonly ManifestMemory[];
  /** Values as text, see values.ts; checked when the group is read. */
  readonly globals: readonly { readonly index: number; readonly value: Json }[];
  readonly tables: readonly { readonly index: number; readonly elements: Document }[];
  readonly droppedData: readonly number[];
  readonly droppedElements: readonly number[];
}

/** The readable part of an image, checked field by field; contents and large documents are still in the store. */
export interface Manifest {
  readonly format: number;
  readonly abi: number;
  readonly created: string;
  readonly name: string;
  readonly parent?: string | undefined;
  readonly program: Document;
  readonly instances: readonly ManifestInstance[];
  readonly threads: Document;
  readonly sessions: Readonly<Record<string, Document>>;
  readonly modules: Readonly<Record<string, Content>>;
}
