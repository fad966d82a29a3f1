// Strategy A's part of a child's bootstrap (spec 4.3): each of its allocations is matched with what was recorded, and the
// child is stopped at the barrier. Its memory is its own until then: what was recorded is filled in there, once, when the
// child stands (restorer.ts; docs/RATIONALE.md says why not at the allocation, as the thesis did).
//
// A bootstrap makes the same things in the same order and attaches them at the same places (thesis 4.6): a dataspace is
// matched by its number when it is allocated, by its role, that is where it is attached, at the barrier. Size and attribute
// must agree, or both sides are named.
import type { ChildInfo, DataspaceInfo } from "../checkpoint/index.ts";
import { Ahead } from "./ahead.ts";
import { environment } from "./components.ts";
import { RtcrFault } from "./faults.ts";
import type { RtcrPd } from "./pd.ts";
import type { RestorePhase } from "./phases.ts";
import { AREAS, roleAt } from "./region-map.ts";
import type { MadeDataspace } from "./tracked.ts";
import type { TrackedChild } from "./tracked-child.ts";

/** Where a thread of a bootstrap stands at the barrier, and where it began; 0: it had to find a stack by itself. */
export interface StandingThread {
  readonly stackPointer: number;
  readonly startedAt: number;
}

/** By allocation number. */
export type Standing = ReadonlyMap<number, StandingThread>;

export class Bootstrap {
  readonly #info: ChildInfo;
  readonly #tracked: TrackedChild;
  readonly #pd: RtcrPd;
  /** What no bootstrap makes. */
  readonly ahead: Ahead;
  #deviation: RtcrFault | undefined;

  /**
   * @param arrived called once, at the barrier, while the child still calls its parent: its threads are stopped already
   * @param atPhase told of each phase as it begins
   */
  constructor(info: ChildInfo, tracked: TrackedChild, arrived: () => void, atPhase?: (phase: RestorePhase) => void) {
    this.#info = info;
    this.#tracked = tracked;
    const { pd, cpu } = environment(tracked);
    this.#pd = pd;
    this.ahead = new Ahead(info, tracked);
    const dataspaces: DataspaceInfo[] = [];
    for (const recorded of bootstrapped(info)) dataspaces[recorded.allocated] = recorded;
    const matching = atPhase && (() => atPhase("match"));
    tracked.context.expected = { dataspaces, matching, deviates: (recorded, made) => this.#deviates(recorded, made) };
    pd.parent!.barrier = () => {
      tracked.context.expected = undefined;
      this.ahead.allocate();
      for (const thread of cpu.threads) thread.hold();
      atPhase?.("barrier");
      arrived();
    };
  }

  /**
   * Where the threads stand; call it when they do.
   *
   * @param info what the child shall become: that which it was begun for, or a checkpoint of the same child
   * @throws RtcrFault "mismatch" if the bootstrap deviated from the record
   */
  standing(info: ChildInfo): Standing {
    this.#matchRoles(info);
    if (this.#deviation) throw this.#deviation;
    const standing = new Map<number, StandingThread>();
    for (const thread of environment(this.#tracked).cpu.threads) {
      const state = thread.state();
      const { startedAt } = thread;
      if (state.ok) standing.set(thread.allocated, { stackPointer: state.value.stackPointer, startedAt });
    }
    return standing;
  }

  #matchRoles(info: ChildInfo): void {
    const roles = new Map(bootstrapped(info).map((dataspace) => [dataspace.role, dataspace]));
    for (const [key, area] of AREAS) {
      for (const { address, dataspace } of this.#pd.maps[key].regions()) {
        const made = this.#pd.dataspaces.get(dataspace);
        const recorded = roles.get(roleAt(area, address));
        if (made && recorded && !same(recorded, made)) this.#deviates(recorded, made);
      }
    }
  }

  #deviates(recorded: DataspaceInfo, made: MadeDataspace): void {
    this.#deviation ??= this.#mismatch(recorded, made);
  }

  #mismatch(recorded: DataspaceInfo, made: MadeDataspace): RtcrFault {
    const describe = ({ allocated, size, cached }: MadeDataspace) =>
      `${size} bytes, ${cached}, allocation ${allocated}`;
    const { name } = this.#info;
    const message = `restore of "${name}": ${recorded.role}: recorded are ${describe(recorded)}; the bootstrap made ${describe(made)}`;
    return new RtcrFault("mismatch", message, { child: name, role: recorded.role });
  }
}

function bootstrapped({ pd }: ChildInfo): readonly DataspaceInfo[] {
  return pd.dataspaces.filter((dataspace) => dataspace.bootstrapped);
}

function same(recorded: MadeDataspace, made: MadeDataspace): boolean {
  return made.allocated === recorded.allocated && made.size === recorded.size && made.cached === recorded.cached;
}
