// Does a saved state fit a group? Everything is checked here, before a restore changes anything: saved state may come
// from a foreign or damaged image.

import {
  ABI_VERSION,
  type SavedGroup,
  type SavedInstance,
  type SavedThread,
  type SavedValue,
  type ValueTypeName,
} from "../abi/index.ts";
import { EngineFault } from "./faults.ts";
import type { Group } from "./group.ts";
import type { Instance } from "./instance.ts";
import { type OwnedState, ownedBy, ownedOutside } from "./owners.ts";
import { fits } from "./values.ts";

const PAGE_BYTES = 65536;

/**
 * @param what "outside": a state without the first memory 0; "unfilled": one whose memories have sizes and no contents
 * @throws EngineFault "mismatch" with what was expected and what was found
 */
export function checkGroup(group: Group, saved: SavedGroup, what: "whole" | "outside" | "unfilled" = "whole"): void {
  expect(saved.abi === ABI_VERSION, `expected state of layout version ${ABI_VERSION}, found ${saved.abi}`);
  const { instances } = group;
  expect(
    saved.instances.length === instances.length,
    `expected the state of ${instances.length} instances, found ${saved.instances.length}`,
  );
  const states = what === "outside" ? ownedOutside(group) : ownedBy(group);
  for (const [number, state] of saved.instances.entries()) {
    checkInstance(group, instances[number]!, state, states[number]!);
    for (const memory of state.memories) checkContent(instances[number]!, memory, what === "unfilled");
  }
  const ids = new Set<number>();
  for (const thread of saved.threads) {
    expect(!ids.has(thread.id), `expected one thread ${thread.id}, found several`);
    ids.add(thread.id);
    checkThread(group, thread);
  }
}

/** @param mine what of it the state has @throws EngineFault "mismatch" */
export function checkInstance(group: Group, instance: Instance, state: SavedInstance, mine: OwnedState): void {
  const { name, program } = instance;
  const { info } = program;
  expect(
    state.module === info.module,
    `${name}: expected the state of module ${short(info.module)}, found ${short(state.module)}`,
  );
  sameIndices(state.memories, mine.memories, `${name}: memories`);
  sameIndices(state.globals, mine.globals, `${name}: mutable globals`);
  sameIndices(state.tables, mine.tables, `${name}: tables`);
  for (const memory of state.memories) checkMemory(instance, memory);
  for (const { index, value } of state.globals) {
    const what = `${name}: global ${index}`;
    checkValue(group, value, info.globals[index]!.type, what);
    checkType(group, value, what, (reference) => instance.accepts("global", index, reference));
  }
  for (const { index, elements } of state.tables) checkTable(group, instance, index, elements);
  checkDropped(instance, "data", state.droppedData, info.droppableData);
  checkDropped(instance, "element", state.droppedElements, info.droppableElements);
}

function checkMemory(instance: Instance, memory: SavedInstance["memories"][number]): void {
  const { index, pages } = memory;
  const what = `${instance.name}: memory ${index}`;
  const { max = Infinity } = instance.program.info.memories[index]!;
  const present = instance.memories[index]!.buffer.byteLength / PAGE_BYTES;
  expect(
    Number.isSafeInteger(pages) && pages >= present && pages <= max,
    `${what}: expected ${present} to ${max} pages, found ${pages}`,
  );
}

function checkContent(instance: Instance, memory: SavedInstance["memories"][number], unfilled: boolean): void {
  const { index, pages, content } = memory;
  const expected = unfilled ? 0 : pages * PAGE_BYTES;
  expect(
    content.length === expected,
    `${instance.name}: memory ${index}: expected ${expected} bytes for ${pages} pages, found ${content.length}`,
  );
}

