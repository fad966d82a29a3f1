// Native_cpu: facts about threads that only this platform has (spec 2.6), and calls under way as plain data.
import {
  type CallState,
  type Capability,
  type CpuThread,
  INVALID,
  type NativeCpu,
  type NativeThreadState,
  type SpawnWatcher,
  type ThreadPlace,
} from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import { type Kernel, KernelThread } from "../kernel/index.ts";

export class CoreNativeCpu implements NativeCpu {
  readonly kind = "native-cpu";
  /** Told of threads of the session that it belongs to. */
  spawned: SpawnWatcher = () => {};
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  watchSpawned(watcher: SpawnWatcher): void {
    this.spawned = watcher;
  }

  /** Core's threads are the real ones: the capability itself. */
  nativeCap(thread: Capability<CpuThread>): Capability<CpuThread> {
    return thread;
  }

  shownAs(thread: Capability<CpuThread>, as: Capability<CpuThread>): void {
    if (thread.object instanceof KernelThread) thread.object.shownAs = as;
  }

  threadState(thread: Capability<CpuThread>): Attempt<NativeThreadState, "state-access-failed"> {
    const { object } = thread;
    return object instanceof KernelThread ? success(object.nativeState()) : refusal("state-access-failed");
  }

  calls(thread: Capability<CpuThread>): readonly CallState[] {
    const { object } = thread;
    const own = this.#kernel.calls.all().filter(({ caller, entrypoint }) => caller === object || entrypoint === object);
    return own.map(({ id, target, opcode, state, status, caller, entrypoint, message }) => ({
      ...{ number: id, target, opcode, state, status, message },
      caller: caller?.capability ?? INVALID,
      entrypoint: entrypoint?.capability ?? INVALID,
    }));
  }

  adoptCall({ target, opcode, state, status, caller, entrypoint, message }: CallState): number {
    const call = this.#kernel.calls.add({
      ...{ target, opcode, state, message },
      caller: this.#kernel.threadOf(caller),
      entrypoint: this.#kernel.threadOf(entrypoint),
    });
    call.status = status;
    if (state === "queued") call.entrypoint?.ep.enqueue(call);
    return call.id;
  }

  place(thread: Capability<CpuThread>): ThreadPlace {
    const { object } = thread;
    return object instanceof KernelThread ? this.#kernel.scheduler.placeOf(object) : { ahead: 0, rank: 0 };
  }

  setPlace(thread: Capability<CpuThread>, place: ThreadPlace): void {
    const { object } = thread;
    if (!(object instanceof KernelThread)) return;
    this.#kernel.lifetimes.ranked(place.rank);
    this.#kernel.scheduler.setPlace(object, place);
  }
}
