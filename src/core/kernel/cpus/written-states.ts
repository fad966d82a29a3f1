// States of a component's threads, and of what lies outside its memories, as its CPU has written them: bytes in memory that
// the kernel's thread and that CPU share, so that a pause of a checkpoint takes them over without making anything.
//
//   threads   for each: 4 bytes its number, 4 the length of its state (UNSAVEABLE: it has none), 4 whether it stands in a host
//             call; then its state up to that call's progress, which the kernel has (`beginSaved`)
//   outside   the plain data of `writeOutside`, or of `writeInstance`
import { beginSaved, EngineFault, endSaved, type Thread } from "../../../engine/index.ts";
import { Bug, PlainWriter } from "../../../util/index.ts";
import type { LocalEngine } from "../engine.ts";

const FIRST_BYTES = 1 << 16;
/** What a thread is expected to need, at least. */
const THREAD_BYTES = 1 << 11;
const HEAD_BYTES = 12;
const UNSAVEABLE = -1;

/** What was written. */
export interface Written {
  readonly neededBytes: number;
  /** A thread of the component does not stand still: what was written is of the others, and only now. */
  readonly running: boolean;
}

/** The kernel's side. */
export class WrittenStates {
  #view = new DataView(new SharedArrayBuffer(0));
  #length = 0;
  #at = 0;
  /** What was written is what the threads' states are. */
  current = false;

  /** Makes room, in front of a pause, for so many threads. */
  expect(threads: number): void {
    this.#reserve(Math.max(FIRST_BYTES, threads * THREAD_BYTES));
  }

  /** @param ask lets the CPU write into the memory that it is given */
  refresh(ask: (memory: SharedArrayBuffer) => Written): void {
    let written = ask(this.#memory);
    if (written.neededBytes > this.#view.byteLength) {
      this.#reserve(2 * written.neededBytes);
      written = ask(this.#memory);
    }
    this.#length = written.neededBytes;
    this.#at = 0;
    this.current = !written.running;
  }

  /** Writes a thread's state. @throws EngineFault "unsaveable" */
  thread({ id, hostCall }: Thread, to: PlainWriter): void {
    const at = this.#find(id);
    const length = this.#view.getInt32(at + 4);
    if (length === UNSAVEABLE) throw new EngineFault("unsaveable", `thread ${id} has no saved form now`);
    to.copy(this.#view, at + HEAD_BYTES, length);
    endSaved(this.#view.getInt32(at + 8) !== 0, hostCall?.progress, to);
  }

  /** Writes all. */
  whole(to: PlainWriter): void {
    to.copy(this.#view, 0, this.#length);
  }

  /** Threads are asked for one after the other: the next one is most often it. */
  #find(id: number): number {
    for (let rounds = 0; rounds < 2; this.#at = 0, rounds++) {
      while (this.#at < this.#length) {
        const at = this.#at;
        this.#at += HEAD_BYTES + Math.max(0, this.#view.getInt32(at + 4));
        if (this.#view.getInt32(at) === id) return at;
      }
    }
    throw new Bug(`thread ${id} is none that its CPU has`);
  }

  get #memory(): SharedArrayBuffer {
    if (this.#view.byteLength === 0) this.#reserve(FIRST_BYTES);
    return this.#view.buffer;
  }

  #reserve(bytes: number): void {
    if (this.#view.byteLength < bytes) this.#view = new DataView(new SharedArrayBuffer(bytes));
  }
}

/** On the CPU: writes the states of threads. */
export function writeThreads(engine: LocalEngine, threads: Iterable<Thread>, memory: SharedArrayBuffer): Written {
  const view = new DataView(memory);
  let at = 0;
  let running = false;
  for (const thread of threads) {
    const room = new Uint8Array(memory, Math.min(at + HEAD_BYTES, memory.byteLength));
    const still = thread.state === "frozen" || thread.state === "ready";
    running ||= !still;
    const length = still ? writeState(engine, thread, room) : UNSAVEABLE;
    if (at + HEAD_BYTES <= memory.byteLength) {
      for (const [i, word] of [thread.id, length, thread.hostCall ? 1 : 0].entries()) view.setInt32(at + 4 * i, word);
    }
    at += HEAD_BYTES + Math.max(0, length);
  }
  return { neededBytes: at, running };
}

function writeState({ group }: LocalEngine, thread: Thread, room: Uint8Array): number {
  const to = new PlainWriter(room);
  try {
    beginSaved(group, thread, to);
    return to.neededBytes;
  } catch (thrown) {
    if (thrown instanceof EngineFault) return UNSAVEABLE;
    throw thrown;
  }
}

/** On the CPU: writes something else. @throws as `write` */
export function writtenInto(memory: SharedArrayBuffer, write: (to: PlainWriter) => void): Written {
  const to = new PlainWriter(new Uint8Array(memory));
  write(to);
  return { neededBytes: to.neededBytes, running: false };
}
