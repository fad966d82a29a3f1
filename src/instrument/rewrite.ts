// Rewrites a module so that its threads can be frozen. Deterministic: same module, same options, same bytes.
//
// What is kept: every original index of types, functions, memories, tables and globals, every instruction (emit.ts
// only inserts), the order of everything. What changes:
//   - memories that the original defines become imports (`rtcr` `memory<index>`), so that the control memory, imported
//     behind them, shifts none
//   - functions in which a thread may be frozen are instrumented; the others stay as they are
//   - added behind the original's: savers and other shared functions, the tables of functions, hooks and references,
//     the instance global, a flag for every segment that may be dropped
//   - everything a continuation or the host needs is exported as `rtcr:...`
//   - the start function becomes an ordinary one: the host runs it as a thread
//   - custom sections that hold code offsets (debug information, other branch hints) go, all others stay

import { CONTROL, EXPORT, IMPORT, IMPORT_MODULE, type ProgramInfo } from "../abi/index.ts";
import {
  asNullable,
  EXTERNREF,
  encodeModule,
  FUNCREF,
  type FunctionBody,
  I32,
  type Module,
  OP,
} from "../wasm/index.ts";
import { Emitter } from "./emit.ts";
import { addExceptionHelpers } from "./exceptions.ts";
import { BodyBuffer, closeTry, closeUnframed, openTry, openUnframed } from "./frame-code.ts";
import { branchHints, type FunctionHints } from "./hints.ts";
import { markImport, marksIn } from "./marks.ts";
import { mirrorImport } from "./mirror.ts";
import type { Plan } from "./plan.ts";
import type { Program } from "./program.ts";
import { programInfo } from "./program-info.ts";
import { addInitialiser, addSegmentHelpers, shippedSegments } from "./segments.ts";
import { Space } from "./space.ts";
import { windowGlobals, windowImports, windowSpace } from "./windows-space.ts";

export interface RewriteResult {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly info: ProgramInfo;
  readonly statistics: RewriteStatistics;
}

export interface RewriteStatistics {
  readonly functions: number;
  /** Functions in which a thread may be frozen. */
  readonly instrumented: number;
  /** Active sites: polls at loops and entries, calls, operations in pieces. */
  readonly loops: number;
  readonly entries: number;
  readonly calls: number;
  readonly operations: number;
  /** Bytes of all function bodies. */
  readonly codeBytes: { readonly original: number; readonly rewritten: number };
}

/** @param hash SHA-256 of the original, hexadecimal */
export function rewrite(program: Program, hash: string): RewriteResult {
  return new Rewriter(program).run(hash);
}

class Rewriter {
  readonly #program: Program;
  readonly #module: Module;
  readonly #space: Space;
  readonly #emitter: Emitter;
  readonly #bodies = new BodyBuffer();
  /** Place of each segment's flag among them, by drop instruction. */
  readonly #dropFlags: ReadonlyMap<string, number>;
  readonly #hints: FunctionHints[] = [];
  readonly #counts = { entry: 0, loop: 0, call: 0, operation: 0, instrumented: 0, bytes: 0 };

