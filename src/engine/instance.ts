// One instance of a rewritten module: its objects at hand, to be read and written. What is made beside it later, its
// continuations for one, is in side-modules.ts.

import {
  CONTROL,
  EXPORT,
  HOOK,
  IMPORT,
  IMPORT_MODULE,
  type SavedInstance,
  type SavedValue,
  type Signature,
} from "../abi/index.ts";
import { type NumberType, type PlainWriter, plainOf, required } from "../util/index.ts";
import type { Control } from "./control.ts";
import { EngineFault } from "./faults.ts";
import { Marks, notesOf, type WriteNotes } from "./marks.ts";
import type { MirrorSide } from "./mirror/index.ts";
import type { Rewritten } from "./rewritten.ts";
import { type Compile, optionalMemories, type Shared, SideModules, THROWN } from "./side-modules.ts";
import { saveNumber, writeNumber } from "./values.ts";
import type { Windows } from "./windows/index.ts";
import { wasmFunction } from "./wrap.ts";

const DROPPED = { data: EXPORT.droppedData, element: EXPORT.droppedElement } as const;
const DROP = { data: EXPORT.dropData, element: EXPORT.dropElement } as const;

/** What a rewritten program may want for its memory 0. */
export interface OptionalMemories {
  readonly windows?: Windows | undefined;
  readonly marks?: Marks | undefined;
  readonly mirror?: MirrorSide | undefined;
}

export class Instance {
  readonly name: string;
  readonly number: number;
  readonly program: Rewritten;
  readonly exports: WebAssembly.Exports;
  readonly memories: readonly WebAssembly.Memory[];
  /** Of a program with windows. */
  readonly windows: Windows | undefined;
  /** Of a program that was rewritten with marks. */
  readonly marks: Marks | undefined;
  /** Of a program that writes memory 0 twice. */
  readonly mirror: MirrorSide | undefined;
  /** What is made beside it: continuations, accessors. */
  readonly side: SideModules;
  readonly #control: Control;
  readonly #tables: WebAssembly.Table[] = [];
  readonly #globals: WebAssembly.Global[] = [];
  #bytes = new Uint8Array(0);

