// Threads <-> JSON: entry, arguments, frames, the host call that was blocked.
import type { SavedFrame, SavedHostCall, SavedThread } from "../abi/index.ts";
import { CheckpointFault, damagedField, pathTo } from "./faults.ts";
import { Fields, requireInteger } from "./fields.ts";
import type { Json } from "./json.ts";
import { INDEX, THREADS, VALUES } from "./limits.ts";
import { fromJson, type ReadBytes, toJson, type WriteBytes } from "./plain.ts";
import { readValues, valuesToJson } from "./values.ts";

/** Threads as JSON. Throws CheckpointFault "unsavable" with the path of a value out of range. */
export function threadsToJson(threads: readonly SavedThread[], path: string, writeBytes: WriteBytes): Json {
  return threads.map((thread, i) => threadToJson(thread, pathTo(path, i), writeBytes));
}

function threadToJson(thread: SavedThread, path: string, writeBytes: WriteBytes): Json {
  const { instance, function: index, name } = thread.entry;
  const frames = thread.frames.map((frame, i) => {
    const at = `${path}.frames[${i}]`;
    return {
      function: savable(frame.function, at, "function"),
      instance: savable(frame.instance, at, "instance"),
      position: savable(frame.position, at, "position"),
      values: valuesToJson(frame.values, `${at}.values`),
    };
  });
  return {
    args: valuesToJson(thread.args, `${path}.args`),
    entry: {
      function: savable(index, path, "entry.function"),
      instance: savable(instance, path, "entry.instance"),
      name,
    },
    frames,
    hostCall: thread.hostCall && hostCallToJson(thread.hostCall, `${path}.hostCall`, writeBytes),
    id: savable(thread.id, path, "id"),
  };
}

/** The same bounds as when it is read: JSON would write NaN as null. */
function savable(value: number, path: string, key: string): number {
  if (Number.isInteger(value) && value >= 0 && value < INDEX) return value;
  const message = `image: ${path}.${key} is ${value}, expected an integer from 0 to ${INDEX - 1}`;
  throw new CheckpointFault("unsavable", message, { path: `${path}.${key}` });
}

function hostCallToJson(call: SavedHostCall, path: string, writeBytes: WriteBytes): Json {
  const { module, name, progress, instance = 0 } = call;
  return {
    args: valuesToJson(call.args, `${path}.args`),
    instance: instance === 0 ? undefined : savable(instance, path, "instance"),
    module,
    name,
    progress: progress === undefined ? undefined : toJson(progress, `${path}.progress`, writeBytes),
  };
}

/** Threads as found in an image of `instances` instances. */
export async function readThreadList(
  value: unknown,
  path: string,
  instances: number,
  readBytes: ReadBytes,
): Promise<SavedThread[]> {
  if (!Array.isArray(value)) throw damagedField(path, value, "a list of threads");
  if (value.length > THREADS) throw damagedField(path, value, `at most ${THREADS} threads`);
  const threads: SavedThread[] = [];
  const ids = new Set<number>();
  for (const [i, item] of value.entries()) {
    const thread = await readThread(item, pathTo(path, i), instances, readBytes);
    if (ids.has(thread.id)) throw damagedField(`${path}[${i}].id`, thread.id, "each thread once");
    ids.add(thread.id);
    threads.push(thread);
  }
  return threads;
}

async function readThread(item: unknown, path: string, instances: number, readBytes: ReadBytes): Promise<SavedThread> {
  const fields = new Fields(item, path);
  const hostCall = fields.has("hostCall") ? fields.take("hostCall") : undefined;
  const thread: SavedThread = {
    id: fields.integer("id", INDEX),
    entry: readEntry(fields.take("entry"), `${path}.entry`, instances),
    frames: fields.list("frames", VALUES, (frame, at) => readFrame(frame, at, instances)),
    ...(hostCall === undefined
      ? {}
      : { hostCall: await readHostCall(hostCall, `${path}.hostCall`, instances, readBytes) }),
    args: readValues(fields.take("args"), `${path}.args`, instances),
  };
  fields.done();
  return thread;
}

function readEntry(item: unknown, path: string, instances: number): SavedThread["entry"] {
  const fields = new Fields(item, path);
  const entry = {
    instance: fields.integer("instance", instances),
    function: fields.integer("function", INDEX),
    name: fields.string("name"),
  };
  fields.done();
  return entry;
}

function readFrame(item: unknown, path: string, instances: number): SavedFrame {
  const fields = new Fields(item, path);
  const frame: SavedFrame = {
    kind: "wasm",
    instance: fields.integer("instance", instances),
    function: fields.integer("function", INDEX),
    position: requireInteger(fields.take("position"), `${path}.position`, INDEX),
    values: readValues(fields.take("values"), `${path}.values`, instances),
  };
  fields.done();
  return frame;
}

async function readHostCall(
  item: unknown,
  path: string,
  instances: number,
  readBytes: ReadBytes,
): Promise<SavedHostCall> {
  const fields = new Fields(item, path);
  const call: SavedHostCall = {
    kind: "host",
    ...(fields.has("instance") ? { instance: fields.integer("instance", instances) } : {}),
    module: fields.string("module"),
    name: fields.string("name"),
    args: readValues(fields.take("args"), `${path}.args`, instances),
    ...(fields.has("progress")
      ? { progress: await fromJson(fields.take("progress"), `${path}.progress`, readBytes) }
      : {}),
  };
  fields.done();
  return call;
}
