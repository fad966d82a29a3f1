// The state of a thread as plain data (S26), and back. What comes back may come from a component: it is checked first.
import type { PlainData, SavedThread } from "../../abi/index.ts";
import { bytesToAsk, EngineFault, saveEntry } from "../../engine/index.ts";
import { objectOf, type SignalSource } from "../../session/index.ts";
import { type PlainWriter, plainOf } from "../../util/index.ts";
import type { Serving, Turns } from "./entrypoint.ts";
import { frameKey, type PaidFrames } from "./held-frames.ts";
import type { Kernel } from "./kernel.ts";
import { fitsMessage } from "./message-copy.ts";
import { type Fields, list, number, record } from "./saved-fields.ts";
import { readWaiting, type SavedWaiting, waitAgain, writeWaiting } from "./saved-waiting.ts";
import type { KernelThread } from "./thread.ts";
import { ROLE } from "./thread-parts.ts";

const VERSION = 1;
const NOTHING: readonly never[] = [];
const NOTHING_PAID: PaidFrames = { taken: () => {}, end: () => {} };

/**
 * The IP, the stack pointer and the depth of a thread that stands still.
 *
 * @param saved what `saveThread` has given: its frames need not be read once more
 */
export function innermost(
  thread: KernelThread,
  saved?: PlainData,
): {
  readonly function: number;
  readonly position: number;
  readonly stackPointer: number;
  readonly frames: number;
} {
  const { activations, component } = thread;
  const stackPointer = component.loaded ? component.stackPointerOf(thread) : 0;
  const frames =
    saved === undefined
      ? activations.map(({ engine }) => thread.engine.frames(engine))
      : (saved as unknown as SavedActivations).activations.map(({ thread: { frames } }) => frames);
  const last = frames.at(-1)?.at(-1);
  const top = activations.at(-1);
  const depth = frames.reduce((sum, { length }) => sum + length, 0);
  return {
    function: last?.function ?? top?.engine.entry.function ?? 0,
    position: last?.position ?? 0,
    stackPointer,
    frames: depth,
  };
}

interface SavedActivations {
  readonly activations: readonly { readonly thread: SavedThread }[];
}

/** Undefined if something in it has no saved form. */
export function saveThread(thread: KernelThread, kernel: Kernel): PlainData | undefined {
  try {
    return plainOf((to) => writeThread(thread, kernel, to));
  } catch (thrown) {
    if (thrown instanceof EngineFault) return undefined;
    throw thrown;
  }
}

/**
 * Writes the state of a thread: a pause of a checkpoint does this for each, so nothing is made here.
 *
 * @throws EngineFault "unsaveable"
 */
export function writeThread(thread: KernelThread, kernel: Kernel, to: PlainWriter): void {
  const { component, entrypoint, dead } = thread;
  if (thread.waiting?.kind === "atomic") component.waits.look(); // it may have been notified
  const { waiting } = thread;
  to.fields();
  to.put("version", VERSION);
  to.put("started", dead || thread.started);
  if (dead) to.put("ended", true);
  if (dead || !component.loaded) {
    to.put("activations", NOTHING);
    to.put("globals", NOTHING);
    return to.end();
  }
  if (!component.onStack) component.saveGlobals();
  to.field("activations");
  writeActivations(thread, to);
  to.put("instance", thread.instance);
  to.put("globals", thread.globals);
  if (entrypoint?.serving) writeServing(entrypoint.serving, to);
  to.field("sources");
  writeSources(thread, to);
  if (thread.exception) {
    to.put("exception", true);
    to.put("faulted", thread.faulted);
  }
  if (thread.exceptions > 0) to.put("exceptions", thread.exceptions);
  if (entrypoint) entrypoint.writeTurns(to);
  to.put("wakeup", entrypoint?.wakeup ?? false);
  to.put("wantsWakeup", thread.wantsWakeup);
  if (waiting) {
    to.field("waiting");
    writeWaiting(thread, waiting, to);
    to.put("remainingMs", remainingMs(thread, kernel));
  }
  if (thread.outcome !== undefined) to.put("outcome", thread.outcome);
  to.end();
}

function writeActivations({ activations, engine }: KernelThread, to: PlainWriter): void {
  const begin = to.list();
  for (let i = 0; i < activations.length; i++) {
    to.fields();
    to.put("role", activations[i]!.role);
    to.field("thread");
    engine.write(activations[i]!.engine, to);
    to.end();
  }
  to.endList(begin, activations.length);
}

function writeServing({ call, argument, message }: Serving, to: PlainWriter): void {
  to.field("serving");
  to.fields();
  to.field("entry");
  saveEntry(call.entry, to);
  to.put("argument", argument);
  to.put("message", message);
  to.end();
}

function writeSources({ entrypoint, component: { table } }: KernelThread, to: PlainWriter): void {
  const sources = entrypoint?.sources ?? NOTHING;
  const begin = to.list();
  for (let i = 0; i < sources.length; i++) to.plain(table.slotOfObject(sources[i]!));
  to.endList(begin, sources.length);
}

