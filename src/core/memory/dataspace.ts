// Dataspaces with bytes of their own, and where those bytes are.
//
//            attached once, directly             attached where windows are needed
//   buffer ---------------------------> linear ------------------------------------> pool
//      ^-------- detached ----------------'                                            |
//      '-------- needed without windows -----------------------------------------------'
//
// I1  Every byte has one home. Copies exist of read-only bytes only, in components without windows; their owner's writes
//     reach them too.
// I2  `linear` holds while exactly one attachment exists in a component; the part that is attached is there, the rest is
//     in the buffer.
// I3  No buffer and home "buffer": all bytes are zero. Nothing is allocated for memory that nobody has touched.
// Who decides on moves: placement.ts. Regions that hold a dataspace: region-map.ts.
import {
  type ByteSink,
  type Cached,
  type Capability,
  type Dataspace,
  type DataspaceSink,
  type Identity,
  PAGE_BYTES,
  toPages,
  type WrittenPages,
} from "../../session/index.ts";
import { assert, Chain, clearBytes, copyWords, type Linked } from "../../util/index.ts";
import type { MemoryPool, PoolRange } from "./component-memory.ts";
import type { CoreContext } from "./context.ts";
import type { Use } from "./placement.ts";
import type { Region } from "./region-map.ts";
import { Written } from "./written.ts";

export type ByteOrigin = Exclude<Dataspace["origin"], "managed">;

export interface DataspaceOptions {
  readonly origin: ByteOrigin;
  /** Bytes as asked for, at least 1; the dataspace has whole pages. */
  readonly size: number;
  /** Default: true, except for ROM. */
  readonly writable?: boolean;
  readonly cached?: Cached;
  /** Initial content, copied; the rest is zero. */
  readonly content?: Uint8Array;
}

/** Where the bytes of a dataspace are. */
export type Home = { readonly kind: "buffer" } | Elsewhere;
type Elsewhere =
  | { readonly kind: "linear"; readonly use: Use }
  | { readonly kind: "pool"; readonly pool: MemoryPool; readonly range: PoolRange };

const IN_BUFFER: Home = { kind: "buffer" };

/** What every dataspace of core has: an identity, and the regions that hold it. */
export abstract class CoreDataspace implements Dataspace {
  readonly kind = "dataspace";
  abstract readonly origin: Dataspace["origin"];
  /** @internal Kept by region maps. */
  readonly regions = new Chain<Region>();
  protected readonly core: CoreContext;
  readonly #identity: Identity<Dataspace>;

  constructor(core: CoreContext) {
    this.core = core;
    this.#identity = core.badges.identify<Dataspace>(this);
  }

  get capability(): Capability<Dataspace> {
    return this.#identity.capability;
  }

  abstract size(): number;
  abstract physAddr(): number;
  abstract writable(): boolean;
  abstract read(offset: number, target: Uint8Array): number;
  abstract write(offset: number, source: Uint8Array): number;

  /** Takes the dataspace out of all region maps and ends its capability. Harmless when repeated. */
  dispose(): void {
    this.#identity.dispose();
    for (const region of this.regions) region.map.removeRegion(region);
  }
}

/** A dataspace of RAM, ROM or a device. */
export class ByteDataspace extends CoreDataspace implements Linked<ByteDataspace> {
  /** @internal Of the dataspaces of a PD. */
  chain: Chain<ByteDataspace> | undefined;
  older: ByteDataspace | undefined;
  newer: ByteDataspace | undefined;
  readonly origin: ByteOrigin;
  readonly cached: Cached;
  /** The size as asked for, before rounding. */
  readonly requestedBytes: number;
  /** Whether it was allocated for a program's own memory: what it began with, or by its memory.grow. */
  ofProgram: "data" | "growth" | undefined;
  /** @internal Where it is seen by components; kept by placement.ts. */
  readonly uses = new Chain<Use>();
  readonly #size: number;
  readonly #writable: boolean;
  readonly #physical: { readonly start: number; readonly end: number };
  #home: Home = IN_BUFFER;
  #buffer: Uint8Array | undefined;
  /** The bytes where they are, if not in the buffer; made when somebody asks for pieces. */
  #view: Uint8Array | undefined;
  #viewAt = 0;
  /** The bytes as `differs` compares them. */
  #words: Int32Array | undefined;
  #adopts = false;
  /** What is written, if somebody has asked for it. */
  #written: Written | undefined;

