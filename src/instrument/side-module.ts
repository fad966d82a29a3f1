// A side module: continuations of one program, in a module that imports everything from an instance of it.
//
// Types, memories, globals, tables and tags keep the indices of the shipped module; functions are imported as far as
// the bodies name them. Imports from module `main` are exports of the instance; functions are called `f<index>` and
// come out of its table of functions. The continuation table is the engine's, shared by all instances of a group.

import { CONTROL, EXPORT, IMPORT, IMPORT_MODULE } from "../abi/index.ts";
import { required } from "../util/index.ts";
import {
  calleeType,
  EXTERNREF,
  encodeModule,
  FUNCREF,
  type FunctionBody,
  type FunctionType,
  I32,
  type Import,
  isRef,
  type Module,
  OP,
  plainFunctionTypes,
  signatureKey,
  type ValueType,
} from "../wasm/index.ts";
import { Emitter } from "./emit.ts";
import { continuationNames } from "./function-names.ts";
import { branchHints, type FunctionHints } from "./hints.ts";
import { markImport } from "./marks.ts";
import { mirrorImport } from "./mirror.ts";
import type { Plan, Site } from "./plan.ts";
import type { Program } from "./program.ts";
import { crossing } from "./results.ts";
import { segmentExport, segmentParams, segmentUse } from "./segments.ts";
import { Space } from "./space.ts";
import { importedWindowGlobals, windowImports, windowSpace } from "./windows-space.ts";

export interface ContinuationRequest {
  readonly function: number;
  /** Number of the site in the function. */
  readonly site: number;
}

/** Import names of a side module beside those of abi/constants.ts. */
export const SIDE_IMPORT = { main: "main", continuations: "continuations", function: "f" } as const;

const NO_MAXIMUM = { shared: false, index64: false } as const;

interface Built {
  readonly function: number;
  readonly layout: number;
  readonly site: number;
  readonly name: string;
  readonly type: number;
  readonly body: FunctionBody;
  readonly hints: readonly number[];
}

export class SideModule {
  readonly program: Program;
  readonly emitter: Emitter;
  /** Sites to generate, by function: those asked for and the loops around them. */
  readonly byFunction = new Map<number, number[]>();
  readonly #space: Space;
  readonly #types: Module["types"];
  readonly #imports: Import[] = [];
  readonly #functionImports = new Map<string, number>();
  readonly #order = new Map<string, number>();
  readonly #built: Built[] = [];
  readonly #referenced = new Set<number>();
  /** Sites of loops by opening instruction, for the function being written. */
  #loops = new Map<number, Site>();
  #loopsOf = -1;