/** -1: for ever. */
function remainingMs({ deadlineMs }: KernelThread, kernel: Kernel): number {
  if (deadlineMs === Infinity) return -1;
  // To the picosecond: sums of milliseconds have errors far below it, which would make equal times differ.
  return Math.max(0, Math.round((deadlineMs - kernel.now()) * 1e9) / 1e9);
}

/**
 * @param calls numbers of calls under way by those in the state
 * @returns why not: the thread is as it was if the state is none or does not fit its program, or if its PD cannot pay for its
 *   frames; nothing is left of it if its CPU ends
 */
export function loadThread(
  thread: KernelThread,
  kernel: Kernel,
  state: PlainData,
  calls: ReadonlyMap<number, number>,
): "state-access-failed" | "out-of-ram" | undefined {
  const { component } = thread;
  if (component.onStack) return "state-access-failed";
  const read = readState(state, thread);
  if (!read) return "state-access-failed";
  const paid = payFrames(thread, read);
  if (!paid) return "out-of-ram";
  kernel.lifetimes.unwait(thread);
  if (read.ended) {
    kernel.lifetimes.endThread(thread);
    return undefined;
  }
  kernel.lifetimes.revive(thread);
  if (!component.loaded) {
    thread.started = read.started;
    return undefined;
  }
  component.saveGlobals();
  for (const { engine } of thread.activations) thread.drop(engine);
  thread.activations = [];
  component.parts.house(thread, read.instance);
  if (!restoreActivations(thread, kernel, read, calls, paid)) return "state-access-failed";
  thread.started = read.started;
  thread.exception = read.exception;
  thread.faulted = read.faulted;
  thread.exceptions = read.exceptions;
  thread.globals = read.globals;
  thread.wantsWakeup = read.wantsWakeup;
  thread.outcome = read.outcome;
  if (read.serving) thread.ep.serving = { ...read.serving, call: thread.engine.directCall(read.serving.entry) };
  else if (thread.entrypoint) thread.entrypoint.serving = undefined;
  if (thread.entrypoint || read.wakeup) thread.ep.wakeup = read.wakeup;
  for (const slot of read.sources) {
    const source = objectOf<SignalSource>(component.table.lookup(slot), "signal-source");
    if (source) kernel.signals.serve(thread, source);
  }
  if (read.turns) thread.ep.turns = read.turns;
  if (read.waiting) waitAgain(thread, kernel, read.waiting, read.remainingMs, calls);
  return undefined;
}

/** Frames are charged before anything is taken up. @returns undefined: the PD cannot pay */
function payFrames(thread: KernelThread, { ended, activations, instance }: ReadState): PaidFrames | undefined {
  const { component, partNumber: part } = thread;
  if (!component.loaded || ended) return NOTHING_PAID;
  const { holdings, program, parts } = component;
  const gone = thread.activations.map(({ engine }) => frameKey(part, engine.id));
  const coming = activations.map(({ thread: saved }) => bytesToAsk(saved.frames, program));
  return holdings.frames.exchange(gone, coming, parts.numberOf(instance, thread));
}

/** @returns false if its CPU has ended meanwhile, or it has gone to one where this does not fit: nothing of it is left */
function restoreActivations(
  thread: KernelThread,
  kernel: Kernel,
  { activations }: ReadState,
  calls: ReadonlyMap<number, number>,
  paid: PaidFrames,
): boolean {
  try {
    for (const [index, { role, thread: saved }] of activations.entries()) {
      const serves = calls.get(role) ?? role;
      const own = role <= 0 || kernel.calls.get(serves)?.entrypoint === thread;
      const engine = thread.engine.restore(renumbered(saved, thread, kernel, calls));
      thread.activations.push({ role: own ? serves : ROLE.notification, engine });
      paid.taken(index, frameKey(thread.partNumber, engine.id));
    }
    return true;
  } catch (thrown) {
    if (!(thrown instanceof EngineFault)) throw thrown;
    kernel.lifetimes.forgetWork(thread);
    thread.faulted = true;
    thread.raise(thrown.message);
    return false;
  } finally {
    paid.end();
  }
}

/** A thread that waits for a call, with the number that the call has now; without one if there is none any more. */
function renumbered(
  saved: SavedThread,
  thread: KernelThread,
  kernel: Kernel,
  calls: ReadonlyMap<number, number>,
): SavedThread {
  const { hostCall } = saved;
  const { call: before, ...others } = (hostCall?.progress ?? {}) as { readonly call?: PlainData };
  if (!hostCall || typeof before !== "number") return saved;
  const { progress: _, ...again } = hostCall;
  const now = calls.get(before) ?? before;
  const own = kernel.calls.get(now)?.caller === thread;
  const progress = own ? { ...others, call: now } : others;
  return { ...saved, hostCall: Object.keys(progress).length > 0 ? { ...again, progress } : again };
}