function checkTable(group: Group, instance: Instance, index: number, elements: readonly SavedValue[]): void {
  const what = `${instance.name}: table ${index}`;
  const { element, max = Infinity } = instance.program.info.tables[index]!;
  const present = Number(instance.table(index).length);
  const { length } = elements;
  expect(length >= present && length <= max, `${what}: expected ${present} to ${max} elements, found ${length}`);
  elements.forEach((value, place) => {
    checkValue(group, value, element, `${what}, element ${place}`);
    checkType(group, value, `${what}, element ${place}`, (reference) => instance.accepts("table", index, reference));
  });
}

function checkDropped(
  instance: Instance,
  kind: "data" | "element",
  found: readonly number[],
  droppable: readonly number[],
): void {
  for (const segment of found) {
    expect(
      droppable.includes(segment),
      `${instance.name}: ${kind} segment ${segment} is dropped, but no instruction drops it`,
    );
  }
  for (const segment of droppable) {
    const gone = instance.dropped(kind, segment) && !found.includes(segment);
    expect(!gone, `${instance.name}: expected a fresh instance, found ${kind} segment ${segment} dropped`);
  }
}

/** @throws EngineFault "mismatch" if the group cannot take up the thread */
export function checkThread(group: Group, thread: SavedThread): void {
  const { entry } = thread;
  const what = `thread ${thread.id}`;
  const program = group.instances[entry.instance]?.program;
  const known =
    program && Number.isInteger(entry.function) && entry.function >= 0 && entry.function < program.info.functions;
  if (!known)
    throw mismatch(
      `${what}: it began in function ${entry.function} of instance ${entry.instance}, which does not exist`,
    );
  group.stacks.records.check(thread.frames, thread.hostCall !== undefined);
  for (const frame of thread.frames) for (const value of frame.values) checkReference(group, value, what);
  if (thread.hostCall) {
    const { module, name, args } = thread.hostCall;
    const type = group.hostCalls.typeOf(thread.hostCall);
    if (!type) throw mismatch(`${what}: it waits in ${module}.${name}, which is not imported`);
    checkValues(group, args, type.params, `${what}, call of ${module}.${name}`);
    const begun = thread.frames.length > 0 || entry.function < program.info.importedFunctions;
    expect(begun, `${what}: expected frames, it waits in ${module}.${name} but did not begin there`);
  }
  if (thread.frames.length > 0 || thread.hostCall) return;
  checkValues(group, thread.args, program.signature(entry.function).params, what);
}

function checkValues(group: Group, values: readonly SavedValue[], types: readonly ValueTypeName[], what: string): void {
  expect(values.length === types.length, `${what}: expected ${types.length} arguments, found ${values.length}`);
  types.forEach((type, i) => {
    checkValue(group, values[i]!, type, `${what}, argument ${i}`);
  });
}

function checkValue(group: Group, value: SavedValue, type: ValueTypeName, what: string): void {
  expect(fits(value, type), `${what}: expected a value of type ${type}, found ${value.type}`);
  checkReference(group, value, what);
}

/** A function is saved without its type: whether it has the one that is needed shows when it is put in place. */
function checkType(group: Group, value: SavedValue, what: string, accepts: (reference: unknown) => boolean): void {
  if (value.type !== "func") return;
  const found = `function ${value.index} of instance ${value.instance}`;
  expect(accepts(group.references.load(value)), `${what}: ${found} does not have the type that stands there`);
}

function checkReference(group: Group, value: SavedValue, what: string): void {
  const problem = group.references.problem(value);
  expect(problem === undefined, `${what}: ${problem}`);
  if (value.type === "exn") group.references.load(value); // shows whether the functions in it have their types
}

function sameIndices(found: readonly { readonly index: number }[], expected: readonly number[], what: string): void {
  const indices = found.map(({ index }) => index).sort((x, y) => x - y);
  expect(indices.join() === expected.join(), `${what}: expected ${list(expected)}, found ${list(indices)}`);
}

function list(indices: readonly number[]): string {
  return indices.join(", ") || "none";
}

function short(hash: string): string {
  return hash.slice(0, 8) || "without a hash";
}

function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw mismatch(otherwise);
}

function mismatch(message: string): EngineFault {
  return new EngineFault("mismatch", message);
}
