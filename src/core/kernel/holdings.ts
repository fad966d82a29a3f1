// What a component's program holds beside memory 0: tables, further memories, instances for threads of `thread-spawn`,
// frames of its threads that stand still while others run, descriptors of WASI.
// Its PD pays for that by the page, as for dataspaces; what is said is always the sum, so that a growth which has failed
// in the end is corrected by the next one. Instances that further CPUs have beside those that are used there (parts.ts) are not
// charged, nor are marks of what is written (who wants them pays: MARKS_BYTES): how many CPUs there are, and whether somebody takes
// increments, is nothing that a program sees.
import type { ProgramInfo, SavedGroup } from "../../abi/index.ts";
import { ELEMENT_BYTES } from "../../engine/index.ts";
import type { OutOf } from "../../session/index.ts";
import type { Component } from "./component.ts";
import { HeldFrames } from "./held-frames.ts";

const WASM_PAGE_BYTES = 65_536;
/** An instance beside the first: its objects, and a table of the program's functions with what calls of each need. */
const INSTANCE_BYTES = 16_384;
const FUNCTION_BYTES = 64;
/** More than any engine has. */
const MOST_ELEMENTS = 2 ** 32;
const MOST_PAGES = 2 ** 32;

/** Whoever pays. */
export interface HoldingsAccount {
  /** Charges for so much instead of what was charged before. @returns why not: everything is as it was then */
  hold(bytes: number): OutOf | undefined;
}

export class Holdings {
  readonly #component: Component;
  #tables = 0;
  /** Bytes of tables in parts (`partNumber`), above those that all have at least. */
  readonly #inParts = new Map<number, number>();
  readonly frames = new HeldFrames(() => this.#hold(this.#sum()));
  #descriptors = 0;
  /** What `#present` comes to of a state that is being restored: it counts before it is there. */
  #coming: number | undefined;

  constructor(component: Component) {
    this.#component = component;
  }

  /** The program is about to be loaded: nothing of it is there. */
  begin(info: ProgramInfo): boolean {
    this.#tables = tablesOf(info);
    return this.#hold(this.#tables + memoriesOf(info, true));
  }

  /** Bytes of all tables of an engine, as they were said to be. @param part 0: the component's own */
  tablesOf(part: number): number {
    return part === 0 ? this.#tables : (this.#inParts.get(part) ?? 0) + this.#leastIn(part);
  }

  #leastIn(part: number): number {
    const { program, parts } = this.#component;
    return tablesOf(program.info) * parts.instancesOn(part);
  }

  /** There are no parts any more. */
  endParts(): void {
    this.#inParts.clear();
  }

  /** Nothing of it is there any more. */
  end(): void {
    this.frames.clear();
    this.#inParts.clear();
    this.#descriptors = 0;
    this.#hold(0);
  }

  /** Another instance is about to be made. */
  addInstance(): boolean {
    const { info } = this.#component.program;
    const tables = tablesOf(info);
    if (!this.#hold(this.#sum() + tables + memoriesOf(info, false) + instanceBytes(info))) return false;
    this.#tables += tables;
    return true;
  }

  /** It was not made after all. */
  withoutInstance(): void {
    this.#tables -= tablesOf(this.#component.program.info);
    this.#hold(this.#sum());
  }

  /** The tables of all instances of an engine are about to have so many bytes. */
  growTables(bytes: number, part = 0): boolean {
    if (!this.#hold(this.#sum() - this.tablesOf(part) + bytes)) return false;
    if (part === 0) this.#tables = bytes;
    else this.#inParts.set(part, bytes - this.#leastIn(part));
    return true;
  }

  /** A memory beside memory 0 is about to grow. */
  growMemory(pages: number): OutOf | undefined {
    return this.#account?.hold(this.#sum() + pages * WASM_PAGE_BYTES);
  }

  /** Descriptors of its WASI functions take so many bytes in all. Less than before is never refused. */
  holdDescriptors(bytes: number): boolean {
    const before = this.#descriptors;
    this.#descriptors = bytes;
    if (this.#hold(this.#sum()) || bytes <= before) return true;
    this.#descriptors = before;
    return false;
  }

  /**
   * The engine takes up a saved state in `body`, which is charged before. If that fails, what is there then is charged.
   *
   * @returns false: it was not called, because the PD cannot pay
   * @throws TypeError for a state that is none; what `body` throws
   */
  restore(group: SavedGroup, body: () => void): boolean {
    const { engine, program } = this.#component;
    const before = this.#tables;
    const { tables, others } = savedBytes(group, program.info);
    this.#tables = tables;
    this.#coming = others;
    if (!this.#hold(this.#sum())) {
      this.#tables = before;
      this.#coming = undefined;
      return false;
    }
    try {
      body();
    } finally {
      this.#coming = undefined;
      this.#tables = engine.tableBytes();
      this.#hold(this.#sum());
    }
    return true;
  }

  get #account(): HoldingsAccount | undefined {
    return this.#component.home;
  }

  #hold(bytes: number): boolean {
    return this.#account?.hold(bytes) === undefined;
  }

  /** As things are, and tables as they were said to be. */
  #sum(): number {
    return this.#tables + this.frames.sum + this.#descriptors + (this.#coming ?? this.#present());
  }

  /** Instances beside the first, memories, and tables in parts. */
  #present(): number {
    const { engine, program } = this.#component;
    let sum = (engine.instances - 1) * instanceBytes(program.info);
    for (const bytes of this.#inParts.values()) sum += bytes;
    if (program.info.memories.length <= 1) return sum;
    for (let number = 0; number < engine.instances; number++) {
      engine.memories(number)!.forEach(({ buffer }, index) => {
        if (counts(program.info, index, number === 0)) sum += buffer.byteLength;
      });
    }
    return sum;
  }
}

/** What a saved state comes to, which may say anything. @throws TypeError */
function savedBytes(
  { instances }: SavedGroup,
  info: ProgramInfo,
): { readonly tables: number; readonly others: number } {
  let tables = 0;
  let others = (instances.length - 1) * instanceBytes(info);
  for (const saved of instances) {
    const elements = new Map(saved.tables.map((table) => [table.index, count(table.elements.length, MOST_ELEMENTS)]));
    info.tables.forEach(({ min }, index) => {
      tables += Math.max(min, elements.get(index) ?? 0) * ELEMENT_BYTES;
    });
    for (const { index, pages } of saved.memories) {
      if (count(index, info.memories.length) > 0) others += count(pages, MOST_PAGES) * WASM_PAGE_BYTES;
    }
  }
  return { tables, others };
}

function count(value: unknown, most: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most) return value as number;
  throw new TypeError(`expected a number up to ${most}, found ${value}`);
}

/** A memory that is imported is that of the first instance everywhere; memory 0 is its PD's. */
function counts({ memories }: ProgramInfo, index: number, first: boolean): boolean {
  return index > 0 && (first || memories[index]!.defined);
}

function instanceBytes({ functions }: ProgramInfo): number {
  return INSTANCE_BYTES + functions * FUNCTION_BYTES;
}

function tablesOf({ tables }: ProgramInfo): number {
  return tables.reduce((sum, { min }) => sum + min, 0) * ELEMENT_BYTES;
}

function memoriesOf(info: ProgramInfo, first: boolean): number {
  const pages = info.memories.map(({ min }, index) => (counts(info, index, first) ? min : 0));
  return pages.reduce((sum, min) => sum + min, 0) * WASM_PAGE_BYTES;
}
