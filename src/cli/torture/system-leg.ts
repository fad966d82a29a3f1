// One leg of a tortured system: a system that starts or takes up a checkpoint, and comes to points or to its end.
//
// I1  Time is made up, slices are counted: what the children log does not depend on the host, as long as there is one CPU.
//     Several stop at safe points at about the same time, and nobody promises in which order their components go on.
// I2  Points are safe points of threads of the supervisor's children, counted from the first leg on. Those of a restore's own
//     bootstrap are not: they have no counterpart.
import type { SystemCheckpoint } from "../../checkpoint/index.ts";
import { Core, VirtualClock } from "../../core/index.ts";
import { startNodeCpu } from "../../core/index-node.ts";
import { INIT_PROGRAM } from "../../init/index.ts";
import { deterministicWasi } from "../../machine/component-wasi.ts";
import { NATIVE_PROGRAMS } from "../../native/index.ts";
import {
  IncrementalModule,
  RedundantModule,
  type RepairReport,
  RTCR_PROGRAM,
  type RtcrComponent,
  RtcrFault,
  rtcrProgram,
} from "../../rtcr/index.ts";
import { CliFailure, EXIT } from "../failure.ts";
import { hashOf } from "../system/checkpointer.ts";
import { SYSTEM_QUOTA } from "../system/protocol.ts";
import { Increments } from "./increments.ts";
import type { SystemJourneySpec } from "./system.ts";
import type { Tree } from "./tree.ts";
import { MemoryVolumes } from "./volumes.ts";

/** Microseconds of the system's own time after which it is taken for one that does not end. */
const LIMIT_US = 3_600_000_000;
/** Turns of the event loop in which a system at rest is seen to be at rest. */
const REST_TURNS = 8;

export interface LegBeginning {
  readonly passed: number;
  /** What it takes up; undefined: it starts. */
  readonly from: SystemCheckpoint | undefined;
  /** With `standby`: for what it stands by first. */
  readonly before: SystemCheckpoint | undefined;
}

/** A system, from its start to a point or to the end. */
export class SystemLeg {
  readonly #spec: SystemJourneySpec;
  readonly #core: Core;
  readonly #clock = new VirtualClock();
  readonly #volumes = new MemoryVolumes(this.#clock);
  readonly #lines: string[] = [];
  readonly #prefix: string;
  readonly #increments = new Increments();
  #component: RtcrComponent | undefined;
  #failure: unknown;
  /** Points count: the restore, if there was to be one, is done. */
  #counting: boolean;
  #passed: number;
  #stopAt = Number.POSITIVE_INFINITY;
  #stopped = false;
  #exited = false;
  #began = false;
  /** Children that stand still are about to be ended: until then nothing may run. */
  #ending = false;
  /** A restore stands by, and all is ready. */
  #standing = false;
  /** What takes the place of that for which it does. */
  #next: SystemCheckpoint | undefined;
  /** The last one that was restored. */
  #last: SystemCheckpoint | undefined;
  #stoodBy = 0;
  #renewed = 0;

