// Names, numbers and layouts that the rewriter and the engine agree on. Who else depends on them: docs/FORMAT.md.
//
// Control memory: one shared memory for each thread of execution (CPU), imported by every rewritten module behind
// the guest's own memories. The guest cannot reach it: no instruction of the original names its index.
//
//   0    FLAG     not 0: every poll calls the hook
//   4    TOP      where the next frame record goes
//   8    LAST     the record written last, 0 when there is none
//   12   RESUME   the record that the next continuation takes
//   16   REFS     the next free slot of the reference tables
//   20   EVENT    futex word of blocked host calls
//   24   REFUSED  1 when a freeze met a caught exception that cannot be saved: the thread cannot be continued
//   64   host's own words (engine/)
//   1024 SCRATCH  256 bytes for values that JavaScript cannot hold (v128)
//   65536 frame records, up to the memory's size (it grows as needed)
//
// Record of one frame (all little-endian, packed):
//   0 INNER   the record of the frame it had called, 0 for none
//   4 INSTANCE, 8 FUNCTION, 12 SITE
//   16 SLOT   the continuation's index in the continuation table; the host writes it before a thaw
//   20        values, by the layout of the function

/** Version of positions, frame layouts and saved values. Raised when the same frame would be written differently. */
export const ABI_VERSION = 1;

export const CONTROL = {
  flag: 0,
  top: 4,
  last: 8,
  resume: 12,
  refs: 16,
  event: 20,
  refused: 24,
  host: 64,
  scratch: 1024,
  frames: 65536,
  initialPages: 2,
  /** 512 MiB of frames. */
  maximumPages: 8192,
} as const;

export const RECORD = { inner: 0, instance: 4, function: 8, site: 12, slot: 16, values: 20 } as const;

/** The module name of everything a rewritten module imports beside its own imports. */
export const IMPORT_MODULE = "rtcr";

export const IMPORT = {
  control: "control",
  /** The tag of the exception that unwinds a freezing thread. */
  freeze: "freeze",
  /** The tag of what JavaScript throws: `WebAssembly.JSTag`, its payload the thrown value. */
  thrown: "thrown",
  /** Prefix of the memories that the original defines: `memory0`, `memory1`, ... by memory index. */
  memory: "memory",
  /** Modules with windows: the pool of pages that windows lead to, and the component's page table (WINDOW). */
  pool: "pool",
  pages: "pages",
  /** Modules with marks: what they have written (MARKS). */
  marks: "marks",
  /** Modules with redundant memory: what they write twice (MIRROR). */
  mirror: "mirror",
} as const;

/** Exports that the rewriter adds; all begin with `rtcr:`, hosts hide them. */
export const EXPORT = {
  prefix: "rtcr:",
  /** Table of every function of the original, by function index. */
  functions: "rtcr:functions",
  /** Table of hooks, see HOOK. */
  hooks: "rtcr:hooks",
  /** Mutable i32 global: the number of the instance in its group; the host sets it before anything runs. */
  instance: "rtcr:instance",
  /** `rtcr:memory3` is memory 3, and so on, by index in the original's index space. */
  memory: "rtcr:memory",
  table: "rtcr:table",
  global: "rtcr:global",
  tag: "rtcr:tag",
  /** `rtcr:refs0` ...: tables that hold the references of frozen frames, one for each reference type in use. */
  refs: "rtcr:refs",
  /** `rtcr:throw0` ...: `(slot i32)`, throws the exception in a slot of reference table 0, and so on. */
  throw: "rtcr:throw",
  /** `rtcr:catch0` ...: `(slot i32)`, calls HOOK.raise and puts what it throws into the slot. */
  catch: "rtcr:catch",
  /** `()`: writes the active segments, where that is left to the host (instrument/segments.ts); a trap ends it. */
  initialise: "rtcr:initialise",
  /** Mutable i32 globals, 1 after the segment was dropped. */
  droppedData: "rtcr:dropped-data",
  droppedElement: "rtcr:dropped-element",
  /** Modules with windows: mutable i32 global; addresses below it are those of memory 0, all others are translated. */
  limit: "rtcr:limit",
  /**
   * `rtcr:run0` ... WINDOW.runs - 1, modules with windows: mutable globals, runs of pages that were used, by turns for
   * reading and for writing: first address (i64); `.bytes` less 8 (i64), `.distance` to the pool (i32). The host sets the
   * addresses to WINDOW.nowhere when limit or page table change.
   */
  run: "rtcr:run",
  /** `rtcr:segment <instruction> <segment>`: `()`, drops the segment. */
  dropData: "rtcr:segment 265 ",
  dropElement: "rtcr:segment 269 ",
} as const;

