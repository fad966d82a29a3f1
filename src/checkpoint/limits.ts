// Bounds of images, enforced when bytes are read and, by the same numbers, when a checkpoint is written.

/** Contents are cut into units of this many bytes. */
export const UNIT_BYTES = 65_536;

/** Names in a node of the hash tree. */
export const NODE_NAMES = 256;

/** A manifest's own bytes; whatever may be large lies in documents and contents. */
export const MANIFEST_BYTES = 16 << 20;

/** Documents of at most this many bytes stand inside the manifest. */
export const INLINE_DOCUMENT_BYTES = 16_384;

/** One document as JSON: about 2.5 million frames. A JavaScript string holds no more than 512 MiB. */
export const DOCUMENT_BYTES = 256 << 20;

/** Byte arrays of at most this many bytes stand inside plain data. */
export const INLINE_BYTES = 4_096;

/** One content. Engines give memories of at most 16 GiB. */
export const CONTENT_BYTES = 2 ** 34;

/** All contents of an image that are read at once, zero units included. */
export const IMAGE_BYTES = 2 ** 36;

/** Nesting of plain data, and of exception payloads. */
export const DEPTH = 500;

export const INSTANCES = 100_000;
export const THREADS = 1_000_000;
export const SESSIONS = 10_000;

/** Elements of one table, and values of one list: the JavaScript API's limit for tables. */
export const VALUES = 10_000_000;

/** Function, global, table, memory, tag and segment indices stay below this. */
export const INDEX = 2 ** 32;

/** Pages of a memory: 4 GiB times 2^16, what memory64 allows in the JavaScript API. */
export const MEMORY_PAGES = 2 ** 37;