  constructor(program: Program, requests: readonly ContinuationRequest[]) {
    this.program = program;
    this.#types = [...program.module.types];
    for (const request of requests) this.#want(request.function, request.site);
    this.#collect();
    this.#importEverything();
    let place = 0;
    for (const [index, sites] of this.byFunction) {
      for (const site of sites) this.#order.set(`${index} ${site}`, this.#functionImports.size + place++);
    }
    this.#space = this.#makeSpace(this.#functionImports.size + place);
    this.emitter = new Emitter(this.#space);
  }

  /** Index of the table of continuations. */
  get continuationTable(): number {
    return this.program.spaces.tables.length + 1;
  }

  signature(plan: Plan, at: number): FunctionType {
    return this.program.signature(plan.body, at);
  }

  callee(plan: Plan, at: number): FunctionType {
    return calleeType(this.program.module, this.program.spaces, plan.body, at);
  }

  loopSite(plan: Plan, opener: number): Site {
    if (this.#loopsOf !== plan.function) {
      this.#loopsOf = plan.function;
      this.#loops = new Map(plan.sites.filter((site) => site.kind === "loop").map((site) => [site.at, site]));
    }
    return required(this.#loops.get(opener), `a site at loop ${opener}`);
  }

  continuationIndex(functionIndex: number, site: number): number {
    return required(this.#order.get(`${functionIndex} ${site}`), `continuation ${functionIndex} ${site}`);
  }

  add(plan: Plan, site: Site, layout: number, body: Uint8Array, emitter: Emitter, codeStart: number): void {
    this.#built.push({
      function: plan.function,
      layout,
      site: site.number,
      name: `c${this.#built.length}`,
      type: this.#space.typeIndex([], crossing(plan.type.results)),
      body: { bytes: body, offset: 0 },
      hints: emitter.hints.map((offset) => offset + codeStart),
    });
  }

  finish(): { bytes: Uint8Array; continuations: readonly { layout: number; site: number; name: string }[] } {
    const functions = this.#functionImports.size;
    const added = this.#space.added;
    const referenced = [...this.#referenced];
    const hints: FunctionHints[] = this.#built.map((built, index) => ({
      function: functions + index,
      offsets: built.hints,
    }));
    const module: Module = {
      ...this.program.module,
      types: this.#types,
      imports: this.#imports,
      functions: [...this.#built.map((built) => built.type), ...added.map((entry) => entry.type)],
      code: [...this.#built.map((built) => built.body), ...added.map((entry) => ({ bytes: entry.body, offset: 0 }))],
      tables: [],
      memories: [],
      tags: [],
      globals: [],
      start: undefined,
      data: [],
      dataCount: undefined,
      elements: referenced.length ? [{ mode: "declarative", type: FUNCREF, functions: referenced }] : [],
      exports: this.#built.map((built, index) => ({ name: built.name, kind: "func", index: functions + index })),
      customs: [
        {
          name: "metadata.code.branch_hint",
          bytes: branchHints(hints.filter((hint) => hint.offsets.length)),
          after: 9,
        },
        {
          name: "name",
          bytes: continuationNames(
            functions,
            this.#built.map((built) => built.function),
          ),
          after: 10,
        },
      ],
    };
    return {
      bytes: encodeModule(module),
      continuations: this.#built.map(({ layout, site, name }) => ({ layout, site, name })),
    };
  }

  /** Asks for a site and for the loops around it, whose continuations it goes on with. */
  #want(functionIndex: number, site: number): void {
    let sites = this.byFunction.get(functionIndex);
    if (!sites) this.byFunction.set(functionIndex, (sites = []));
    if (!sites.includes(site)) sites.push(site);
  }