  constructor(program: Program) {
    this.#program = program;
    const { module, spaces, scan, droppable } = program;
    this.#module = { ...module, ...shippedSegments(program), types: [...module.types], start: undefined };
    const { droppableData, droppableElements } = droppable;
    const drops = [
      ...droppableData.map((segment) => `${OP.dataDrop} ${segment}`),
      ...droppableElements.map((segment) => `${OP.elementDrop} ${segment}`),
    ];
    this.#dropFlags = new Map(drops.map((drop, place) => [drop, place]));
    const firstTable = spaces.tables.length;
    this.#space = new Space(module, spaces, this.#module.types, {
      legacy: scan.legacyExceptions,
      relocated: false,
      functionIndex: (index) => index,
      segmentFunction: (code, a) => (code === OP.dataDrop || code === OP.elementDrop ? this.#dropHelper(code, a) : -1),
      controlMemory: spaces.memories.length,
      freezeTag: spaces.importedTags,
      thrownTag: program.thrownTag,
      importedTags: spaces.importedTags,
      hooksTable: firstTable,
      instanceGlobal: spaces.globals.length,
      referenceTable: (type) => firstTable + 2 + program.referenceNumber(type),
      firstAdded: spaces.functions.length,
      mostTurns: program.mostTurns,
      pieceBytes: program.pieceBytes,
      growth: program.options.growth === true,
      mirror: program.mirror,
      windows: windowSpace(
        program,
        spaces.globals.length + 1 + droppable.droppableData.length + droppable.droppableElements.length,
      ),
      marks: program.marks,
    });
    this.#emitter = new Emitter(this.#space);
  }

  run(hash: string): RewriteResult {
    const code = this.#program.module.code.map((body, index) => this.#function(body, index));
    const helpers = new Map([
      ...addSegmentHelpers(this.#program, this.#space),
      ...addExceptionHelpers(this.#program, this.#space),
      ...addInitialiser(this.#program, this.#space),
    ]);
    const rewritten = this.#assemble(code, helpers);
    const { entry, loop, call, operation, instrumented, bytes } = this.#counts;
    return {
      bytes: encodeModule(rewritten),
      info: programInfo(this.#program, hash),
      statistics: {
        functions: code.length,
        instrumented,
        loops: loop,
        entries: entry,
        calls: call,
        operations: operation,
        codeBytes: { original: this.#program.scan.bytes, rewritten: bytes },
      },
    };
  }

  /** Whether what writes memory 0 must be written anew, though no thread can be frozen there. */
  get #rewritesStores(): boolean {
    return this.#space.marks !== undefined || this.#space.mirror !== undefined;
  }

  #function(original: FunctionBody, number: number): FunctionBody {
    const { spaces, graph, scan, planner } = this.#program;
    const index = spaces.importedFunctions + number;
    let body = original;
    const anew =
      scan.renumbered.has(index) ||
      (this.#space.growth && scan.growsTables.has(index)) ||
      (this.#rewritesStores && marksIn(planner.decode(index)));
    if (graph.freezable[index]) {
      const plan = this.#program.plan(index);
      body = plan.siteAt.size > 0 || anew ? this.#instrument(plan) : original;
    } else if (anew) {
      body = this.#instrument(planner.plan(index, () => ({ entry: false, active: () => false })));
    }
    this.#counts.bytes += body.bytes.length;
    return body;
  }

  /** The body with its sites instrumented; without any, only renumbered. */
  #instrument(plan: Plan): FunctionBody {
    const emitter = this.#emitter;
    const framed = plan.siteAt.size > 0;
    emitter.begin(plan);
    emitter.physical = 1;
    if (framed) openTry(emitter);
    else openUnframed(emitter);
    if (framed) emitter.refresh();
    else emitter.mirror?.refresh();
    const entry = plan.siteAt.get(plan.body.count);
    if (entry) emitter.poll(entry);
    emitter.instructions(0, plan.body.count - 1);
    if (framed) closeTry(emitter, plan.function, plan.union());
    else closeUnframed(emitter);
    emitter.code.u8(OP.end);
    for (const site of plan.siteAt.values()) this.#counts[site.kind]++;
    if (framed) this.#counts.instrumented++;
    const own = plan.body.locals.slice(plan.body.params).map(asNullable);
    const { body, codeStart } = this.#bodies.body([...own, ...plan.temporaries], emitter.code.view());
    if (emitter.hints.length) {
      this.#hints.push({ function: plan.function, offsets: emitter.hints.map((offset) => offset + codeStart) });
    }
    return { bytes: body, offset: plan.body.offset };
  }

  #dropHelper(code: number, segment: number): number {
    const { globals } = this.#program.spaces;
    return this.#space.shared(`drop ${code} ${segment}`, (writer) => {
      writer.bytes([0, 0xfc, code - 0x100]);
      writer.u32(segment);
      writer.bytes([OP.i32Const, 1, OP.globalSet]);
      writer.u32(globals.length + 1 + this.#dropFlags.get(`${code} ${segment}`)!);
      writer.u8(OP.end);
      return this.#space.typeIndex([], []);
    });
  }

  #assemble(code: readonly FunctionBody[], helpers: ReadonlyMap<string, number>): Module {
    const module = this.#module;
    const { windows } = this.#space;
    const { spaces, droppable } = this.#program;
    const { droppableData, droppableElements } = droppable;
    const zero = new Uint8Array([OP.i32Const, 0, OP.end]);
    const counter = { type: { type: I32, mutable: true }, init: zero };
    const table = (min: number, element = FUNCREF) => ({
      type: { element, limits: { min, shared: false, index64: false } },
    });
    const functions = Array.from(spaces.functions, (_, index) => index);
    return {
      ...module,
      imports: [...module.imports, ...this.#memoryImports(), ...this.#ownImports()],
      memories: [],
      functions: [...module.functions, ...this.#space.added.map((added) => added.type)],
      code: [...code, ...this.#space.added.map((added) => ({ bytes: added.body, offset: 0 }))],
      tables: [
        ...module.tables,
        table(this.#program.hooks),
        table(functions.length),
        ...this.#program.references.map((element) => table(0, element)),
      ],
      globals: [
        ...module.globals,
        counter,
        ...[...droppableData, ...droppableElements].map(() => counter),
        ...(windows ? windowGlobals(windows).globals : []),
      ],
      exports: [...module.exports.map((entry) => this.#shifted(entry)), ...this.#exports(helpers)],
      elements: [
        ...module.elements,
        { mode: "active", table: spaces.tables.length + 1, offset: zero, type: FUNCREF, functions },
      ],
      customs: [...module.customs.filter((section) => !holdsOffsets(section.name)), ...this.#hintSection()],
    };
  }

  /** An export of the original: tags have other numbers. */
  #shifted(entry: Module["exports"][number]): Module["exports"][number] {
    return entry.kind === "tag" ? { ...entry, index: this.#space.tagIndex(entry.index) } : entry;
  }

  #memoryImports(): Module["imports"] {
    const { spaces } = this.#program;
    return spaces.memories.slice(spaces.importedMemories).map((memory, number) => {
      const index = spaces.importedMemories + number;
      const limits = { ...this.#program.memoryType(index), index64: memory.index64 };
      return { module: IMPORT_MODULE, name: `${IMPORT.memory}${index}`, kind: "memory", memory: limits };
    });
  }

  #ownImports(): Module["imports"] {
    const limits = { min: CONTROL.initialPages, max: CONTROL.maximumPages, shared: true, index64: false };
    return [
      { module: IMPORT_MODULE, name: IMPORT.control, kind: "memory", memory: limits },
      { module: IMPORT_MODULE, name: IMPORT.freeze, kind: "tag", type: this.#space.typeIndex([], []) },
      ...(this.#program.thrownTag
        ? [
            {
              module: IMPORT_MODULE,
              name: IMPORT.thrown,
              kind: "tag",
              type: this.#space.typeIndex([EXTERNREF], []),
            } as const,
          ]
        : []),
      ...(this.#program.windows ? windowImports() : []),
      ...(this.#program.marks ? [markImport()] : []),
      ...(this.#program.mirror === undefined ? [] : [mirrorImport()]),
    ];
  }

  #exports(helpers: ReadonlyMap<string, number>): Module["exports"] {
    const { spaces, references, droppable } = this.#program;
    const { droppableData, droppableElements } = droppable;
    const { windows } = this.#space;
    const first = spaces.tables.length;
    const instance = spaces.globals.length;
    const all = (kind: "table" | "memory" | "global", prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => ({ name: `${prefix}${index}`, kind, index }));
    return [
      { name: EXPORT.hooks, kind: "table", index: first },
      { name: EXPORT.functions, kind: "table", index: first + 1 },
      ...references.map((_, number) => ({
        name: `${EXPORT.refs}${number}`,
        kind: "table" as const,
        index: first + 2 + number,
      })),
      { name: EXPORT.instance, kind: "global", index: instance },
      ...all("table", EXPORT.table, spaces.tables.length),
      ...all("memory", EXPORT.memory, spaces.memories.length),
      ...all("global", EXPORT.global, spaces.globals.length),
      ...spaces.tags.map((_, index) => ({
        name: `${EXPORT.tag}${index}`,
        kind: "tag" as const,
        index: this.#space.tagIndex(index),
      })),
      ...droppableData.map((segment, place) => ({
        name: `${EXPORT.droppedData}${segment}`,
        kind: "global" as const,
        index: instance + 1 + place,
      })),
      ...droppableElements.map((segment, place) => ({
        name: `${EXPORT.droppedElement}${segment}`,
        kind: "global" as const,
        index: instance + 1 + droppableData.length + place,
      })),
      ...(windows ? windowGlobals(windows).exports : []),
      ...[...helpers].map(([name, index]) => ({ name, kind: "func" as const, index })),
    ];
  }

  #hintSection(): Module["customs"] {
    if (this.#program.options.hints === false || this.#hints.length === 0) return [];
    const after = this.#module.dataCount === undefined ? 9 : 12;
    return [{ name: "metadata.code.branch_hint", bytes: branchHints(this.#hints), after }];
  }
}

/** Sections that name places in the code, which has moved. */
function holdsOffsets(name: string): boolean {
  return (
    name.startsWith("metadata.code.") ||
    name.startsWith(".debug_") ||
    name.startsWith("reloc.") ||
    name === "sourceMappingURL"
  );
}
