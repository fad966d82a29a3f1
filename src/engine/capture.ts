// Capture and restore of a whole stopped group: memories, mutable globals, tables, dropped segments, threads.
//
// What several instances share (a memory exported by one and imported by others) is one object of the engine and is
// saved once, with its owner: the first instance of the group that holds it. Which instance that is follows from the
// links alone, so a fresh group that is linked in the same way finds the same owners.
//
// I1  A restore checks everything before it changes anything: after a fault the group is as it was.
// I2  A restore goes into a fresh group: same modules in the same order, no thread, nothing run yet.

import { ABI_VERSION, type SavedGroup, type SavedInstance, type SavedValue, type ValueTypeName } from "../abi/index.ts";
import { allZero, clearBytes, PlainWriter, plainOf } from "../util/index.ts";
import { checkGroup, checkInstance } from "./capture-check.ts";
import { EngineFault } from "./faults.ts";
import type { Group } from "./group.ts";
import type { Instance } from "./instance.ts";
import { type OwnedState, ownedBy, ownedOutside } from "./owners.ts";

const NOTHING: readonly never[] = [];

/** Elements that a table has at most in a state: far more than programs have, and few enough to be saved in a second. */
export const SAVED_ELEMENTS = 1 << 18;

/** Buffers that captured memories are copied into; kept, because copying into new memory is many times slower. */
export class Arenas {
  readonly #buffers = new Map<string, Uint8Array>();

  /**
   * Lends bytes for the content of a memory; too few of them are not used. They may be the memory itself: its content
   * then is what stands there, for as long as the group stands still.
   */
  give(instance: number, memory: number, bytes: Uint8Array): void {
    this.#buffers.set(`${instance} ${memory}`, bytes);
  }

  /** At least as long as the memory of an instance; its content is whatever was left in it. */
  take(instance: number, memory: number, sizeBytes: number): Uint8Array {
    const key = `${instance} ${memory}`;
    let buffer = this.#buffers.get(key);
    if (!buffer || buffer.length < sizeBytes) this.#buffers.set(key, (buffer = new Uint8Array(sizeBytes)));
    return buffer.subarray(0, sizeBytes);
  }
}

/**
 * The state of a group whose threads all stand still. The group stays as it is.
 *
 * @param arenas where memory contents go: they are valid until the next capture with the same arenas
 * @throws EngineFault "busy" while a thread runs, "unsaveable" for a reference that has no saved form, and
 *   a table of more than SAVED_ELEMENTS
 */
export function captureGroup(group: Group, arenas: Arenas = new Arenas()): SavedGroup {
  requireRest(group);
  const threads = group.threads.map((thread) => group.save(thread));
  const states = ownedBy(group);
  const instances = group.instances.map((instance, number) =>
    captureInstance(group, instance, states[number]!, arenas),
  );
  return { abi: ABI_VERSION, instances, threads };
}

/**
 * What a group consists of beside threads and memory 0 of its first instance: globals, tables, dropped segments, further
 * memories.
 *
 * @throws EngineFault as `captureGroup`
 */
export function captureOutside(group: Group): SavedGroup {
  return plainOf((to) => writeOutside(group, to)) as unknown as SavedGroup;
}

/** Writes what `captureOutside` gives. */
export function writeOutside(group: Group, to: PlainWriter): void {
  requireRest(group);
  const states = ownedOutside(group);
  const begin = beginOutside(to);
  for (let number = 0; number < states.length; number++) writeSaved(group, number, states[number]!, to);
  endOutside(begin, states.length, to);
}

/** Begins what `captureOutside` gives: its instances come next, by `writeInstance`. @returns what `endOutside` is given */
export function beginOutside(to: PlainWriter): number {
  to.fields();
  to.put("abi", ABI_VERSION);
  to.field("instances");
  return to.list();
}

export function endOutside(begin: number, instances: number, to: PlainWriter): void {
  to.endList(begin, instances);
  to.put("threads", NOTHING);
  to.end();
}

/** Writes one instance as `captureOutside` gives it. @throws EngineFault as `captureGroup` */
export function writeInstance(group: Group, number: number, to: PlainWriter): void {
  requireRest(group);
  writeSaved(group, number, ownedOutside(group)[number]!, to);
}

function writeSaved(group: Group, number: number, state: OwnedState, to: PlainWriter): void {
  const instance = group.instances[number]!;
  to.fields();
  writeRest(group, instance, state, to);
  writeMemories(instance, state, to);
  to.end();
}

