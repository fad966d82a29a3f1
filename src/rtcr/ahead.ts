// What strategy A allocates as soon as a bootstrap has come to the barrier: dataspaces that were recorded and that no bootstrap makes.
// The code of allocations has run just before, which makes them cheaper than at the restore, and a restore that stands by has them
// behind itself. Nothing is attached, no program runs: nobody sees them.
import type { ChildInfo, DataspaceInfo } from "../checkpoint/index.ts";
import type { Capability, Dataspace } from "../session/index.ts";
import { environment } from "./components.ts";
import type { TrackedChild } from "./tracked-child.ts";

export class Ahead {
  readonly #info: ChildInfo;
  readonly #tracked: TrackedChild;
  readonly #missing: readonly DataspaceInfo[];
  /** Allocation numbers of what else costs quota and was recorded. */
  readonly #others: ReadonlySet<number>;
  readonly #made = new Map<DataspaceInfo, Capability<Dataspace>>();
  /** The child's count of allocations in front of them. */
  #allocated = 0;

  constructor(info: ChildInfo, tracked: TrackedChild) {
    this.#info = info;
    this.#tracked = tracked;
    const { dataspaces, signalSources, signalContexts, rpcObjects } = info.pd;
    this.#missing = dataspaces.filter(({ bootstrapped }) => !bootstrapped);
    const others = [...signalSources, ...signalContexts, ...rpcObjects, ...info.cpu.threads];
    this.#others = new Set(others.map(({ allocated }) => allocated));
  }

  /**
   * As many as there is quota for. None if something is there that the restore takes away before it makes dataspaces: what it
   * makes until then might lack their quota.
   */
  allocate(): void {
    const { pd, cpu } = environment(this.#tracked);
    const { context } = this.#tracked;
    for (const there of [pd.sources, pd.contexts, pd.rpcObjects, cpu.threads])
      for (const { allocated } of there) if (!this.#others.has(allocated)) return;
    const numbers = new Set(Array.from(pd.dataspaces, ({ allocated }) => allocated));
    this.#allocated = context.capture().allocated;
    for (const info of this.#missing) {
      if (numbers.has(info.allocated)) continue;
      const made = context.as([info], () => pd.alloc(info.size, info.cached));
      if (!made.ok) return;
      this.#made.set(info, made.value);
      numbers.add(info.allocated);
    }
  }

  /**
   * Those that are there, which are zero. For another checkpoint than they were made for they are freed, and all is as it was.
   *
   * @param info what the child is about to become
   */
  of(info: ChildInfo): ReadonlySet<DataspaceInfo> {
    if (info === this.#info) return new Set(this.#made.keys());
    const { context } = this.#tracked;
    const { pd } = environment(this.#tracked);
    if (this.#made.size > 0) context.resume({ ...context.capture(), allocated: this.#allocated });
    for (const capability of this.#made.values()) pd.free(capability);
    this.#made.clear();
    return new Set();
  }
}
