// Bounds of this layer, enforced where bytes enter. They are the implementation limits of the JavaScript API
// (https://webassembly.github.io/spec/js-api/#limits), or V8's where it allows more: what an engine accepts, we accept.
// Two are ours, because each such item is an object here: element segments (there 10,000,000) and their expressions.

import { MAX_TYPES } from "./types.ts";

export const LIMITS = {
  /** Bytes of a module. */
  moduleBytes: 2 ** 30,
  /** Types in all recursion groups together, and groups. */
  types: MAX_TYPES,
  imports: 1_000_000,
  /** Defined functions; imported ones have the limit of imports. */
  functions: 1_000_000,
  tables: 100_000,
  memories: 100_000,
  tags: 1_000_000,
  globals: 1_000_000,
  exports: 1_000_000,
  elementSegments: 1_000_000,
  /** Function indices in all element segments together. */
  elementFunctions: 10_000_000,
  /** Constant expressions in all element segments together. */
  elementExpressions: 1_000_000,
  dataSegments: 100_000,
  parameters: 1_000,
  results: 1_000,
  fields: 10_000,
  supertypes: 1,
  /** Locals of one function; V8 counts its parameters as well. */
  locals: 50_000,
  /** Bytes of one function, local declarations included. */
  functionBytes: 7_654_321,
  /** Initial elements of a table. */
  tableElements: 10_000_000,
  /** Pages of 64 KiB of a memory with 32-bit addresses, by the specification. */
  memoryPages: 2 ** 16,
  /** Pages of 64 KiB of a memory with 64-bit addresses, by the specification; engines allow far less. */
  memory64Pages: 2 ** 48,
  /** Obstacles noted while decoding; the rest goes unmentioned. */
  obstacles: 1_000,
} as const;