/** Slots of the hook table. */
export const HOOK = {
  /** `() -> ()`: called by a poll that found the flag set; returns, or throws the freeze. */
  poll: 0,
  /**
   * `(memory i32, address i64, expected i64, timeout ns i64, width bytes i32) -> (outcome i32, remaining ns i64)`,
   * called when the instruction itself has been done with no time to wait: the width is negative if it found another
   * value than the expected one, and 0 if it was woken at once.
   */
  wait: 1,
  /** `() -> ()`: throws the exception that the host wants to have as a reference. */
  raise: 2,
  count: 3,
  /** `(need i32, address i32) -> ()`: a page is missing or may not be written; returns to look again, or throws the freeze. */
  fault: 3,
  /** `(memory i32, delta i64) -> (i64)`: memory.grow as a request; returns its result, or throws the freeze. */
  grow: 4,
  /** `(table i32, delta i64) -> (i64)`: in front of table.grow; returns the delta, or one that fails. */
  growTable: 5,
  /** Slots of modules with windows or with growth as a request. */
  extended: 6,
} as const;

/**
 * Windows: addresses of memory 0 at or above the limit lead through a page table to bytes of the pool.
 *
 * Page table: one entry of 16 bytes for each page of 4 KiB of the 4 GiB address space, all words little-endian.
 *   0  address in the pool (a multiple of 4096) | access bits; 0 where nothing is mapped
 *   4  START   first page's address of the run of pages that lie side by side in the pool, under the same access bits
 *   8  PAGES   number of pages of the run
 *   12 unused
 * Page 0 of the pool is never mapped. The limit is a multiple of 4096, at most `highestLimit`.
 */
export const WINDOW = {
  pageBytes: 4096,
  entryBytes: 16,
  /** Size of the page table's memory in Wasm pages. */
  tablePages: 256,
  read: 1,
  write: 2,
  highestLimit: 0xffff_f000,
  /** Runs of pages that generated code remembers: two, for reading and for writing, for each group of accesses. */
  runs: 16,
  /** First address of a run that holds no address. */
  nowhere: 1n << 40n,
} as const;

/**
 * Marks: a memory with one byte for each unit of the 4 GiB address space of memory 0. A unit was written if its byte or the one
 * in front of it is not 0. Generated code sets bytes, without any order; the host clears them while no thread runs that could.
 */
export const MARKS = {
  unitBytes: 1024,
  /** Size of the marks' memory in Wasm pages. */
  memoryPages: 64,
} as const;

/**
 * Redundant memory: whatever a module writes into memory 0 it writes a second time, into the active slot of its mirror. All
 * addresses here are those of the mirror.
 *
 *   0        ACTIVE   where the active slot begins (u32, little-endian, a multiple of 4096)
 *   a >>> 12          the mark of the granule at `a` of the mirror: not 0 if the slot has it
 *   first    regions of one size: the base image, then the slots; each is memory 0 as it lies
 *
 * A slot has what was written to a granule from its first writing on; before that, nothing. `first writing`: a store to memory
 * 0 with its granule not marked; the whole granule is copied then, and `reach` bytes behind it. A store up to there asks for
 * the mark of its first byte only.
 */
export const MIRROR = {
  active: 0,
  granuleBytes: 4096,
  granuleShift: 12,
  reach: 256,
  /** Marks of 4 GiB end here. */
  first: 1 << 20,
  pages: 65536,
} as const;

/** Outcomes of HOOK.wait: those of memory.atomic.wait, and "interrupted, ask again with the remaining time". */
export const WAIT = { ok: 0, notEqual: 1, timedOut: 2, interrupted: 3 } as const;

/** Bulk memory operations run in pieces of this many bytes, with a poll between them. */
export const BULK_PIECE_BYTES = 1 << 20;