function writeMemories({ memories }: Instance, owned: OwnedState, to: PlainWriter): void {
  to.field("memories");
  const begin = to.list();
  for (let i = 0; i < owned.memories.length; i++) {
    const index = owned.memories[i]!;
    const content = new Uint8Array(memories[index]!.buffer);
    to.fields();
    to.put("index", index);
    to.put("pages", content.length / 65536);
    to.put("content", content);
    to.end();
  }
  to.endList(begin, owned.memories.length);
}

/** Bytes of the memories that `writeOutside` writes. */
export function memoryBytesOutside(group: Group): number {
  let sum = 0;
  const states = ownedOutside(group);
  for (let number = 0; number < states.length; number++) {
    const { memories } = states[number]!;
    for (let i = 0; i < memories.length; i++) sum += group.instances[number]!.memories[memories[i]!]!.buffer.byteLength;
  }
  return sum;
}

/**
 * Lets a group that stands still, and its threads, be written once into nothing: what that makes for later times (accessors,
 * layouts of frames, an index of functions) is there when a pause has begun. What cannot be written is passed over.
 */
export function prepareWriting(group: Group): void {
  if (group.running) return;
  prepared((to) => writeOutside(group, to));
  for (const thread of group.threads) prepared((to) => group.write(thread, to));
}

function prepared(write: (to: PlainWriter) => void): void {
  try {
    write(new PlainWriter(new Uint8Array(0)));
  } catch (thrown) {
    if (!(thrown instanceof EngineFault)) throw thrown;
  }
}

function requireRest(group: Group): void {
  if (!group.running) return;
  throw new EngineFault("busy", `thread ${group.running.id} is running: a capture needs all threads frozen`);
}

/** Writes the fields of a saved instance, but for its memories. */
function writeRest({ references }: Group, instance: Instance, { globals, tables }: OwnedState, to: PlainWriter): void {
  const { info } = instance.program;
  to.put("module", info.module);
  to.put("name", instance.name);
  writeGlobals(references, instance, globals, to);
  writeTables(references, instance, tables, to);
  writeDropped("droppedData", "data", info.droppableData, instance, to);
  writeDropped("droppedElements", "element", info.droppableElements, instance, to);
}

function writeGlobals(
  references: Group["references"],
  instance: Instance,
  globals: readonly number[],
  to: PlainWriter,
): void {
  to.field("globals");
  const begin = to.list();
  for (let i = 0; i < globals.length; i++) {
    const index = globals[i]!;
    const { type } = instance.program.info.globals[index]!;
    to.fields();
    to.put("index", index);
    to.field("value");
    if (isReference(type)) references.write(instance.readReference(index), type, to);
    else instance.saveGlobal(index, to);
    to.end();
  }
  to.endList(begin, globals.length);
}

function writeTables(
  references: Group["references"],
  instance: Instance,
  tables: readonly number[],
  to: PlainWriter,
): void {
  to.field("tables");
  const begin = to.list();
  for (let i = 0; i < tables.length; i++) {
    const index = tables[i]!;
    requireSaveable(instance, index);
    to.fields();
    to.put("index", index);
    to.field("elements");
    writeElements(references, instance, index, to);
    to.end();
  }
  to.endList(begin, tables.length);
}

function writeElements(references: Group["references"], instance: Instance, table: number, to: PlainWriter): void {
  const { element } = instance.program.info.tables[table]!;
  ELEMENTS.write(references, instance, table, element, to);
}

