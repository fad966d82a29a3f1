// Modules that are made beside an instance, when they are needed, and import everything from it: continuations, what
// reaches globals and tables that JavaScript cannot, and reference tables for frames of other options.

import { EXPORT, IMPORT, IMPORT_MODULE } from "../abi/index.ts";
import { required } from "../util/index.ts";
import type { Control } from "./control.ts";
import { EngineFault } from "./faults.ts";
import type { Instance } from "./instance.ts";

/** What all instances of a group share. */
export interface Shared {
  readonly control: Control;
  readonly freezeTag: WebAssembly.Tag;
  readonly continuations: ContinuationTable;
  readonly pollHook: WebAssembly.ExportValue;
}

/** The table of continuations, with a function's slot found by instance, layout and site. */
export class ContinuationTable {
  readonly table = new WebAssembly.Table({ element: "anyfunc", initial: 0 });
  readonly #functions: ((...args: unknown[]) => unknown)[] = [];

  add(fn: (...args: unknown[]) => unknown): number {
    this.table.grow(1, fn);
    return this.#functions.push(fn) - 1;
  }

  set(slot: number, fn: (...args: unknown[]) => unknown): void {
    this.table.set(slot, fn);
    this.#functions[slot] = fn;
  }

  at(slot: number): (...args: unknown[]) => unknown {
    return this.#functions[slot]!;
  }
}

/** The tag of what JavaScript throws; in engines without it one that nothing has. */
export const THROWN =
  (WebAssembly as unknown as { readonly JSTag?: WebAssembly.Tag }).JSTag ??
  new WebAssembly.Tag({ parameters: ["externref"] });

/** How side modules are compiled: see tiering in docs/RATIONALE.md. */
export type Compile = (bytes: Uint8Array) => WebAssembly.Module;

/** The modules beside one instance. */
export class SideModules {
  readonly #instance: Instance;
  readonly #shared: Shared;
  readonly #compile: Compile;
  #globals: WebAssembly.Exports | undefined;
  #payloads: WebAssembly.Exports | undefined | null = null;
  readonly #addedReferences = new Map<number, WebAssembly.Exports>();
  readonly #slots = new Map<number, Map<number, number>>();

  /** @param instance may be at its beginning yet: it is looked at when something is made */
  constructor(instance: Instance, shared: Shared, compile: Compile) {
    this.#instance = instance;
    this.#shared = shared;
    this.#compile = compile;
  }

  /** The slot of a continuation; undefined until `prepare` has made it. */
  slot(layout: number, site: number): number | undefined {
    return this.#slots.get(layout)?.get(site);
  }

  /** Makes the continuations for all of `wanted` that do not exist yet. */
  prepare(wanted: readonly { readonly layout: number; readonly site: number }[]): void {
    const missing = new Map<string, { function: number; site: number }>();
    for (const { layout, site } of wanted) {
      if (this.slot(layout, site) !== undefined) continue;
      const functionIndex = this.#instance.program.layout(layout).function;
      missing.set(`${functionIndex} ${site}`, { function: functionIndex, site });
    }
    if (missing.size === 0) return;
    const made = this.#instance.program.continuations([...missing.values()]);
    const module = this.#compile(made.bytes);
    const instance = new WebAssembly.Instance(module, this.#imports(module));
    for (const { layout, site, name } of made.continuations) {
      let slots = this.#slots.get(layout);
      if (!slots) this.#slots.set(layout, (slots = new Map()));
      if (!slots.has(site)) slots.set(site, this.#shared.continuations.add(instance.exports[name] as () => unknown));
    }
  }

  #imports(module: WebAssembly.Module): WebAssembly.Imports {
    const main: Record<string, unknown> = {};
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      if (from !== "main") continue;
      main[name] = this.#mainImport(name, kind);
    }
    const own: Record<string, unknown> = {
      [IMPORT.control]: this.#shared.control.memory,
      [IMPORT.freeze]: this.#shared.freezeTag,
      [IMPORT.thrown]: THROWN,
      continuations: this.#shared.continuations.table,
      ...optionalMemories(this.#instance),
    };
    return { main, [IMPORT_MODULE]: own } as WebAssembly.Imports;
  }

  #mainImport(name: string, kind: string): unknown {
    if (kind === "function" && /^f\d+$/.test(name)) return this.#instance.function(Number(name.slice(1)));
    if (name.startsWith(EXPORT.refs)) return this.#instance.references(Number(name.slice(EXPORT.refs.length)));
    return this.#instance.exports[name];
  }

  /** What belongs to a reference table: the program's, or one that is made when a foreign frame needs it. */
  ofReferences(prefix: string, number: number): WebAssembly.ExportValue {
    if (this.#instance.exports[`${EXPORT.refs}${number}`]) return this.#instance.exports[`${prefix}${number}`]!;
    let added = this.#addedReferences.get(number);
    if (!added) {
      const module = new WebAssembly.Module(this.#instance.program.references(number) as BufferSource);
      added = new WebAssembly.Instance(module, this.#imports(module)).exports;
      this.#addedReferences.set(number, added);
    }
    return added[`${prefix}${number}`]!;
  }

  /** What reads and makes exceptions whose payload JavaScript cannot hold; undefined if the program has none. */
  payloads(): WebAssembly.Exports | undefined {
    if (this.#payloads !== null) return this.#payloads;
    const bytes = this.#instance.program.payloads;
    const module = bytes && new WebAssembly.Module(bytes as BufferSource);
    this.#payloads = module && new WebAssembly.Instance(module, this.#imports(module)).exports;
    return this.#payloads;
  }

  /** A function of the module that reaches what JavaScript cannot (instrument/globals.ts). */
  accessor(name: string): (slot?: number) => void {
    if (!this.#globals) {
      const { bytes } = required(this.#instance.program.globals, `an accessor of globals for ${name}`);
      const module = new WebAssembly.Module(bytes as BufferSource);
      this.#globals = new WebAssembly.Instance(module, this.#imports(module)).exports;
    }
    return this.#globals[name] as (slot?: number) => void;
  }
}

/** The memories that a module with windows, marks or a mirror imports. */
export function optionalMemories({
  name,
  program: { info },
  windows,
  marks,
  mirror,
}: Pick<Instance, "name" | "program" | "windows" | "marks" | "mirror">): WebAssembly.ModuleImports {
  if (info.windows && !windows) {
    const message = `${name}: the program was rewritten with windows, expected a pool and a page table for it`;
    throw new EngineFault("link", message, { module: IMPORT_MODULE, name: IMPORT.pages });
  }
  if (info.mirror && !mirror) {
    const message = `${name}: the program was rewritten to write memory 0 twice, expected a mirror for it`;
    throw new EngineFault("link", message, { module: IMPORT_MODULE, name: IMPORT.mirror });
  }
  return {
    ...(info.windows ? { [IMPORT.pool]: windows!.pool.memory, [IMPORT.pages]: windows!.table.memory } : {}),
    ...(info.marks ? { [IMPORT.marks]: marks!.memory } : {}),
    ...(info.mirror ? { [IMPORT.mirror]: mirror!.memory } : {}),
  };
}
