// One program being instrumented: the decoded original, what the passes found, and the choices made.
//
// Rewriting and continuations work from the same Program, so that both agree on what is active and on the layout of
// records. It is kept as long as threads of the program may be frozen.

import { BULK_PIECE_BYTES, HOOK, PREVIEW1_MODULE, preview1Kind, type Signature } from "../abi/index.ts";
import { assert, required } from "../util/index.ts";
import {
  asNullable,
  type Body,
  blockSignature,
  canonicalTypes,
  decodeModule,
  type FunctionType,
  type Import,
  type IndexSpaces,
  importsOf,
  indexSpaces,
  isRef,
  type Module,
  OP,
  requireSupported,
  type ValueType,
  WasmFault,
} from "../wasm/index.ts";
import { type CallGraph, callGraph } from "./call-graph.ts";
import { calledJavaScript } from "./caught.ts";
import { inLayout } from "./frame-values.ts";
import { loopTurns } from "./loops.ts";
import { type MarkSpace, markSpace } from "./marks.ts";
import { type Activity, type Plan, Planner, type Site } from "./plan.ts";
import { type ModuleScan, scanModule } from "./scan.ts";
import { signatureOf, typeName } from "./type-names.ts";
import { isExtended } from "./windows-accesses.ts";

/** What a freeze means for an imported function; "anything" also for functions of linked instances. */
export type ImportKind = "instant" | "restartable" | "anything";

export interface RewriteOptions {
  /** Default: what preview1Kind says for WASI preview1, "anything" for the rest. */
  readonly importKind?: (module: string, name: string) => ImportKind;
  /** Make the memories that the original defines shared where that cannot be seen (default: true). */
  readonly shareMemories?: boolean;
  /** Write branch hints (default: true). */
  readonly hints?: boolean;
  /** The most turns of a loop between two polls, at least 1 (default: what takes some microseconds). For tests. */
  readonly mostTurns?: number;
  /** The most bytes of a bulk operation between two polls, at least 1 (default: BULK_PIECE_BYTES). For tests. */
  readonly pieceBytes?: number;
  /** Translate accesses of memory 0 at and above a limit (windows.ts); true stands for `{}`. Default: false. */
  readonly windows?: boolean | WindowOptions;
  /** Mark what writes to memory 0 change (marks.ts). Default: false. */
  readonly marks?: boolean;
  /** Write to a mirror, too, what is written to memory 0 (mirror.ts), unless it has windows or 64-bit addresses. Default: false. */
  readonly mirror?: boolean;
  /** Turn memory.grow into a request to the host, and ask it before table.grow (default: false). */
  readonly growth?: boolean;
}

export interface WindowOptions {
  /**
   * Which accesses are to be fast: those below the limit (default), those that are translated, or both, at some cost for
   * each and in size. The others are right and slow.
   */
  readonly favour?: "memory" | "pool" | "both";
  /** Indices of the functions whose accesses are translated (default: all); those of others reach memory 0 alone. */
  readonly functions?: readonly number[];
}

/** Segments that may be dropped after the module was instantiated, ascending. */
interface Droppable {
  readonly droppableData: readonly number[];
  readonly droppableElements: readonly number[];
}

export class Program {
  readonly module: Module;
  readonly spaces: IndexSpaces;
  readonly canonical: Int32Array;
  readonly planner: Planner;
  readonly scan: ModuleScan;
  readonly graph: CallGraph;
  readonly options: RewriteOptions;
  /** Nullable reference types that frames may hold, in the order of their tables. */
  readonly references: ValueType[] = [];
  /** Layouts beside those of the functions, as `function site`, in the order of their numbers. */
  readonly variants: string[] = [];
  /** Undefined for a program without windows. */
  readonly windows: WindowOptions | undefined;
  /** Undefined for a program without marks. */
  readonly marks: MarkSpace | undefined;
  /** Index of the mirror of memory 0; undefined for a program without. */
  readonly mirror: number | undefined;
  /** Segment instructions that continuations may need, as `operation a b`. */
  readonly segmentUses: ReadonlySet<string>;
  /** Whether instantiation writes the module's functions into a table of others: see segments.ts. */
  readonly deferred: boolean;
  readonly droppable: Droppable;
  readonly #windowed: ReadonlySet<number> | undefined;
  readonly #importedFunctions: readonly Import[];