  /** @internal Made by `createDataspace`. */
  constructor(core: CoreContext, options: DataspaceOptions, physical: number) {
    super(core);
    this.origin = options.origin;
    this.cached = options.cached ?? "cached";
    this.requestedBytes = options.size;
    this.#size = toPages(options.size);
    this.#writable = options.writable ?? options.origin !== "rom";
    this.#physical = { start: physical, end: physical + this.#size };
    core.physical.insert(this.#physical);
    if (options.content) this.fill(0, options.content);
  }

  get home(): Home {
    return this.#home;
  }

  size(): number {
    return this.#size;
  }

  physAddr(): number {
    return this.#physical.start;
  }

  writable(): boolean {
    return this.#writable;
  }

  read(offset: number, target: Uint8Array): number {
    const length = this.#clip(offset, target.length);
    if (length > 0) this.#copyOut(offset, target.subarray(0, length));
    return length;
  }

  write(offset: number, source: Uint8Array): number {
    return this.#writable ? this.fill(offset, source) : 0;
  }

  /** As `write`, for the owner of read-only content: attachments see it at once. */
  fill(offset: number, source: Uint8Array): number {
    const length = this.#clip(offset, source.length);
    if (length <= 0) return 0;
    const bytes = length === source.length ? source : source.subarray(0, length);
    this.#copyIn(offset, bytes);
    if (this.origin === "rom") for (const use of this.uses) if (use.mode === "copy") copyToUse(use, offset, bytes);
    return length;
  }

  writeWords(offset: number, source: Int32Array, from: number, to: number): number {
    const home = this.#home;
    const length = (to - from) * 4;
    if (home.kind !== "linear" || !this.#writable || !within(home.use, offset, length)) {
      return this.write(offset, new Uint8Array(source.buffer, source.byteOffset + from * 4, length));
    }
    this.#written?.note(offset, length);
    const { space, start, offset: begin } = home.use;
    const at = start + offset - begin;
    copyWords(space.memory.words(at + length), at / 4, source, from, to);
    space.memory.mirror?.wrote(at, length);
    return length;
  }

  pieces(sink: DataspaceSink): void {
    const home = this.#home;
    if (home.kind === "buffer") return this.#besides(sink, 0, this.#size);
    const view = this.#viewOf(home);
    const at = this.#viewAt;
    this.#besides(sink, 0, at);
    if (!mirrored(sink, home, at, view.length)) sink.bytes(at, view, 0, view.length);
    this.#besides(sink, at + view.length, this.#size);
  }

  written(): WrittenPages {
    this.#written ??= new Written(this.uses, this.#size / PAGE_BYTES);
    return this.#written.begin();
  }

  /** @internal A use was placed. */
  useBegins(use: Use): void {
    this.#written?.useBegins(use);
  }

  /** @internal A use is about to be taken away. */
  useEnds(use: Use): void {
    this.#written?.useEnds(use);
  }

  /** Whether so many bytes from `offset` on, whole pages, are others than those from `at` on of a memory. Makes nothing. */
  differs(offset: number, memory: Int32Array, at: number, sizeBytes: number): boolean {
    const home = this.#home;
    const view = home.kind === "buffer" ? undefined : this.#viewOf(home);
    const from = offset - this.#viewAt;
    const there = view !== undefined && from >= 0 && from + sizeBytes <= view.length;
    const own = this.#wordsOf(there ? view : this.#buffer);
    const first = (there ? from : offset) / 4;
    for (let i = 0; i < sizeBytes / 4; i++) if (memory[at / 4 + i] !== (own?.[first + i] ?? 0)) return true;
    return false;
  }

  /** The first move to linear memory takes what lies there as content, instead of clearing it. */
  adoptLinear(): void {
    this.#adopts = true;
  }

  /** @internal @param usedUpTo address from which on that memory has never been used: it is zero */
  moveToLinear(use: Use, usedUpTo: number = Number.POSITIVE_INFINITY): void {
    const { memory } = use.space;
    const view = memory.view(use.start, use.end - use.start);
    if (this.#adopts) this.#adopts = false;
    else {
      const zero = this.#home.kind === "buffer" && !this.#buffer;
      const used = zero ? view.subarray(0, Math.max(0, usedUpTo - use.start)) : view;
      if (zero) clearBytes(used);
      else this.#copyOut(use.offset, used);
      memory.mirror?.wrote(use.start, used.length);
    }
    if (use.end - use.start === this.#size) this.#buffer = undefined;
    else if (this.#home.kind === "pool") this.#takeFromPool();
    this.#release({ kind: "linear", use });
  }

  /** @internal @returns false, and nothing has changed, if the pool is full */
  moveToPool(pool: MemoryPool): boolean {
    if (this.#home.kind === "pool" && this.#home.pool === pool) return true;
    const range = pool.allocate(this.#size);
    if (!range) return false;
    if (this.#buffer || this.#home.kind !== "buffer") this.#copyOut(0, pool.bytes(range.address, this.#size));
    this.#buffer = undefined;
    this.#release({ kind: "pool", pool, range });
    return true;
  }

  /** @internal Takes the bytes home from linear memory, before it is used for something else. */
  moveToBuffer(): void {
    if (this.#home.kind !== "linear") return;
    const { use } = this.#home;
    const buffer = (this.#buffer ??= new Uint8Array(this.#size));
    buffer.set(use.space.memory.view(use.start, use.end - use.start), use.offset);
    this.#release(IN_BUFFER);
  }

  /** @internal The dataspace is dying: its bytes in linear memory are given up. */
  forgetLinear(): void {
    if (this.#home.kind === "linear") this.#release(IN_BUFFER);
  }

  override dispose(): void {
    if (!this.capability.valid) return;
    super.dispose();
    this.#release(IN_BUFFER);
    this.#buffer = undefined;
    this.core.physical.remove(this.#physical.start);
  }

  #takeFromPool(): void {
    const buffer = new Uint8Array(this.#size);
    this.#copyOut(0, buffer);
    this.#buffer = buffer;
  }

  #release(next: Home): void {
    if (this.#home.kind === "pool") {
      for (const { mode } of this.uses)
        assert(mode !== "window", "pages of the pool are freed when nothing leads there");
      this.#home.pool.free(this.#home.range);
    }
    this.#home = next;
    this.#view = undefined;
  }

  /** What is not where its home is: in the buffer, or zero. */
  #besides(sink: ByteSink, from: number, to: number): void {
    if (from === to) return;
    if (this.#buffer) sink.bytes(from, this.#buffer, from, to - from);
    else sink.zeros(from, to - from);
  }

  #viewOf(home: Elsewhere): Uint8Array {
    // A memory that is not shared and has grown since has left the view empty.
    if (this.#view && this.#view.length > 0) return this.#view;
    if (home.kind === "pool") {
      this.#viewAt = 0;
      return (this.#view = home.pool.bytes(home.range.address, this.#size));
    }
    const { space, start, end, offset } = home.use;
    this.#viewAt = offset >>> 0; // a small integer also if `offset` is held as a double: reading it makes nothing then
    return (this.#view = space.memory.view(start, end - start));
  }

  #wordsOf(bytes: Uint8Array | undefined): Int32Array | undefined {
    if (!bytes) return undefined;
    if (this.#words?.buffer !== bytes.buffer || this.#words.byteOffset !== bytes.byteOffset) {
      this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    }
    return this.#words;
  }

  #clip(offset: number, length: number): number {
    return offset >= 0 && Number.isInteger(offset) ? Math.min(length, this.#size - offset) : 0;
  }

  #copyOut(offset: number, target: Uint8Array): void {
    const home = this.#home;
    if (home.kind === "pool") {
      target.set(home.pool.bytes(home.range.address + offset, target.length));
      return;
    }
    if (this.#buffer) target.set(this.#buffer.subarray(offset, offset + target.length));
    else if (home.kind === "buffer" || !within(home.use, offset, target.length)) target.fill(0);
    if (home.kind === "linear") copyFromUse(home.use, offset, target);
  }

  #copyIn(offset: number, source: Uint8Array): void {
    this.#written?.note(offset, source.length);
    const home = this.#home;
    if (home.kind === "pool") {
      home.pool.bytes(home.range.address + offset, source.length).set(source);
      return;
    }
    if (home.kind === "linear") {
      if (within(home.use, offset, source.length)) return writeToUse(home.use, offset, source);
      copyToUse(home.use, offset, source);
    }
    this.#buffer ??= new Uint8Array(this.#size);
    this.#buffer.set(source, offset);
  }
}

/** Whether a sink takes what is at home in a memory with a mirror from there. */
function mirrored(sink: DataspaceSink, home: Elsewhere, at: number, length: number): boolean {
  if (home.kind !== "linear") return false;
  const { mirror } = home.use.space.memory;
  return mirror !== undefined && sink.mirrored?.(at, length, mirror, home.use.start) === true;
}

/** A dataspace with bytes; undefined if no physical range is wide enough. The caller charges for it and disposes of it. */
export function createDataspace(core: CoreContext, options: DataspaceOptions): ByteDataspace | undefined {
  const size = toPages(options.size);
  assert(size > 0, "a dataspace has at least one page");
  for (let align = naturalAlignment(size); align >= 4096; align /= 2) {
    const physical = core.physical.find(size, align, 4096);
    if (physical !== undefined) return new ByteDataspace(core, options, physical);
  }
  return undefined;
}

/** The largest power of two that is not above `size`. */
export function naturalAlignment(size: number): number {
  // The machine's own count of bits where it reaches so far: a logarithm is a call into the host.
  return size < 2 ** 31 ? 1 << (31 - Math.clz32(size)) : 2 ** Math.floor(Math.log2(size));
}

function within(use: Use, offset: number, length: number): boolean {
  return offset >= use.offset && offset + length <= use.offset + use.end - use.start;
}

/** The overlap of a use with [offset, offset + length) of its dataspace. */
function overlap(use: Use, offset: number, length: number): { from: number; to: number } {
  return { from: Math.max(offset, use.offset), to: Math.min(offset + length, use.offset + use.end - use.start) };
}

function copyFromUse(use: Use, offset: number, target: Uint8Array): void {
  const { from, to } = overlap(use, offset, target.length);
  if (from >= to) return;
  target.set(use.space.memory.view(use.start + from - use.offset, to - from), from - offset);
}

function copyToUse(use: Use, offset: number, source: Uint8Array): void {
  const { from, to } = overlap(use, offset, source.length);
  if (from < to) writeToUse(use, from, source.subarray(from - offset, to - offset));
}

/** All of it lies there. */
function writeToUse({ space: { memory }, start, offset: begin }: Use, offset: number, source: Uint8Array): void {
  const at = start + offset - begin;
  memory.view(at, source.length).set(source);
  memory.mirror?.wrote(at, source.length);
}