  constructor(spec: SystemJourneySpec, { passed, from, before }: LegBeginning) {
    this.#spec = spec;
    this.#passed = passed;
    this.#counting = from === undefined;
    const restore = from && this.#standBy(from, before);
    this.#prefix = `[${spec.supervisor} -> `;
    const { modules, config, cpus = 1 } = spec;
    const core: Core = new Core({
      quota: SYSTEM_QUOTA,
      modules,
      programs: new Map([...NATIVE_PROGRAMS, [RTCR_PROGRAM, this.#program(restore, () => core)]]),
      output: (line) => this.#lines.push(line),
      wasi: deterministicWasi,
      ...(spec.memoryFiles ? { files: (label, state) => this.#volumes.provide(label, state) } : {}),
      ...(cpus > 1 ? { cpus, startCpu: startNodeCpu } : {}),
      clock: this.#clock,
      deterministic: true,
      hash: hashOf,
      kernel: { failed: (thrown) => this.#fail(thrown) },
    });
    this.#core = core;
    this.#watchPoints();
    core.modules.dynamic("config", new TextEncoder().encode(config));
    const first = core.start({ name: "init", binary: INIT_PROGRAM });
    void first.exited.then(() => {
      this.#exited = true;
    });
  }

  /** What the supervisor and its children have said. */
  get lines(): readonly string[] {
    const exits = `[${this.#spec.supervisor}] child "`;
    return this.#lines.filter((line) => line.startsWith(this.#prefix) || line.startsWith(exits));
  }

  get files(): ReadonlyMap<string, Tree> {
    return this.#volumes.trees;
  }

  /** Restores that were told to go on when all was ready. */
  get stoodBy(): number {
    return this.#stoodBy;
  }

  /** Checkpoints that took the place of the one before in what stood by. */
  get renewed(): number {
    return this.#renewed;
  }

  get passed(): number {
    return this.#passed;
  }

  /** @returns whether it stands still at a point, and has not come to its end */
  async run(point: number): Promise<boolean> {
    this.#stopAt = point;
    for (let rest = 0; rest < REST_TURNS; ) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#stopped) return this.#settle();
      if (this.#standing) this.#goOnFrom(this.#component!.rtcr);
      // Children of a restore may be ended to begin it anew.
      if (this.#exited || (this.#began && this.#counting && this.#component?.rtcr.children.length === 0)) return false;
      this.#began ||= (this.#component?.rtcr.children.length ?? 0) > 0;
      if (this.#clock.alarms.nowUs() > LIMIT_US) throw this.#endless();
      rest = this.#atRest ? rest + 1 : 0;
    }
    return false;
  }

  /** Ends the children, which stand still, and recreates them; they go on with the next `run`. */
  async restore(system: SystemCheckpoint): Promise<void> {
    this.#counting = false;
    this.#ending = true;
    this.#component!.rtcr.restore(this.#standBy(system, this.#last));
    while (this.#ending && this.#failure === undefined) await new Promise((resolve) => setImmediate(resolve));
    this.goOn();
  }

  /**
   * @returns `compared`: whether it is an increment, which was compared with a full checkpoint: 0 or 1; undefined: a child is
   *   still being started, there is none of it
   */
  checkpoint(): { readonly taken: SystemCheckpoint; readonly compared: number } | undefined {
    const before = this.#increments.compared;
    try {
      const taken = this.#increments.take(this.#component!.rtcr, this.#passed);
      return { taken, compared: this.#increments.compared - before };
    } catch (thrown) {
      if (thrown instanceof RtcrFault && thrown.detail["starting"] !== undefined) return undefined;
      throw thrown;
    }
  }

  /** The children, which stand still, go on with the next `run`. */
  goOn(): void {
    this.#stopped = false;
    this.#core.kernel.scheduler.resume();
  }

  close(): void {
    this.#core.dispose();
  }

  /** Native components finish what they have begun; the children that are left are those that go on. */
  async #settle(): Promise<boolean> {
    for (let turn = 0; turn < REST_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (this.#failure !== undefined) throw this.#failure;
    return (this.#component?.rtcr.children.length ?? 0) > 0;
  }

  /** Nothing runs, and nothing will. */
  get #atRest(): boolean {
    const { kernel, tasks } = this.#core;
    if (!tasks.empty || this.#clock.alarms.nextUs() !== undefined) return false;
    // What waits with a limit goes on when time passes.
    return kernel.components.every(({ threads }) =>
      threads.every(({ runnable, deadlineMs }) => !runnable && deadlineMs === Number.POSITIVE_INFINITY),
    );
  }

  /** @returns for what it stands by first */
  #standBy(system: SystemCheckpoint, before: SystemCheckpoint | undefined): SystemCheckpoint {
    this.#last = system;
    if (!this.#spec.standby || !before || namesOf(before) !== namesOf(system)) return system;
    this.#next = system;
    return before;
  }

  #goOnFrom(rtcr: RtcrComponent["rtcr"]): void {
    this.#standing = false;
    const next = this.#next;
    this.#next = undefined;
    if (next) {
      this.#renewed++;
      rtcr.restore(next);
    } else {
      this.#stoodBy++;
      rtcr.proceed();
    }
  }

  #program(restore: SystemCheckpoint | undefined, core: () => Core) {
    const { increments, redundant } = this.#spec;
    const made = () => (redundant ? new RedundantModule() : new IncrementalModule());
    const module = increments === undefined ? undefined : made;
    const isOurs = (env: RtcrComponent["env"]) => core().kernel.componentOf(env.pd)?.label === this.#spec.supervisor;
    return rtcrProgram(
      {
        begin: (env) => {
          if (!isOurs(env)) return {};
          const restored = (outcome: readonly RepairReport[] | RtcrFault) => {
            if (outcome instanceof RtcrFault) this.#fail(outcome);
            this.#counting = true;
          };
          const atPhase = () => {
            this.#ending = false;
          };
          const standingBy = () => {
            this.#standing = true;
          };
          const waits = this.#spec.standby ? { standby: () => true } : {};
          const restores = { ...(restore ? { restore } : {}), ...waits };
          return { ...restores, strategy: this.#spec.strategy, restored, atPhase, standingBy };
        },
        began: (component) => {
          if (isOurs(component.env)) this.#component = component;
        },
        ended: (component) => {
          if (component === this.#component) this.#exited = true; // an exit of a child that propagates
        },
      },
      module,
    );
  }

  #watchPoints(): void {
    const { kernel } = this.#core;
    const slices = kernel.atPoint;
    kernel.atPoint = (component, cpu) => {
      const over = slices(component, cpu);
      if (!this.#counting || !component.label.startsWith(this.#prefix.slice(1))) return over;
      this.#passed++;
      if (this.#passed < this.#stopAt) return over;
      this.#stopped = true;
      if (!over && cpu === 0) kernel.scheduler.cut();
      kernel.scheduler.freeze();
      return true;
    };
  }

  #fail(thrown: unknown): void {
    this.#failure ??= thrown;
  }

  #endless(): CliFailure {
    const message = `the children of ${this.#spec.supervisor} have not ended after ${LIMIT_US / 1e6} s of their time, expected programs that end`;
    return new CliFailure(
      EXIT.failed,
      message,
      'a <config> that limits their turns, or <exit propagate="yes"/> of the child that is the last',
    );
  }
}

function namesOf({ children }: SystemCheckpoint): string {
  return children.map(({ name }) => name).join("\n");
}
