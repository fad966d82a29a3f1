// The control blocks of a CPU session's threads (spec 2.5 `trace_control`): one word a thread, which says whether the thread
// is traced. Clients read them; what they say follows from what TRACE sessions do.
//
// I1  A thread keeps its index as long as it lives; the lowest free one goes to the next thread.
import { type Capability, type Dataspace, INVALID } from "../../session/index.ts";
import type { KernelThread } from "../kernel/index.ts";
import type { MakeDataspace, OwnedDataspace } from "../service/dataspaces.ts";
import type { TraceState } from "../trace/index.ts";

const BLOCK_BYTES = 4;
/** Blocks that fit into the session's one page; threads beyond have none. */
const BLOCKS = 4096 / BLOCK_BYTES;
/** Words of the blocks. */
export const TRACE_BLOCK = { free: 0, untraced: 1, traced: 2, paused: 3 } as const;

export class TraceBlocks {
  readonly #make: MakeDataspace | undefined;
  readonly #threads: (KernelThread | undefined)[] = [];
  #page: OwnedDataspace | undefined;

  /** @param make for the page, when it is first asked for; absent: there is none */
  constructor(make: MakeDataspace | undefined) {
    this.#make = make;
  }

  /** The page; INVALID if it cannot be had. */
  dataspace(): Capability<Dataspace> {
    if (!this.#page) {
      const made = this.#make?.(BLOCKS * BLOCK_BYTES);
      if (made?.ok) this.#page = made.value;
      this.#write();
    }
    return this.#page?.capability ?? INVALID;
  }

  /** Place of a thread's block; -1: it has none. */
  indexOf(thread: KernelThread): number {
    return this.#threads.indexOf(thread);
  }

  add(thread: KernelThread): void {
    const free = this.#threads.indexOf(undefined);
    if (free >= 0) this.#threads[free] = thread;
    else if (this.#threads.length < BLOCKS) this.#threads.push(thread);
    this.#write();
  }

  remove(thread: KernelThread): void {
    const index = this.indexOf(thread);
    if (index >= 0) this.#threads[index] = undefined;
    this.#write();
  }

  /** A thread's state has changed. */
  changed(): void {
    this.#write();
  }

  dispose(): void {
    this.#page?.dispose();
    this.#page = undefined;
  }

  #write(): void {
    if (!this.#page) return;
    const words = this.#threads.map((thread) => (thread ? TRACE_BLOCK[stateOf(thread)] : TRACE_BLOCK.free));
    this.#page.fill(new Uint8Array(Uint32Array.from(words).buffer), "zero");
  }
}

function stateOf(thread: KernelThread): TraceState {
  return thread.trace?.state ?? "untraced";
}
