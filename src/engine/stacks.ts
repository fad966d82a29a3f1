// The frames of a group's threads that stand still: one thread's are resident, as records in the control memory, where
// its next run finds them at once; those of the others were moved out as they are, or have come with saved state.
//
// I1  At most one thread is resident. A thread that runs is, or runs in `Group.direct`.
// I2  A frozen thread's frames are in one place: in the control memory, in `moved` or in `frames`.

import { CONTROL, RECORD, type SavedFrame } from "../abi/index.ts";
import { type Plain, type PlainWriter, plainOf, required } from "../util/index.ts";
import type { Control } from "./control.ts";
import { EngineFault } from "./faults.ts";
import type { Instance } from "./instance.ts";
import { REFERENCE_BYTES, Records } from "./records.ts";
import type { References } from "./references.ts";
import type { Rewritten } from "./rewritten.ts";
import type { Ending, Thread } from "./thread.ts";

/**
 * Asked before the frames of a thread that stands still get room of their own, as another one runs; false: they are given up,
 * and the thread has ended. Told with 0 bytes when it goes on.
 */
export type FramesPolicy = (thread: number, bytes: number) => boolean;

/** Frames of a thread that are not worth a question. */
const SMALL_FRAMES_BYTES = 32 << 10;
const NO_FRAMES: readonly SavedFrame[] = [];

export class Stacks {
  policy: FramesPolicy = () => true;
  readonly records: Records;
  readonly #control: Control;
  readonly #end: (thread: Thread, ending: Ending) => void;
  #resident: Thread | undefined;

  /** @param end ends a thread whose frames have no room */
  constructor(
    control: Control,
    instances: readonly Instance[],
    references: References,
    end: (thread: Thread, ending: Ending) => void,
  ) {
    this.records = new Records(control, instances, references);
    this.#control = control;
    this.#end = end;
  }

  /**
   * Makes a thread's frames resident.
   *
   * @throws EngineFault "mismatch" if those that it was restored with do not fit its program; nothing is resident then
   */
  makeResident(thread: Thread): void {
    const before = this.#resident;
    if (before === thread) return;
    if (thread.asked) this.policy(thread.id, 0);
    thread.asked = false;
    this.makeRoom();
    this.#control.reset();
    if (thread.frames) this.records.write(thread.frames);
    if (thread.moved) this.records.put(thread.moved);
    thread.frames = undefined;
    thread.moved = undefined;
    this.#resident = thread;
  }

  /** Nothing is resident afterwards. */
  makeRoom(): void {
    const thread = this.#resident;
    if (!thread) return;
    this.#resident = undefined;
    const { bytes } = this.records;
    thread.asked = bytes > SMALL_FRAMES_BYTES;
    if (!thread.asked || this.policy(thread.id, bytes)) {
      thread.moved = this.records.take();
      return;
    }
    const error = new EngineFault("no-memory", `no room for frames of ${bytes} bytes`);
    this.#end(thread, { kind: "exhausted", error });
  }

  /** The records in the control memory, where no thread's were, are this one's. */
  adopt(thread: Thread): void {
    this.#resident = thread;
  }

  /** A thread has no frames any more. */
  forget(thread: Thread): void {
    if (this.#resident === thread) this.#resident = undefined;
  }

  /** The frames of a frozen thread, outermost first. */
  frames(thread: Thread): readonly SavedFrame[] {
    return plainOf((to) => this.write(thread, to)) as unknown as readonly SavedFrame[];
  }

  /** Writes what `frames` gives. @param thread undefined: none that has any */
  write(thread: Thread | undefined, to: PlainWriter): void {
    if (thread?.moved) this.records.saveMoved(thread.moved, to);
    else if (thread && this.#resident === thread) this.records.save(to);
    else to.plain((thread?.frames ?? NO_FRAMES) as unknown as Plain);
  }

  /** How many bytes the frames of threads, all those of the group, take at least. */
  bytes(threads: readonly Thread[]): number {
    const resident = this.#resident ? this.#control.get(CONTROL.top) - CONTROL.frames : 0;
    const others = threads.map(({ moved, frames }) => moved?.view.byteLength ?? (frames?.length ?? 0) * RECORD.values);
    return others.reduce((sum, bytes) => sum + bytes, resident);
  }
}

/**
 * What `FramesPolicy` would be asked of saved frames that fit their program, at most; 0: nothing.
 *
 * @param frames of one thread
 */
export function bytesToAsk(frames: readonly SavedFrame[], program: Rewritten): number {
  let bytes = 0;
  for (const { function: index, position } of frames) {
    const { layout, site } = required(program.at(index, position), "frames that fit their program");
    bytes += layout.bytes;
    for (const { table } of site.values) if (table >= 0) bytes += REFERENCE_BYTES;
  }
  return bytes > SMALL_FRAMES_BYTES ? bytes : 0;
}
