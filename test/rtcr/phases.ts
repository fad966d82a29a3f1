// A supervisor of two children in the middle of their runs, and what can happen to one of them, its victim, while the
// supervisor does something. Afterwards nothing must be left of it: `Scene.aftermath`.
import assert from "node:assert/strict";
import { type SystemCheckpoint, whole } from "../../src/checkpoint/index.ts";
import { KERNEL_LIMITS } from "../../src/core/kernel/limits.ts";
import {
  type Phase,
  type RepairReport,
  RtcrCpu,
  RtcrFault,
  type RtcrOptions,
  RtcrPd,
  type Strategy,
} from "../../src/rtcr/index.ts";
import { type CpuThread, ENV_SESSION, INVALID, writeQuota } from "../../src/session/index.ts";
import { type ChildSpec, Rig, undisturbed } from "./rig.ts";

export const VICTIM = "victim";
const OTHER = "other";
const QUOTA = 'caps="300" ram="4M"';
const sheep = (name: string, turns: number): ChildSpec => ({
  ...{ name, binary: "sheep_counter_timer", attributes: QUOTA },
  inside: `<config turns="${turns}" sleep_ms="3"/>`,
});
const [victim, other] = [sheep(VICTIM, 6), sheep(OTHER, 9)];
/** The victim is the last: with several CPUs it is not on CPU 0. */
const CHILDREN = [other, victim];
const STEP_US = 1000;
/** After so much time the event loop has a turn. */
const TURN_US = KERNEL_LIMITS.burstMs * 1000 + 1;

/** What may happen to the victim. */
export const EVENTS = {
  crash: (scene) => scene.crash(),
  exit: (scene) => scene.pd()?.parent?.exit(7),
  "the end of its PD": (scene) => scene.corePd()?.destroy(),
  "no RAM left": (scene) => scene.drain("ram"),
  "no capabilities left": (scene) => scene.drain("caps"),
  "removal from the configuration": (scene) => scene.rig.reconfigure([other]),
  "another version of its start node": (scene) =>
    scene.rig.reconfigure([other, { ...victim, attributes: `${QUOTA} version="2"` }]),
  "another route": (scene) =>
    scene.rig.reconfigure([
      other,
      {
        ...victim,
        inside: `${victim.inside}<route><service name="LOG"><parent label="elsewhere"/></service>
          <any-service><parent/></any-service></route>`,
      },
    ]),
  "less quota": (scene) => scene.rig.reconfigure([other, { ...victim, attributes: 'caps="120" ram="1M"' }]),
  "more quota": (scene) => scene.rig.reconfigure([other, { ...victim, attributes: 'caps="500" ram="6M"' }]),
} as const satisfies Record<string, (scene: Scene) => void>;
export type EventName = keyof typeof EVENTS;

let undisturbedRun: ReturnType<typeof undisturbed> | undefined;

export class Scene {
  /** Of the machine: with two the victim has the second. */
  static cpus = 1;
  /** Makes the options of supervisors with another module than `base`; undefined: that. */
  static module: (() => RtcrOptions) | undefined;
  readonly rig: Rig;
  /** Of both children, from before anything happened. */
  readonly earlier: SystemCheckpoint;
  /** Of the victim, from the same moment. */
  readonly own: SystemCheckpoint;
  readonly #copy: SystemCheckpoint;
  readonly #before: readonly string[];
  readonly #lines: readonly string[];
  /** Lines that there were when the children went on for the last time. */
  #resumed = 0;
  /** Restores wait until they are told to go on. */
  waits = false;
  /** How often one was ready for that. */
  ready = 0;
  /** Called at each phase. */
  atPhase: (phase: Phase, child?: string) => void = () => {};

  private constructor(rig: Rig, lines: readonly string[]) {
    this.rig = rig;
    this.#lines = lines;
    this.earlier = rig.rtcr.checkpoint("earlier").system;
    this.own = rig.rtcr.checkpoint("own", [VICTIM]).system;
    this.#copy = structuredClone(whole(this.earlier));
    this.#before = rig.lines;
  }