  /** @param imports values of the original's imports, by module and name */
  constructor(
    name: string,
    number: number,
    program: Rewritten,
    imports: WebAssembly.Imports,
    shared: Shared,
    hooks: (instance: Instance) => readonly (readonly [slot: number, hook: WebAssembly.ExportValue])[],
    compile: Compile,
    { windows, marks, mirror }: OptionalMemories,
  ) {
    this.name = name;
    this.number = number;
    this.program = program;
    this.windows = windows;
    if (program.info.marks) this.marks = marks ?? new Marks();
    this.mirror = mirror;
    this.#control = shared.control;
    this.side = new SideModules(this, shared, compile);
    const own: WebAssembly.ModuleImports = { [IMPORT.control]: shared.control.memory };
    Object.assign(own, { [IMPORT.freeze]: shared.freezeTag, [IMPORT.thrown]: THROWN });
    program.info.memories.forEach((memory, index) => {
      if (memory.defined) own[`${IMPORT.memory}${index}`] = makeMemory(memory);
    });
    Object.assign(own, optionalMemories(this));
    const instance = new WebAssembly.Instance(program.module, { ...imports, [IMPORT_MODULE]: own });
    this.exports = instance.exports;
    this.memories = program.info.memories.map((_, index) => this.#own(EXPORT.memory, index) as WebAssembly.Memory);
    (this.exports[EXPORT.instance] as WebAssembly.Global).value = number;
    const table = this.exports[EXPORT.hooks] as WebAssembly.Table;
    for (const [slot, hook] of hooks(this)) table.set(slot, hook);
    if (program.info.windows) windows!.attach(this.exports, this.memories[0]!);
    // Where, no instruction says, and the memory may be that of others (threads with instances of their own).
    if (program.info.writesData) this.marks!.wrote(0, this.memories[0]!.buffer.byteLength);
  }

  /** Whoever is told of what the host writes to memory 0. */
  get notes(): WriteNotes | undefined {
    return notesOf(this.marks, this.mirror);
  }

  /** A function of the original, as JavaScript calls it. */
  function(index: number): (...args: unknown[]) => unknown {
    return (this.exports[EXPORT.functions] as WebAssembly.Table).get(index);
  }

  table(index: number): WebAssembly.Table {
    return (this.#tables[index] ??= this.#own(EXPORT.table, index) as WebAssembly.Table);
  }

  global(index: number): WebAssembly.Global {
    return (this.#globals[index] ??= this.#own(EXPORT.global, index) as WebAssembly.Global);
  }

  tag(index: number): WebAssembly.Tag {
    return this.#own(EXPORT.tag, index) as WebAssembly.Tag;
  }

  /** The table that holds references of frozen frames. */
  references(number: number): WebAssembly.Table {
    return this.side.ofReferences(EXPORT.refs, number) as WebAssembly.Table;
  }

  /** The bytes of memory 0; valid until it grows. */
  bytes(): Uint8Array {
    const buffer = this.memories[0]?.buffer;
    if (!buffer) throw new EngineFault("link", `${this.name}: a host function needs a memory, the module has none`);
    if (this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer);
    return this.#bytes;
  }

  /** Whether a reference table is one of exception references. */
  holdsExceptions(number: number): boolean {
    return this.side.ofReferences(EXPORT.throw, number) !== undefined;
  }

  /** The exception in a slot of a table of exception references. */
  exceptionAt(table: number, slot: number): unknown {
    return thrownBy(() => (this.side.ofReferences(EXPORT.throw, table) as (slot: number) => void)(slot));
  }

  /** Puts an exception, or null, into a slot of a table of exception references, which grows as needed. */
  putException(table: number, slot: number, exception: unknown): void {
    this.raise(exception);
    (this.side.ofReferences(EXPORT.catch, table) as (slot: number) => void)(slot);
  }

  /** Lets the hook for that throw the exceptions one after the other; it returns where one is null. */
  raise(...exceptions: readonly unknown[]): void {
    const hooks = this.exports[EXPORT.hooks] as WebAssembly.Table;
    let next = 0;
    const raise = () => {
      const exception = exceptions[next++];
      if (exception !== null) throw exception;
    };
    hooks.set(HOOK.raise, wasmFunction({ params: [], results: [] }, raise));
  }

  /** The value of a global of a number type, all its bits. */
  readGlobal(index: number): SavedValue {
    return plainOf((to) => this.saveGlobal(index, to)) as unknown as SavedValue;
  }

  /** Writes what `readGlobal` gives. */
  saveGlobal(index: number, to: PlainWriter): void {
    const { type } = this.program.info.globals[index]!;
    if (type === "i32" || type === "i64") return saveNumber(this.global(index).value, type, to);
    this.side.accessor(`read${index}`)();
    to.value(type as NumberType, this.#control.view, CONTROL.scratch);
  }

  /** Sets a global of a number type; `value` fits. */
  writeGlobal(index: number, value: SavedValue): void {
    if (value.type === "i32" || value.type === "i64") {
      this.global(index).value = value.value;
      return;
    }
    writeNumber(this.#control.view, CONTROL.scratch, value);
    this.side.accessor(`write${index}`)();
  }

  /** The reference in a global. */
  readReference(index: number): unknown {
    if (this.program.info.globals[index]!.type !== "exnref") return this.global(index).value;
    return thrownBy(() => this.side.accessor(`throw-global${index}`)());
  }

  /** Sets a global to a reference. */
  writeReference(index: number, reference: unknown): void {
    if (this.program.info.globals[index]!.type !== "exnref") {
      this.global(index).value = reference;
      return;
    }
    this.raise(reference);
    this.side.accessor(`catch-global${index}`)();
  }

  /** Whether a reference can stand in a global, in a table, or in the table of references of frozen frames. */
  accepts(where: "global" | "table" | "references", index: number, reference: unknown): boolean {
    if (where === "global") return accepted(this.global(index), "value", reference);
    const table = where === "table" ? this.table(index) : this.references(index);
    const first = (typeof table.length === "bigint" ? 0n : 0) as number;
    if (Number(table.length) === 0) {
      if (where === "table") return true; // it will grow by this very element
      table.grow(1);
    }
    const slot = { get: () => table.get(first), set: (value: unknown) => table.set(first, value) };
    return accepted(Object.defineProperty({}, "value", slot), "value", reference);
  }

  /** All elements of a table, in their order. */
  eachElement(index: number, visit: (element: unknown) => void): void {
    const table = this.table(index);
    const length = Number(table.length);
    if (this.program.info.tables[index]!.element === "exnref") {
      const throwing = this.side.accessor(`throw-table${index}`);
      for (let slot = 0; slot < length; slot++) visit(thrownBy(() => throwing(slot)));
      return;
    }
    const wide = typeof table.length === "bigint";
    for (let place = 0; place < length; place++) visit(table.get((wide ? BigInt(place) : place) as number));
  }

  /** Sets all elements of a table, which grows to their number. */
  setTable(index: number, elements: readonly unknown[]): void {
    const table = this.table(index);
    this.#growTable(index, elements.length, elements.at(-1));
    if (this.program.info.tables[index]!.element === "exnref") return this.#setExceptions(index, elements);
    const wide = typeof table.length === "bigint";
    const address = (place: number) => (wide ? BigInt(place) : place) as number;
    elements.forEach((element, place) => {
      table.set(address(place), element);
    });
  }

  #setExceptions(index: number, elements: readonly unknown[]): void {
    for (const [slot, element] of elements.entries()) {
      this.raise(element);
      this.side.accessor(`catch-table${index}`)(slot);
    }
  }

  /** Writes the active segments, as far as instantiation has left that to the host; throws as instantiation would. */
  initialise(): void {
    (this.exports[EXPORT.initialise] as (() => void) | undefined)?.();
  }

  /** Whether a table that the instance imports holds one of its functions. */
  reachable(): boolean {
    const { functions, importedFunctions, tables } = this.program.info;
    const own = new Set<unknown>();
    for (let index = importedFunctions; index < functions; index++) own.add(this.function(index));
    return tables.some(({ imported, element }, index) => {
      let found = false;
      if (imported && element === "funcref") this.eachElement(index, (value) => (found ||= own.has(value)));
      return found;
    });
  }

  /** Grows memories and tables to their sizes in a saved state; what cannot be is left to the check of a restore. */
  growTo({ memories, tables }: SavedInstance): void {
    const { info } = this.program;
    for (const { index, pages, content } of memories) {
      const { max = Infinity } = info.memories[index] ?? { max: 0 };
      if (pages <= max && content.length === pages * 65536) this.growMemory(index, pages);
    }
    for (const { index, elements } of tables) {
      const { max = Infinity } = info.tables[index] ?? { max: 0 };
      if (elements.length <= max) this.#growTable(index, elements.length);
    }
  }

  /** @param element for a table without any, if there is one */
  #growTable(index: number, length: number, element?: unknown): void {
    const table = this.table(index);
    const missing = length - Number(table.length);
    if (missing <= 0) return;
    if (this.program.info.tables[index]!.element === "exnref") {
      this.side.accessor(`grow-table${index}`)(missing);
      return;
    }
    const wide = typeof table.length === "bigint";
    const address = (place: number) => (wide ? BigInt(place) : place) as number;
    // Elements that may not be null are like the first one until the restore sets them; without a first one they wait.
    const filler = Number(table.length) > 0 ? table.get(address(0)) : (element ?? null);
    try {
      table.grow(address(missing), filler);
    } catch (thrown) {
      if (element !== undefined || !(thrown instanceof TypeError)) throw thrown;
    }
  }

  /** Grows a memory to `pages` pages of 64 KiB. */
  growMemory(index: number, pages: number): void {
    const memory = this.memories[index]!;
    const missing = pages - memory.buffer.byteLength / 65536;
    const delta = this.program.info.memories[index]!.index64 ? BigInt(missing) : missing;
    if (missing <= 0) return;
    try {
      memory.grow(delta as number);
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
      const message = `${this.name}: memory ${index} needs ${pages} pages of 64 KiB, this host does not give them`;
      throw new EngineFault("no-memory", message, { index, pages });
    }
  }

  /** Whether the program has dropped a segment. */
  dropped(kind: "data" | "element", segment: number): boolean {
    return (this.exports[`${DROPPED[kind]}${segment}`] as WebAssembly.Global).value === 1;
  }

  /** Drops a segment, as the program's own instruction does. */
  drop(kind: "data" | "element", segment: number): void {
    if (!this.dropped(kind, segment)) (this.exports[`${DROP[kind]}${segment}`] as () => void)();
  }

  /** The type of an imported function. */
  importType(module: string, name: string): Signature {
    const { imports } = this.program.info;
    for (let i = 0; i < imports.length; i++) {
      const { module: from, name: field, signature } = imports[i]!;
      if (signature && from === module && field === name) return signature;
    }
    return required<Signature>(undefined, `the type of import ${module}.${name}`);
  }

  #own(prefix: string, index: number): WebAssembly.ExportValue {
    return this.exports[`${prefix}${index}`]!;
  }
}

/** Whether a property takes a value; it keeps its own. */
function accepted<Key extends string>(holder: { [key in Key]?: unknown }, key: Key, value: unknown): boolean {
  const before = holder[key];
  try {
    holder[key] = value;
    holder[key] = before;
    return true;
  } catch (thrown) {
    if (thrown instanceof TypeError) return false;
    throw thrown;
  }
}

/** What a function throws to hand out an exception reference: null for a null reference, which traps. */
export function thrownBy(throwing: () => void): unknown {
  try {
    throwing();
  } catch (thrown) {
    return thrown instanceof WebAssembly.RuntimeError ? null : thrown;
  }
  return null;
}

function makeMemory(memory: { min: number; max?: number; shared: boolean; index64: boolean }): WebAssembly.Memory {
  const descriptor: Record<string, unknown> = { initial: memory.min };
  if (memory.max !== undefined) descriptor["maximum"] = memory.max;
  if (memory.shared) descriptor["shared"] = true;
  if (memory.index64) {
    descriptor["address"] = "i64";
    descriptor["initial"] = BigInt(memory.min);
    if (memory.max !== undefined) descriptor["maximum"] = BigInt(memory.max);
  }
  return new WebAssembly.Memory(descriptor as unknown as WebAssembly.MemoryDescriptor);
}