interface ReadState {
  readonly ended: boolean;
  readonly exception: boolean;
  readonly faulted: boolean;
  /** Times that an exception has stopped it. */
  readonly exceptions: number;
  readonly started: boolean;
  readonly activations: readonly { readonly role: number; readonly thread: SavedThread }[];
  readonly instance: number;
  readonly globals: readonly PlainData[];
  readonly serving:
    | { readonly entry: SavedThread["entry"]; readonly argument: number; readonly message: number }
    | undefined;
  /** Slots of the signal sources that it serves. */
  readonly sources: readonly number[];
  readonly wakeup: boolean;
  readonly wantsWakeup: boolean;
  readonly turns: Turns | undefined;
  readonly waiting: SavedWaiting | undefined;
  readonly remainingMs: number;
  readonly outcome: number | undefined;
}

/** Undefined if the state is not what it should be, or does not fit the thread's component. */
function readState(state: PlainData, thread: KernelThread): ReadState | undefined {
  try {
    return new StateReader(thread).read(state);
  } catch (thrown) {
    // EngineFault: frames that do not fit. TypeError and RangeError: data of another shape in the engine's checks.
    if (thrown instanceof EngineFault || thrown instanceof TypeError || thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

class StateReader {
  readonly #thread: KernelThread;

  constructor(thread: KernelThread) {
    this.#thread = thread;
  }

  read(state: PlainData): ReadState {
    const fields = record(state);
    if (fields["version"] !== VERSION) throw new TypeError("version");
    const globals = list(fields["globals"]);
    const { component } = this.#thread;
    const types = component.freshGlobals(0).map((value) => typeof value);
    const instance = number(fields["instance"] ?? 0);
    if (component.loaded && !component.engine.memories(instance)) throw new TypeError("instance");
    const ended = fields["ended"] === true;
    // What was stopped at its start has come to no values, and needs none.
    const empty = globals.length === 0 && list(fields["activations"]).length === 0 && fields["exception"] === true;
    if (component.loaded && instance === 0 && fields["started"] === true && !ended && !empty) {
      if (globals.length !== types.length || globals.some((value, i) => typeof value !== types[i])) {
        throw new TypeError("globals");
      }
    }
    const activations = list(fields["activations"]).map((item) => this.#activation(record(item), instance));
    const serving = fields["serving"] === undefined ? undefined : this.#serving(record(fields["serving"]), instance);
    if (!serving && activations.some(({ role }) => role > 0)) throw new TypeError("serving"); // where does its reply lie?
    return {
      started: fields["started"] === true,
      ended,
      exception: fields["exception"] === true,
      faulted: fields["faulted"] === true,
      exceptions: number(fields["exceptions"] ?? 0),
      instance,
      activations,
      globals,
      serving,
      sources: list(fields["sources"] ?? []).map(number),
      wakeup: fields["wakeup"] === true,
      wantsWakeup: fields["wantsWakeup"] === true,
      turns: fields["turns"] === undefined ? undefined : readTurns(record(fields["turns"])),
      waiting: fields["waiting"] === undefined ? undefined : readWaiting(record(fields["waiting"])),
      remainingMs: number(fields["remainingMs"] ?? -1),
      outcome: fields["outcome"] === undefined ? undefined : number(fields["outcome"]),
    };
  }

  #activation(fields: Fields, instance: number): ReadState["activations"][number] {
    const saved = record(fields["thread"]) as unknown as SavedThread;
    const { id, entry, frames, hostCall } = saved;
    // Arguments of a call that has begun are in its frames.
    const args = list(frames as unknown as PlainData).length > 0 || hostCall ? [] : saved.args;
    const thread: SavedThread = { id, entry, frames, args, ...(hostCall ? { hostCall } : {}) };
    const role = number(fields["role"]);
    if (!Number.isInteger(role) || role < ROLE.command) throw new TypeError("role");
    if ([entry, ...frames].some((each) => each.instance !== instance)) throw new TypeError("instance");
    this.#thread.component.parts.engineOf(instance, this.#thread).check(thread);
    return { role, thread };
  }

  #serving(fields: Fields, instance: number): NonNullable<ReadState["serving"]> {
    const { component } = this.#thread;
    const entry = record(fields["entry"]);
    const found = {
      instance: number(entry["instance"]),
      function: number(entry["function"]),
      name: String(entry["name"]),
    };
    const message = number(fields["message"]);
    if (
      found.instance !== instance ||
      !component.starts.dispatches(found) ||
      message >>> 0 !== message ||
      !fitsMessage(component, message)
    ) {
      throw new TypeError("serving");
    }
    return { entry: found, argument: number(fields["argument"]) | 0, message };
  }
}

function readTurns(fields: Fields): Turns {
  const [last, source] = [number(fields["last"]), number(fields["source"])];
  if (last >>> 0 !== last || source >>> 0 !== source) throw new TypeError("turns");
  return { last, source, signals: fields["signals"] === true };
}
