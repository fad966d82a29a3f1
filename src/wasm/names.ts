// Names for people, from the name section: decoded when first asked for, and as far as it is intact.
//
// A custom section can never make a module invalid. Damage ends the subsection in which it is found, what stood in
// front of it counts; text that is not UTF-8 shows replacement characters; the first of several entries wins.

import { ByteReader, BytesFault } from "../util/index.ts";
import { importsOf } from "./index-space.ts";
import type { CustomSection, Module } from "./types.ts";

const MODULE = 0;
const FUNCTIONS = 1;
const LOCALS = 2;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Names by index, of functions or of the locals of one function. */
export type NameMap = ReadonlyMap<number, string>;

/** A name section, decoded piece by piece. */
export class NameSection {
  readonly #subsections: ReadonlyMap<number, Uint8Array>;
  #functions: NameMap | undefined;
  #locals: ReadonlyMap<number, NameMap> | undefined;

  /** @param bytes the content of the custom section behind its name */
  constructor(bytes: Uint8Array) {
    this.#subsections = readSubsections(bytes);
  }

  /** The module's own name. */
  get module(): string | undefined {
    return read(this.#subsections.get(MODULE), readText);
  }

  /** Function names by function index. */
  get functions(): NameMap {
    this.#functions ??= readNameMap(this.#subsections.get(FUNCTIONS));
    return this.#functions;
  }

  /** Names of locals, parameters included, by function index and local index. */
  get locals(): ReadonlyMap<number, NameMap> {
    this.#locals ??= readLocalNames(this.#subsections.get(LOCALS));
    return this.#locals;
  }
}

const sections = new WeakMap<CustomSection, NameSection>();
const NONE = new NameSection(new Uint8Array(0));

/** The module's name section; an empty one if it has none. Kept with the custom section, so asking again is free. */
export function nameSection(module: Module): NameSection {
  const custom = module.customs.find(({ name }) => name === "name");
  if (custom === undefined) return NONE;
  let section = sections.get(custom);
  if (section === undefined) sections.set(custom, (section = new NameSection(custom.bytes)));
  return section;
}

/**
 * What people call a function: its name from the name section, else `module.name` of its import, else the name of
 * its first export, else `function 12`. Never fails; index spaces are those of the module given.
 */
export function functionName(module: Module, functionIndex: number): string {
  const named = nameSection(module).functions.get(functionIndex);
  if (named) return named;
  const imported = importsOf(module, "func")[functionIndex];
  if (imported !== undefined) return `${imported.module}.${imported.name}`;
  const exported = module.exports.find(({ kind, index }) => kind === "func" && index === functionIndex);
  return exported === undefined ? `function ${functionIndex}` : exported.name;
}

function readSubsections(bytes: Uint8Array): Map<number, Uint8Array> {
  const subsections = new Map<number, Uint8Array>();
  readEach(new ByteReader(bytes), Number.POSITIVE_INFINITY, (reader) => {
    const id = reader.u8();
    const size = reader.u32();
    // One that is cut short still gives what is left of it.
    const content = reader.take(Math.min(size, reader.remaining));
    if (!subsections.has(id)) subsections.set(id, content);
  });
  return subsections;
}

function readNameMap(bytes: Uint8Array | undefined): Map<number, string> {
  return read(bytes, readEntries) ?? new Map();
}

function readLocalNames(bytes: Uint8Array | undefined): Map<number, NameMap> {
  const functions = new Map<number, NameMap>();
  read(bytes, (reader) => {
    readEach(reader, reader.u32(), () => {
      const index = reader.u32();
      const names = readEntries(reader);
      if (!functions.has(index)) functions.set(index, names);
    });
  });
  return functions;
}

function readEntries(reader: ByteReader): Map<number, string> {
  const names = new Map<number, string>();
  readEach(reader, reader.u32(), () => {
    const index = reader.u32();
    const name = readText(reader);
    if (!names.has(index)) names.set(index, name);
  });
  return names;
}

function readText(reader: ByteReader): string {
  return decoder.decode(reader.take(reader.u32()));
}

/** Calls `readItem` up to `count` times, as long as there are bytes and they make sense. */
function readEach(reader: ByteReader, count: number, readItem: (reader: ByteReader) => void): void {
  for (let i = 0; i < count && !reader.done; i++) {
    if (read(reader, () => [readItem(reader)]) === undefined) return;
  }
}

/** What `readItem` returns, or undefined where the bytes are missing or damaged. */
function read<T>(from: ByteReader | Uint8Array | undefined, readItem: (reader: ByteReader) => T): T | undefined {
  if (from === undefined) return undefined;
  try {
    return readItem(from instanceof ByteReader ? from : new ByteReader(from));
  } catch (thrown) {
    if (thrown instanceof BytesFault) return undefined;
    throw thrown;
  }
}
