// The supervisors (program `rtcr`) of a running system, as the command sees them: who there is, and what they are asked.
import { setImmediate } from "node:timers/promises";
import type { SystemCheckpoint } from "../../checkpoint/index.ts";
import type { Core } from "../../core/index.ts";
import {
  type Captured,
  type CopyPool,
  PreparedProvider,
  type RepairReport,
  type RtcrComponent,
  RtcrFault,
  type RtcrHost,
  type RtcrOptions,
  type Strategy,
  touched,
} from "../../rtcr/index.ts";
import { startNodeCopyPool } from "../../rtcr/index-node.ts";
import type { Env } from "../../session/index.ts";
import { Spare, type SpareEvents } from "./spare.ts";

/** Touched between two turns of the children: half a millisecond. */
const PIECE_BYTES = 1 << 20;

/** What a supervisor takes up instead of starting its children. */
export interface SystemRestore {
  /** Its label, as `init -> rtcr`. */
  readonly supervisor: string;
  readonly system: SystemCheckpoint;
  readonly strategy: Strategy;
  /** It stands by for a primary, whose checkpoints come, until it is told to go on. */
  readonly follows: boolean;
}

export interface SupervisorsOptions {
  readonly core: () => Core;
  readonly restore?: SystemRestore | undefined;
  /** A component of the system has had a checkpoint made. @param hold as in `RtcrHost` */
  readonly made: (system: SystemCheckpoint, hold: () => () => void) => void;
  /** Of what `restore` takes up, if it follows a primary. */
  readonly spare: SpareEvents;
  readonly restored: (outcome: readonly RepairReport[] | RtcrFault) => void;
}

export class Supervisors implements RtcrHost {
  readonly #options: SupervisorsOptions;
  readonly #components = new Map<RtcrComponent, string>();
  /** The command reads what lies in it while the children go on. One checkpoint is made at a time. */
  readonly #provider = new PreparedProvider();
  #restore: SystemRestore | undefined;
  /** What stands by for a primary, if something does. */
  readonly spare: Spare;
  /** The supervisor whose that is has begun to begin. */
  #spareBegins = false;
  #ofSpare: RtcrComponent | undefined;

  constructor(options: SupervisorsOptions) {
    this.#options = options;
    this.spare = new Spare(options.spare);
    this.#restore = options.restore;
  }

  begin(env: Env): RtcrOptions {
    const provider = this.#provider;
    const restore = this.#restore;
    if (restore?.supervisor !== this.#label(env)) return { provider };
    this.#restore = undefined; // a supervisor that is restarted begins anew
    const { system, strategy, follows } = restore;
    this.#spareBegins = follows;
    const waits = follows ? this.spare.options : {};
    return { provider, restore: system, strategy, restored: this.#options.restored, ...waits };
  }

  startCopyPool(): CopyPool {
    return startNodeCopyPool();
  }

  began(component: RtcrComponent): void {
    const label = this.#label(component.env);
    this.#components.set(component, label);
    // One among its children may have come first.
    if (!this.#spareBegins || label !== this.#options.restore?.supervisor) return;
    this.#spareBegins = false;
    this.#ofSpare = component;
    this.spare.use(component.rtcr);
  }

  made(_: RtcrComponent, system: SystemCheckpoint, hold: () => () => void): void {
    this.#options.made(system, hold);
  }

  ended(component: RtcrComponent): void {
    this.#components.delete(component);
    if (component === this.#ofSpare) this.spare.use(undefined);
  }

  /**
   * Has memory for a checkpoint of children, touched piece by piece while they run.
   *
   * @throws RtcrFault as `checkpoint`
   */
  async prepare(name: string, children: readonly string[]): Promise<void> {
    const { rtcr } = this.#keeperOf(children);
    const size = rtcr.checkpointBytes(name, children.length > 0 ? children : undefined);
    const bytes = new Uint8Array(new SharedArrayBuffer(size));
    for (let at = 0; at < size; at += PIECE_BYTES) {
      touched(bytes.subarray(at, at + PIECE_BYTES));
      await setImmediate();
    }
    this.#provider.prepare(bytes);
  }

  /**
   * A checkpoint of children that one supervisor keeps.
   *
   * @param children by name; none: all of the only supervisor that is not itself a child of another one
   * @throws RtcrFault "no-such-child" when there is no such supervisor, and what `Rtcr.checkpoint` throws
   */
  checkpoint(name: string, children: readonly string[], parent: string | undefined): Captured {
    const { rtcr } = this.#keeperOf(children);
    return rtcr.checkpoint(name, children.length > 0 ? children : undefined, parent);
  }

  #keeperOf(children: readonly string[]): RtcrComponent {
    const all = [...this.#components];
    const within = (label: string) => all.some(([, other]) => label.startsWith(`${other} -> `));
    const found = all.filter(([{ rtcr }, label]) =>
      children.length === 0 ? !within(label) : children.every((child) => rtcr.children.includes(child)),
    );
    const [only] = found;
    if (only && found.length === 1) return only[0];
    const there = all.map(([{ rtcr }, label]) => `${label} (${rtcr.children.join(", ") || "no children"})`).join("; ");
    const wanted = children.length > 0 ? `children ${children.join(", ")}` : "children without --child";
    const why = found.length > 1 ? `${found.length} supervisors keep` : "no supervisor keeps";
    const message = `${why} ${wanted}, expected one; there are ${there || "none: <start> a program rtcr"}`;
    throw new RtcrFault("no-such-child", message, { children });
  }

  #label({ pd }: Env): string {
    return this.#options.core().kernel.componentOf(pd)?.label ?? "";
  }
}
