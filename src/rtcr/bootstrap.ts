// Strategy A's part of a child's bootstrap (spec 4.3): recorded dataspaces are filled once, when they are attached, and the
// child is stopped at the barrier.
//
// A dataspace is matched by its role, that is where it is attached: a bootstrap attaches the same things at the same
// places (thesis 4.6 matched by index, and noticed no difference). Size and attribute must agree, or both sides are named.
import type { ChildInfo, DataspaceInfo } from "../checkpoint/index.ts";
import { endScope } from "../profile/index.ts";
import type { Capability, Dataspace } from "../session/index.ts";
import { environment } from "./components.ts";
import { RtcrFault } from "./faults.ts";
import type { RtcrPd } from "./pd.ts";
import type { RestorePhase } from "./phases.ts";
import { beginRestoredAllocation, restoreBytes } from "./scopes.ts";
import type { TrackedChild } from "./tracked-child.ts";

/** Recorded dataspaces whose content is in place, by allocation number, and the threads' stack pointers at the barrier. */
export interface Filled {
  readonly dataspaces: ReadonlySet<number>;
  /** By the threads' allocation numbers. */
  readonly stackPointers: ReadonlyMap<number, number>;
}

export class Bootstrap {
  readonly #info: ChildInfo;
  readonly #tracked: TrackedChild;
  readonly #pd: RtcrPd;
  readonly #atPhase: (phase: RestorePhase) => void;
  readonly #filled = new Set<number>();
  #deviation: RtcrFault | undefined;

  /**
   * @param arrived called once, at the barrier, while the child still calls its parent: its threads are stopped already
   * @param atPhase told of each phase as it begins
   */
  constructor(info: ChildInfo, tracked: TrackedChild, arrived: () => void, atPhase: (phase: RestorePhase) => void) {
    this.#info = info;
    this.#tracked = tracked;
    this.#atPhase = atPhase;
    const roles = new Map(info.pd.dataspaces.map((dataspace) => [dataspace.role, dataspace]));
    const { pd, cpu } = environment(tracked);
    this.#pd = pd;
    tracked.context.attached = (dataspace, role) => {
      const scope = beginRestoredAllocation();
      this.#attached(dataspace, roles.get(role));
      endScope(scope);
    };
    pd.parent!.barrier = () => {
      tracked.context.attached = () => {};
      for (const thread of cpu.threads) thread.hold();
      atPhase("barrier");
      arrived();
    };
  }

  /**
   * What the bootstrap has filled; call it when the child stands still.
   *
   * @throws RtcrFault "mismatch" if it deviated from the record
   */
  filled(): Filled {
    if (this.#deviation) throw this.#deviation;
    const stackPointers = new Map<number, number>();
    for (const thread of environment(this.#tracked).cpu.threads) {
      const state = thread.state();
      if (state.ok) stackPointers.set(thread.allocated, state.value.stackPointer);
    }
    return { dataspaces: this.#filled, stackPointers };
  }

  #attached(capability: Capability<Dataspace>, recorded: DataspaceInfo | undefined): void {
    const tracked = this.#pd.dataspaces.get(capability);
    if (!tracked || !recorded?.bootstrapped || this.#filled.has(recorded.allocated)) return;
    if (
      tracked.allocated !== recorded.allocated ||
      tracked.size !== recorded.size ||
      tracked.cached !== recorded.cached
    ) {
      this.#deviation ??= this.#mismatch(recorded, tracked);
      return;
    }
    this.#atPhase("fill");
    restoreBytes(capability.object, 0, recorded.content);
    this.#filled.add(recorded.allocated);
  }

  #mismatch(
    recorded: DataspaceInfo,
    found: { readonly allocated: number; readonly size: number; readonly cached: string },
  ): RtcrFault {
    const describe = ({ allocated, size, cached }: typeof found) => `${size} bytes, ${cached}, allocation ${allocated}`;
    const { name } = this.#info;
    const message = `restore of "${name}": ${recorded.role}: recorded are ${describe(recorded)}; the bootstrap made ${describe(found)}`;
    return new RtcrFault("mismatch", message, { child: name, role: recorded.role });
  }
}
