// Native_cpu: facts about threads that only this platform has (spec 2.6).
import type { Capability, CpuThread, NativeCpu, NativeThreadState } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import { KernelThread } from "../kernel/index.ts";

export class CoreNativeCpu implements NativeCpu {
  readonly kind = "native-cpu";

  /** Core's threads are the real ones: the capability itself. */
  nativeCap(thread: Capability<CpuThread>): Capability<CpuThread> {
    return thread;
  }

  threadState(thread: Capability<CpuThread>): Attempt<NativeThreadState, "state-access-failed"> {
    const { object } = thread;
    return object instanceof KernelThread ? success(object.nativeState()) : refusal("state-access-failed");
  }
}
