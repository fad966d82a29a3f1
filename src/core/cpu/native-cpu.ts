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
import { type Attempt, type PlainWriter, refusal, required, success } from "../../util/index.ts";
import { type Kernel, KernelThread, type PendingCall, type ThreadOwner } from "../kernel/index.ts";

export class CoreNativeCpu implements NativeCpu {
  readonly kind = "native-cpu";
  /** Told of threads of the session that it belongs to. */
  spawned: SpawnWatcher = () => {};
  readonly #kernel: Kernel;
  readonly #session: ThreadOwner;
  readonly #shown = new ShownCall();
  #visit: (call: CallState) => void = () => {};
  readonly #look = (call: PendingCall) => {
    if (call.caller?.owner !== this.#session && call.entrypoint?.owner !== this.#session) return;
    this.#shown.call = call;
    this.#visit(this.#shown);
  };

  /** @param session that it belongs to */
  constructor(kernel: Kernel, session: ThreadOwner) {
    this.#kernel = kernel;
    this.#session = session;
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

  activity({ object }: Capability<CpuThread>): NativeThreadState["activity"] | undefined {
    return object instanceof KernelThread ? object.activity() : undefined;
  }

  writeState({ object }: Capability<CpuThread>, to: PlainWriter): boolean {
    return object instanceof KernelThread && object.writeState(to);
  }

  stackPointer({ object }: Capability<CpuThread>): number {
    return object instanceof KernelThread ? object.component.stackPointerOf(object) : 0;
  }

  eachCall(visit: (call: CallState) => void): void {
    this.#visit = visit;
    this.#kernel.calls.each(this.#look);
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

  writePlace({ object }: Capability<CpuThread>, to: PlainWriter): void {
    if (object instanceof KernelThread) this.#kernel.scheduler.writePlace(object, to);
    else to.plain({ ahead: 0, rank: 0 });
  }

  setPlace(thread: Capability<CpuThread>, place: ThreadPlace): void {
    const { object } = thread;
    if (!(object instanceof KernelThread)) return;
    this.#kernel.lifetimes.ranked(place.rank);
    this.#kernel.scheduler.setPlace(object, place);
  }
}

/** One call after the other, as others see it. */
class ShownCall implements CallState {
  call: PendingCall | undefined;

  get #call(): PendingCall {
    return required(this.call, "a call that is visited");
  }

  get number(): number {
    return this.#call.id;
  }

  get target(): Capability {
    return this.#call.target;
  }

  get opcode(): number {
    return this.#call.opcode;
  }

  get state(): CallState["state"] {
    return this.#call.state;
  }

  get status(): number {
    return this.#call.status;
  }

  get caller(): Capability<CpuThread> {
    return this.#call.caller?.capability ?? INVALID;
  }

  get entrypoint(): Capability<CpuThread> {
    return this.#call.entrypoint?.capability ?? INVALID;
  }

  get message(): CallState["message"] {
    return this.#call.message;
  }
}
