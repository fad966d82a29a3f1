// What helps a store with many pages at once; how Node does it is in page-helpers-node.ts. Without helpers everything is
// done page by page.

/** A page of a file that is stored as it is. */
export interface PageToRead {
  readonly name: string;
  /** Its first byte in the file. */
  readonly position: number;
  /** Its first byte in the memory that it goes to. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Names of a content's units as other threads find them out. */
export interface HashedAhead {
  /** For units in rising order; null: it holds zeros; undefined: not known yet, and nobody else will look. */
  nameOf(unit: number): string | null | undefined;
  /** The content may change from now on. */
  stop(): void;
}

export interface PageHelpers {
  /** Starts the threads; done by itself when they are of use first. */
  start(): void;
  /** Starts them if that is worth it for so many bytes, which will be read soon. */
  expect(sizeBytes: number): void;
  /**
   * Reads pages into `bytes` and compares them with their names.
   *
   * @param descriptor an open file, whose position stays
   * @returns the pages that could not be read or have another hash; anything may stand in their places
   */
  read(descriptor: number, bytes: Uint8Array, pages: readonly PageToRead[]): Promise<readonly PageToRead[]>;
  /** Begins to hash a content that does not change until `stop`; undefined where that would not help. */
  hash(bytes: Uint8Array, unitBytes: number): HashedAhead | undefined;
  /** Makes the first access of fresh, zeroed memory. */
  touch(bytes: Uint8Array): Promise<void>;
}