  /** Adds the loops around every site, and imports the functions that the bodies name. */
  #collect(): void {
    const { program } = this;
    for (const [index, sites] of this.byFunction) {
      const plan = program.plan(index, sites);
      const { op, a, b, count, match } = plan.body;
      for (const number of [...sites]) {
        const at = required(plan.sites[number], `site ${number} of function ${index}`).at;
        for (const loop of plan.sites) {
          if (loop.kind === "loop" && loop.at < at && match[loop.at]! > at && !sites.includes(loop.number)) {
            sites.push(loop.number);
          }
        }
      }
      for (const number of sites) this.#needReferences(plan, plan.sites[number]!);
      for (let at = 0; at < count; at++) {
        const code = op[at]!;
        if (code === OP.call || code === OP.returnCall || code === OP.refFunc) this.#importFunction(a[at]!);
        if (code === OP.refFunc) this.#referenced.add(this.#functionImports.get(`f${a[at]}`)!);
        if (code === OP.memoryInit || code === OP.tableInit || code === OP.dataDrop || code === OP.elementDrop) {
          this.#importSegment(code, a[at]!, b[at]!);
          if (program.windows && code === OP.memoryInit && b[at] === 0) {
            this.#importSegment(code, a[at]!, program.spaces.memories.length + 1);
          }
        }
      }
    }
  }

  /** Gives the reference types of a frame their tables, if this rewriting has none for them yet. */
  #needReferences(plan: Plan, site: Site): void {
    for (const { type } of plan.union(site)) if (isRef(type)) this.program.referenceNumber(type);
  }

  #importFunction(index: number): void {
    this.#addFunctionImport(`${SIDE_IMPORT.function}${index}`, this.program.spaces.functions[index]!);
  }

  #importSegment(code: number, a: number, b: number): void {
    const params = segmentParams(this.program, code, b);
    this.#addFunctionImport(segmentExport(segmentUse(code, a, b)), this.#plainType(params));
  }

  #addFunctionImport(name: string, type: number): void {
    if (this.#functionImports.has(name)) return;
    this.#functionImports.set(name, this.#functionImports.size);
    this.#imports.push({ module: SIDE_IMPORT.main, name, kind: "func", type });
  }

  #importEverything(): void {
    const { program } = this;
    const { spaces } = program;
    const { main } = SIDE_IMPORT;
    spaces.memories.forEach((memory, index) => {
      const limits = { ...program.memoryType(index), index64: memory.index64 };
      this.#imports.push({ module: main, name: `${EXPORT.memory}${index}`, kind: "memory", memory: limits });
    });
    const control = { min: CONTROL.initialPages, max: CONTROL.maximumPages, shared: true, index64: false };
    this.#imports.push({ module: IMPORT_MODULE, name: IMPORT.control, kind: "memory", memory: control });
    if (program.windows) this.#imports.push(...windowImports());
    if (program.marks) this.#imports.push(markImport());
    if (program.mirror !== undefined) this.#imports.push(mirrorImport());
    const table = (name: string, min: number, element = FUNCREF, from: string = main): Import => ({
      module: from,
      name,
      kind: "table",
      table: { element, limits: { min, ...NO_MAXIMUM } },
    });
    spaces.tables.forEach((type, index) => {
      this.#imports.push({ module: main, name: `${EXPORT.table}${index}`, kind: "table", table: type });
    });
    this.#imports.push(table(EXPORT.hooks, program.hooks), table(SIDE_IMPORT.continuations, 0, FUNCREF, IMPORT_MODULE));
    program.references.forEach((type, number) => {
      this.#imports.push(table(`${EXPORT.refs}${number}`, 0, type));
    });
    spaces.globals.forEach((global, index) => {
      this.#imports.push({ module: main, name: `${EXPORT.global}${index}`, kind: "global", global });
    });
    this.#imports.push({ module: main, name: EXPORT.instance, kind: "global", global: { type: I32, mutable: true } });
    const windows = windowSpace(program, spaces.globals.length + 1);
    if (windows) this.#imports.push(...importedWindowGlobals(windows, main));
    spaces.tags.forEach((type, index) => {
      if (index === spaces.importedTags) this.#importFreeze();
      this.#imports.push({ module: main, name: `${EXPORT.tag}${index}`, kind: "tag", type });
    });
    if (spaces.tags.length === spaces.importedTags) this.#importFreeze();
  }

  #importFreeze(): void {
    this.#imports.push({ module: IMPORT_MODULE, name: IMPORT.freeze, kind: "tag", type: this.#plainType([]) });
    if (!this.program.thrownTag) return;
    this.#imports.push({ module: IMPORT_MODULE, name: IMPORT.thrown, kind: "tag", type: this.#plainType([EXTERNREF]) });
  }

  /** The index of a type of its own without results, as Space has them later. */
  #plainType(params: readonly ValueType[]): number {
    const type = { kind: "func", params, results: [] } as const;
    const plain = plainFunctionTypes(this.#types, this.program.module.typeGroups);
    return plain.get(signatureKey(type)) ?? this.#types.push(type) - 1;
  }

  #makeSpace(firstAdded: number): Space {
    const { spaces, module, scan, references } = this.program;
    const functionOf = (name: string) => required(this.#functionImports.get(name), `import ${name}`);
    return new Space(module, spaces, this.#types, {
      legacy: scan.legacyExceptions,
      relocated: true,
      functionIndex: (index) => functionOf(`${SIDE_IMPORT.function}${index}`),
      segmentFunction: (code, a, b) => functionOf(segmentExport(segmentUse(code, a, b))),
      controlMemory: spaces.memories.length,
      freezeTag: spaces.importedTags,
      thrownTag: this.program.thrownTag,
      importedTags: spaces.importedTags,
      hooksTable: spaces.tables.length,
      instanceGlobal: spaces.globals.length,
      referenceTable: (type) =>
        spaces.tables.length + 2 + required(references.indexOf(type) + 1, "a table for the type") - 1,
      firstAdded,
      mostTurns: this.program.mostTurns,
      pieceBytes: this.program.pieceBytes,
      growth: this.program.options.growth === true,
      mirror: this.program.mirror,
      windows: windowSpace(this.program, spaces.globals.length + 1),
      marks: this.program.marks,
    });
  }
}