  /** Both stand still in the middle of their runs. */
  static async open(strategy: Strategy): Promise<Scene> {
    undisturbedRun ??= undisturbed({ children: CHILDREN, cpus: Scene.cpus });
    const { points, lines } = await undisturbedRun;
    let scene: Scene | undefined;
    const rig = new Rig({
      ...{ children: CHILDREN, strategy, cpus: Scene.cpus, ...Scene.module?.() },
      atPhase: (phase, child) => scene?.enter(phase, child),
      standby: () => scene?.waits ?? false,
      standingBy: () => scene && scene.ready++,
    });
    await rig.run(Math.floor(points / 2));
    scene = new Scene(rig, lines);
    return scene;
  }

  /** Calls `then` when a phase of the victim begins for the first time. @returns how often it has been called */
  once(phase: Phase, then: () => void): () => number {
    let times = 0;
    this.atPhase = (now, child = VICTIM) => {
      if (now === phase && child === VICTIM && times++ === 0) then();
    };
    return () => Math.min(times, 1);
  }

  private enter(phase: Phase, child: string | undefined): void {
    if (phase === "go-on") this.#resumed = this.rig.tree.lines.length;
    this.atPhase(phase, child);
  }

  /** The victim's PD as it sees it. */
  pd(): RtcrPd | undefined {
    return this.rig.rtcr.child(VICTIM)?.of(RtcrPd)[0];
  }

  corePd() {
    return [...this.rig.tree.core.pds].find(({ label }) => label === `init -> rtcr -> ${VICTIM}`);
  }

  /** What threads of the victim do now: one is in a call, some could go on after this turn, or none. */
  activity(): "running" | "ready" | "still" {
    const pd = this.corePd();
    const component = pd && this.rig.tree.core.kernel.componentOf(pd.capability);
    if (component?.onStack) return "running";
    return component?.threads.some(({ runnable }) => runnable) ? "ready" : "still";
  }

  /** The thread of the victim that an exception has stopped. */
  stopped(): string {
    return this.rig.rtcr.child(VICTIM)?.of(RtcrCpu)[0]?.stopped() ?? "";
  }

  /** A thread of the victim traps: it was started where there is no function. */
  crash(): void {
    const pd = this.pd();
    const [cpu] = this.rig.rtcr.child(VICTIM)?.of(RtcrCpu) ?? [];
    if (!pd || !cpu) return;
    assert.ok(pd.parent?.upgrade(ENV_SESSION.cpu, writeQuota({ ram: 8192, caps: 2 })).ok);
    const made = cpu.createThread(pd.base.capability, { name: "wild" });
    assert.ok(made.ok);
    (made.value.object as CpuThread).start(99_999, 0);
    assert.equal(this.stopped(), 'thread "wild"');
  }

  /** The victim has nothing left: what can be moved goes to the supervisor, the rest is used. */
  drain(what: "ram" | "caps"): void {
    const pd = this.corePd();
    const to = this.rig.tree.pd("rtcr");
    if (!pd || !to) return;
    const move = (n: number) =>
      what === "ram" ? pd.transferRamQuota(to.capability, n).ok : pd.transferCapQuota(to.capability, n).ok;
    for (let n = 2 ** 30; n >= 1; n /= 2) while (move(n));
    const use = () => (what === "ram" ? pd.alloc(1) : pd.allocRpcCap(INVALID));
    for (let more = use(); more.ok; more = use());
  }

  /**
   * Restores in place, and lets time pass until that has ended.
   *
   * @param slowly the event loop has a turn after each safe point
   */
  async restore(system: SystemCheckpoint, slowly = true): Promise<readonly RepairReport[] | RtcrFault> {
    const before = this.rig.outcomes.length;
    this.rig.rtcr.restore(system);
    await this.until(() => this.rig.outcomes.length > before, "the restore", slowly);
    assert.equal(this.rig.outcomes.length, before + 1);
    return this.rig.outcomes[before]!;
  }