  /** @throws WasmFault if the module is malformed or uses what rtcr cannot save */
  constructor(bytes: Uint8Array, options: RewriteOptions = {}) {
    this.options = options;
    this.module = decodeModule(bytes);
    requireSupported(this.module);
    this.spaces = indexSpaces(this.module);
    this.#importedFunctions = importsOf(this.module, "func");
    this.canonical = canonicalTypes(this.module);
    this.planner = new Planner(this.module, this.spaces);
    this.windows = windowsOf(this.spaces, options);
    this.marks = markSpace(this.spaces, options.marks, this.windows !== undefined);
    this.mirror = mirrorOf(this.spaces, options);
    this.#windowed = this.windows?.functions && new Set(this.windows.functions);
    this.scan = scanModule(this.module, this.spaces, this.canonical, this.planner, {
      mostTurns: this.mostTurns,
      extended: this.extended ? (index, body, at) => this.#extendedActive(index, body, at) : undefined,
    });
    this.segmentUses = this.windows
      ? windowUses(this.scan.segmentUses, this.spaces.memories.length + 1)
      : this.scan.segmentUses;
    const { elements, data } = this.module;
    this.deferred = activeTables(elements).some((table) => table < this.spaces.importedTables);
    this.droppable = {
      droppableData: droppableOf(data, this.scan.droppedData, this.deferred),
      droppableElements: droppableOf(elements, this.scan.droppedElements, this.deferred),
    };
    this.graph = callGraph({
      module: this.module,
      spaces: this.spaces,
      canonical: this.canonical,
      scans: this.scan.functions,
      taken: this.scan.taken,
      imported: (index) => this.importKind(index),
      open: this.#open(),
    });
  }

  importKind(functionIndex: number): ImportKind {
    const imported = this.#importedFunctions[functionIndex]!;
    const kind = this.options.importKind ?? defaultImportKind;
    return kind(imported.module, imported.name);
  }

  /** Parameters and results of a function as hosts name them. */
  functionSignature(functionIndex: number): Signature {
    return signatureOf(this.module, this.spaces.functions[functionIndex]!);
  }

  /** Whether references to functions of other instances may come in: through whatever is imported or exported. */
  #open(): boolean {
    const { imports, exports } = this.module;
    const { functions, globals, tags } = this.spaces;
    const carries = (type: number) => {
      const { params, results } = this.module.types[type] as FunctionType;
      return [...params, ...results].some(holdsFunctions);
    };
    const first = { func: 0, table: 0, memory: 0, global: 0, tag: 0 };
    return [...imports.map(({ kind }) => ({ kind, index: first[kind]++ })), ...exports].some(({ kind, index }) => {
      if (kind === "func") return carries(functions[index]!);
      if (kind === "global") return holdsFunctions(globals[index]!.type);
      return kind === "table" || (kind === "tag" && carries(tags[index]!));
    });
  }

  /** Whether handlers that throw again what they have caught may hold what JavaScript has thrown. */
  get thrownTag(): boolean {
    return this.scan.rethrows && calledJavaScript(this.module);
  }

  get mostTurns(): number {
    return this.options.mostTurns ?? Infinity;
  }

  get pieceBytes(): number {
    return this.options.pieceBytes ?? BULK_PIECE_BYTES;
  }

  /** Whether accesses of memory 0 or memory.grow are safe points. */
  get extended(): boolean {
    return this.windows !== undefined || this.options.growth === true;
  }

  /** Slots of the table of hooks. */
  get hooks(): number {
    return this.extended ? HOOK.extended : HOOK.count;
  }

  /** Whether accesses of memory 0 are translated in a function. */
  windowed(functionIndex: number): boolean {
    return this.windows !== undefined && (this.#windowed?.has(functionIndex) ?? true);
  }

  /** Whether the instruction is a safe point that others do not have: an access of memory 0, or memory.grow. */
  #extendedActive(functionIndex: number, body: Body, at: number): boolean {
    if (!this.extended || !isExtended(body, at)) return false;
    return body.op[at] === OP.memoryGrow ? this.options.growth === true : this.windowed(functionIndex);
  }

  /**
   * The plan of a function, good until the next one is made.
   *
   * @param sites numbers of sites that it must hold; an image may stand at one that these options do not ask for
   */
  plan(functionIndex: number, sites: readonly number[] = []): Plan {
    const activity = () => this.activity(functionIndex);
    const plan = this.planner.plan(functionIndex, activity, this.extended);
    const complete = this.extended || sites.every((number) => number < plan.sites.length);
    return complete ? plan : this.planner.plan(functionIndex, activity, true);
  }

  /** Which sites of a function are instrumented. */
  activity(functionIndex: number): Activity {
    const { graph, canonical } = this;
    return {
      entry: graph.entryPolls[functionIndex] === 1,
      extended: (body, at) => this.#extendedActive(functionIndex, body, at),
      active: (body, at) => {
        switch (body.op[at]) {
          case OP.loop:
            return loopTurns(body, at, this.mostTurns) > 0;
          case OP.call:
            return graph.freezable[body.a[at]!] === 1;
          case OP.callIndirect:
            return graph.indirectFreezable(canonical[body.a[at]!]!);
          default:
            return true;
        }
      },
    };
  }

  /** Parameters and results of the block opened at `at`. */
  signature(body: Body, at: number): FunctionType {
    return blockSignature(this.module, body, at);
  }

  /** The number of the layout that records of a continuation at `site` have: the function's own, or a variant. */
  layoutNumber(plan: Plan, site: Site): number {
    if (inLayout(site)) return plan.function;
    const key = `${plan.function} ${site.number}`;
    let number = this.variants.indexOf(key);
    if (number < 0) number = this.variants.push(key) - 1;
    return this.spaces.functions.length + number;
  }

  /** The function of a layout and, for a variant, the site that it holds beside the active ones. */
  layoutOf(number: number): { readonly function: number; readonly extra: number | undefined } {
    if (number < this.spaces.functions.length) return { function: number, extra: undefined };
    const variant = required(this.variants[number - this.spaces.functions.length], `layout ${number}`);
    const [index, extra] = variant.split(" ").map(Number) as [number, number];
    return { function: index, extra };
  }

  /** The number of the table that holds references of a type in frozen frames. */
  referenceNumber(type: ValueType): number {
    const nullable = asNullable(type);
    const known = this.references.indexOf(nullable);
    return known >= 0 ? known : this.references.push(nullable) - 1;
  }

  /** Limits of a memory as the rewritten module has them: shared where the original cannot tell. */
  memoryType(index: number): { readonly min: number; readonly max?: number; readonly shared: boolean } {
    const { min, max, shared, index64 } = this.spaces.memories[index]!;
    const share = this.options.shareMemories !== false && index >= this.spaces.importedMemories;
    if (shared || !share || index64 || this.scan.waits)
      return max === undefined ? { min, shared } : { min, max, shared };
    return { min, max: max ?? 65536, shared: true };
  }
}