/** Writes the elements of tables. There is one, as a pause makes none for each table. */
class ElementsWriter {
  #references: Group["references"] | undefined;
  #to: PlainWriter | undefined;
  #type: ValueTypeName = "funcref";
  #count = 0;
  readonly #visit = (value: unknown) => {
    this.#references!.write(value, this.#type, this.#to!);
    this.#count++;
  };

  write(
    references: Group["references"],
    instance: Instance,
    table: number,
    type: ValueTypeName,
    to: PlainWriter,
  ): void {
    const begin = to.list();
    this.#references = references;
    this.#to = to;
    this.#type = type;
    this.#count = 0;
    try {
      instance.eachElement(table, this.#visit);
    } finally {
      this.#references = this.#to = undefined; // else the storage that it writes into would be kept
    }
    to.endList(begin, this.#count);
  }
}
const ELEMENTS = new ElementsWriter();

/** @throws EngineFault "unsaveable" for a table with too many elements */
function requireSaveable(instance: Instance, index: number): void {
  const length = Number(instance.table(index).length);
  if (length <= SAVED_ELEMENTS) return;
  const message = `table ${index} of ${instance.name} has ${length} elements; ${SAVED_ELEMENTS} can be saved`;
  throw new EngineFault("unsaveable", message, { table: index, length });
}

function writeDropped(
  name: string,
  kind: "data" | "element",
  segments: readonly number[],
  instance: Instance,
  to: PlainWriter,
): void {
  to.field(name);
  const begin = to.list();
  let count = 0;
  for (let i = 0; i < segments.length; i++) {
    if (!instance.dropped(kind, segments[i]!)) continue;
    to.plain(segments[i]!);
    count++;
  }
  to.endList(begin, count);
}

function isReference(type: ValueTypeName): boolean {
  return type === "funcref" || type === "externref" || type === "exnref";
}

function captureInstance(group: Group, instance: Instance, state: OwnedState, arenas: Arenas): SavedInstance {
  const rest = plainOf((to) => {
    to.fields();
    writeRest(group, instance, state, to);
    to.end();
  });
  return {
    ...(rest as unknown as Omit<SavedInstance, "memories">),
    memories: state.memories.map((index) => {
      const bytes = new Uint8Array(instance.memories[index]!.buffer);
      const content = arenas.take(instance.number, index, bytes.length);
      if (content.buffer !== bytes.buffer) content.set(bytes); // else it was lent for its own content
      return { index, pages: bytes.length / 65536, content };
    }),
  };
}

/**
 * Brings a fresh group into a saved state; its threads are then `group.threads`, frozen or ready.
 *
 * @throws EngineFault "busy" if the group has threads, "mismatch" if the state does not fit the group's programs;
 *   the group is unchanged then; "no-memory" if this host has none left for it, the group is of no use then
 */
export function restoreGroup(group: Group, saved: SavedGroup): void {
  requireFresh(group);
  checkGroup(group, saved);
  restoreAll(group, saved);
}

/**
 * As `restoreGroup`, of a state whose memory contents are empty: memories get their sizes and are all zero. Whoever has
 * their contents puts them in before a thread runs.
 */
export function restoreUnfilled(group: Group, saved: SavedGroup): void {
  requireFresh(group);
  checkGroup(group, saved, "unfilled");
  for (const [number, { memories }] of saved.instances.entries()) {
    for (const { index } of memories) clearTouched(new Uint8Array(group.instances[number]!.memories[index]!.buffer));
  }
  restoreAll(group, saved);
}

function requireFresh(group: Group): void {
  if (group.threads.length === 0) return;
  throw new EngineFault("busy", "a restore needs a fresh group, found one that has threads");
}

function restoreAll(group: Group, saved: SavedGroup): void {
  for (const [number, state] of saved.instances.entries()) restoreInstance(group, group.instances[number]!, state);
  for (const thread of saved.threads) group.restore(thread);
}

/** Clears what an instantiation has written. Only looking at fresh memory costs little, writing zeros would cost pages. */
function clearTouched(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 65536) {
    const page = bytes.subarray(at, at + 65536);
    if (!allZero(page)) clearBytes(page);
  }
}

/**
 * Brings the instances of a group without threads into a state of `captureOutside`; memory 0 stays as it is.
 *
 * @throws EngineFault as `restoreGroup`; the group is unchanged then
 */
export function restoreOutside(group: Group, saved: SavedGroup): void {
  requireFresh(group);
  checkGroup(group, saved, "outside");
  for (const [number, state] of saved.instances.entries()) restoreInstance(group, group.instances[number]!, state);
}

/**
 * Brings one instance, in which no thread is, into a state of `writeInstance`.
 *
 * @throws EngineFault "mismatch", and nothing has changed
 */
export function restoreAlone(group: Group, number: number, saved: SavedInstance): void {
  const instance = group.instances[number]!;
  checkInstance(group, instance, saved, ownedOutside(group)[number]!);
  restoreInstance(group, instance, saved);
}

function restoreInstance(group: Group, instance: Instance, state: SavedInstance): void {
  for (const { index, pages, content } of state.memories) {
    instance.growMemory(index, pages);
    new Uint8Array(instance.memories[index]!.buffer).set(content);
  }
  for (const { index, value } of state.globals) {
    if (isNumber(value)) instance.writeGlobal(index, value);
    else instance.writeReference(index, group.references.load(value));
  }
  for (const { index, elements } of state.tables) {
    instance.setTable(
      index,
      elements.map((element) => group.references.load(element)),
    );
  }
  for (const segment of state.droppedData) instance.drop("data", segment);
  for (const segment of state.droppedElements) instance.drop("element", segment);
}

function isNumber(value: SavedValue): boolean {
  return value.type !== "null" && value.type !== "func" && value.type !== "exn";
}