  /** Restores in place, as far as that comes without being told to go on. */
  async standBy(system: SystemCheckpoint): Promise<void> {
    const { ready } = this;
    this.waits = true;
    this.rig.rtcr.restore(system);
    await this.until(() => this.ready > ready, "all is ready");
  }

  /** The children go on, and time passes. */
  async until(done: () => boolean, what: string, slowly = false): Promise<void> {
    const { kernel } = this.rig.tree.core;
    kernel.everyPoint = slowly;
    kernel.atPoint = () => {
      this.rig.tree.clock.advance(TURN_US);
      return true;
    };
    kernel.scheduler.resume();
    for (let step = 0; !done(); step++) {
      assert.ok(step < 2000, `${what}: ${this.rig.tree.lines.slice(-4).join("; ")}`);
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (Scene.cpus > 1) await this.rig.rest(done);
      this.rig.tree.advance(STEP_US);
    }
  }

  /** The supervisor works, the earlier checkpoint is whole, and all quota and all objects are back. */
  async aftermath(): Promise<void> {
    const { rig } = this;
    rig.reconfigure(CHILDREN);
    rig.tree.settle();
    this.atPhase = () => {};
    if (rig.rtcr.children.includes(OTHER)) {
      const later = rig.rtcr.checkpoint("later", [OTHER]).system;
      assert.ok(Array.isArray(await this.restore(later, false)), "another child is checkpointed and restored");
    } else {
      const ended = rig.tree.lines.some((line) => line.includes(`child "${OTHER}" exited`)); // a further CPU was slow
      assert.ok(ended || rig.outcomes.at(-1) instanceof RtcrFault, "it had a part in a restore that was refused");
    }
    assert.deepEqual(whole(this.earlier), this.#copy, "the earlier checkpoint is as it was");
    const restored = await this.restore(this.earlier, false);
    assert.ok(Array.isArray(restored), `the earlier checkpoint is restored: ${JSON.stringify(restored)}`);
    const rest = () => rig.tree.lines.slice(this.#resumed);
    const exits = (line: string) => /exited with exit value 0/.test(line);
    await this.until(() => rest().filter(exits).length === CHILDREN.length, "both end");
    for (const { name } of CHILDREN) {
      const of = (lines: readonly string[]) => lines.filter((line) => line.startsWith(`[${name}] `));
      const seen = rest().map((line) => line.replace("[init -> rtcr -> ", "["));
      assert.deepEqual(of(seen), of(this.#lines).slice(of(this.#before).length), name);
    }
    assert.deepEqual(leftOf(rig), await untouched(), "quotas are balanced, and no object is left");
    rig.close();
  }
}

/** What there is once the supervisor has ended its children. */
function leftOf(rig: Rig): unknown {
  rig.rtcr.dispose();
  rig.tree.settle();
  const { core } = rig.tree;
  const pd = rig.tree.pd("rtcr")!;
  const account = { ram: pd.ramQuota(), caps: pd.capQuota(), usedRam: pd.usedRam(), usedCaps: pd.usedCaps() };
  const { components, calls } = core.kernel;
  const own = { ram: core.own.ramQuota(), caps: core.own.capQuota(), usedRam: core.own.usedRam() };
  return {
    account,
    own,
    pds: core.pds.size,
    components: components.length,
    calls: calls.size,
    badges: core.kernel.badges.live,
  };
}

let plain: Promise<unknown> | undefined;

/** The same of a supervisor whose children have run undisturbed. */
function untouched(): Promise<unknown> {
  plain ??= (async () => {
    const rig = new Rig({ children: CHILDREN, cpus: Scene.cpus, ...Scene.module?.() });
    await rig.run();
    const left = leftOf(rig);
    rig.close();
    return left;
  })();
  return plain;
}