/** Tables that active segments write to, each once. */
export function activeTables(elements: Module["elements"]): readonly number[] {
  return [...new Set(elements.flatMap(({ mode, table = 0 }) => (mode === "active" ? [table] : [])))];
}

function droppableOf(
  segments: readonly { readonly mode: string }[],
  dropped: ReadonlySet<number>,
  deferred: boolean,
): readonly number[] {
  return segments.flatMap(({ mode }, index) => (dropped.has(index) || (deferred && mode === "active") ? [index] : []));
}

/** Whether a value may be or, as the payload of an exception, hold a reference to a function. */
function holdsFunctions(type: ValueType): boolean {
  return isRef(type) && typeName(type) !== "externref";
}

/** With windows, what is copied from segments to memory 0 may be copied to the pool. */
function windowUses(uses: ReadonlySet<string>, pool: number): ReadonlySet<string> {
  const all = new Set(uses);
  for (const use of uses) {
    const [operation, segment, memory] = use.split(" ").map(Number);
    if (operation === OP.memoryInit && memory === 0) all.add(`${operation} ${segment} ${pool}`);
  }
  return all;
}

/** The options of a program with windows; undefined where there is nothing to translate. */
function windowsOf(spaces: IndexSpaces, { windows }: RewriteOptions): WindowOptions | undefined {
  if (!windows || spaces.memories.length === 0) return undefined;
  for (const index of windows === true ? [] : (windows.functions ?? [])) {
    const { importedFunctions, functions } = spaces;
    assert(
      index >= importedFunctions && index < functions.length,
      `windows: function ${index} is one of the module's own`,
    );
  }
  if (spaces.memories[0]!.index64) {
    const what = "memory 0 has 64-bit addresses, which windows do not translate; rewrite the module without windows";
    throw new WasmFault("unsupported", what, { offset: 0, section: "memory section" });
  }
  return windows === true ? {} : windows;
}

/** The index of the mirror, behind the control memory and marks; undefined for what writes its memory once. */
function mirrorOf({ memories }: IndexSpaces, { mirror, windows, marks }: RewriteOptions): number | undefined {
  const [memory] = memories;
  const mirrored = mirror && !windows && memory && !memory.index64;
  return mirrored ? memories.length + 1 + (marks ? 1 : 0) : undefined;
}

function defaultImportKind(module: string, name: string): ImportKind {
  return module === PREVIEW1_MODULE ? preview1Kind(name) : "anything";
}
