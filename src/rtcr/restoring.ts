// The restore that is asked for, or under way: how each of its children comes to where all of them are restored together
// (restore.ts), and what ends it before.
//
//   asked -- its children are ended --> under way: each child is launched, or comes to the barrier of its bootstrap
//            -- all have arrived --> restored            \__ or it is refused by name, and they are taken down
//                    \-- standing by -- told to go on --> restored
//                         ^-- another checkpoint of the same children: they stand by for that (renewal.ts)
//
// I1  A restore begins when every child of it has a fresh environment and its program; until then none of them runs.
import type { ChildInfo, ExitedChild, SystemCheckpoint } from "../checkpoint/index.ts";
import type { Child, Init } from "../init/index.ts";
import { beginScope, endScope } from "../profile/index.ts";
import { ENV_SESSION, type Env, INVALID, LOG_LIMIT } from "../session/index.ts";
import { messageOf } from "../util/index.ts";
import { Bootstrap } from "./bootstrap.ts";
import { environment } from "./components.ts";
import { BOOTSTRAP_MS, Deadline } from "./deadline.ts";
import { faultOf, RtcrFault } from "./faults.ts";
import { givePds } from "./given-pds.ts";
import { requireLiving } from "./living.ts";
import { log } from "./logging.ts";
import { beforeBarrier } from "./parent.ts";
import type { RestorePhase } from "./phases.ts";
import { renews, TAKEN_IN_LATER } from "./renewal.ts";
import { type Arrived, Restoration } from "./restoration.ts";
import { restore } from "./restore.ts";
import { requireProgram, restoredChild } from "./restored-child.ts";
import { keepIn } from "./rom.ts";
import type { RtcrOptions } from "./rtcr-options.ts";
import type { SavedRtcr } from "./saved-rtcr.ts";
import { requireSound } from "./sound.ts";
import { Standby, waiting } from "./standby.ts";
import type { TrackedChild } from "./tracked-child.ts";
import { Translation } from "./translation.ts";
import { incomplete, unstartable, waitsFor } from "./waits-for.ts";

export interface RestoringParts {
  readonly env: Env;
  readonly options: RtcrOptions;
  /** Undefined while it is being made. */
  readonly init: () => Init;
  readonly child: (name: string) => TrackedChild | undefined;
}

export class Restoring {
  readonly #parts: RestoringParts;
  /** Asked for; it begins from the event loop. */
  #asked: Restoration | undefined;
  #restoring: Restoration | undefined;
  /** Children of a restore that was refused, until they have been taken down: none of them starts. */
  readonly #doomed = new Set<string>();
  /** Children that had exited before the checkpoint: they are not started once. */
  #exited: readonly ExitedChild[];
  /** Those of them that were not. */
  readonly #exitsRestored = new Set<string>();
  /** Work that waits for the event loop. */
  #putOff = 0;

  /** @param system that is restored as soon as the configuration has its children */
  constructor(parts: RestoringParts, system?: SystemCheckpoint) {
    this.#parts = parts;
    this.#restoring = system && new Restoration(system);
    this.#exited = system?.exited ?? [];
    if (this.#restoring) this.#requireSound(this.#restoring);
  }

  get #init(): Init {
    return this.#parts.init();
  }

  /** Of what is none, no child starts. */
  #requireSound(restoration: Restoration): void {
    const fault = faultOf(() => requireSound(restoration.system));
    for (const { name } of fault ? restoration.system.children : []) this.#doomed.add(name);
    if (fault) this.#later(() => this.#refuse(fault, restoration));
  }

  /** What a supervisor's own state has of it. @throws RtcrFault "busy" while it is under way */
  capture(): Pick<SavedRtcr, "asked" | "exitsRestored"> {
    const asked = this.#asked && this.#parts.options.kept?.nameOf(this.#asked.system);
    const restoring = this.#restoring ?? (asked === undefined ? this.#asked : undefined);
    if (restoring || this.#putOff > 0) {
      const of = restoring?.names ?? "children";
      throw new RtcrFault("busy", `it is restoring ${of}: take the checkpoint when that has ended`);
    }
    return { exitsRestored: [...this.#exitsRestored], asked };
  }

  resume({ exitsRestored, asked }: Pick<SavedRtcr, "asked" | "exitsRestored">): void {
    for (const name of exitsRestored) this.#exitsRestored.add(name);
    const kept = asked === undefined ? undefined : this.#parts.options.kept?.use(asked);
    if (!kept) return;
    this.#asked = new Restoration(kept.system);
    this.#asked.atEnd(() => kept.release());
  }

  /** Whether a child is not yet what it shall become. */
  halfway(child: TrackedChild): boolean {
    return this.#restoring?.has(child) || this.#doomed.has(child.name);
  }

  /** What a child shall become; undefined: it has no part in it. */
  recorded(name: string): ChildInfo | undefined {
    return this.#restoring?.recorded(name);
  }

  /** A child has its PD. */
  created(child: TrackedChild): void {
    this.#restoring?.begin(child);
    if (this.#restoring?.has(child)) this.#parts.options.atPhase?.("create", child.name);
  }

  /** A configuration is in force. */
  applied(children: readonly Child[]): void {
    for (const { name, why } of this.#restoring ? unstartable(this.#restoring, children) : []) this.cannot(name, why);
    if (this.#restoring) this.#awaitEnvironments();
    if (this.#restoring?.standby) this.#later(() => this.#look());
  }

  /** Children that stand by go on, at once; those of a restore that has not come so far do not wait when it has. */
  proceed(): void {
    const restoration = this.#asked ?? this.#restoring;
    if (restoration) restoration.told = true;
    if (restoration?.standby) this.#restore(restoration);
  }

  /** Another configuration may tell those that stand by to go on, or give them more or less than they need. */
  #look(): void {
    const restoration = this.#restoring;
    if (!restoration?.standby || this.#asked) return;
    if (!this.#waits(restoration)) return this.#restore(restoration);
    if (restoration.standby.allowed) return restoration.standby.begin();
    this.#asked = restoration.again();
    this.#init.restart(restoration.system.children.map(({ name }) => name));
  }

  /** Nobody waits for a restore any more. */
  end(): void {
    this.#restoring?.end();
    this.#asked?.end();
    this.#restoring = undefined;
    this.#asked = undefined;
  }

  /**
   * Ends children of a checkpoint, and recreates them from it; from the event loop. `RtcrOptions.restored` has the outcome. Those
   * that stand by, and can become what it has of them, stay as they are and stand by for it.
   *
   * @param ended called once, when nothing of the checkpoint is read any more
   * @throws RtcrFault "no-such-child" when the configuration does not have one of them, "busy" when another restore is
   *   under way and does not stand by, "mismatch" when records do not fit each other; nothing has happened then
   */
  ask(system: SystemCheckpoint, ended: () => void = () => {}): void {
    const names = system.children.map(({ name }) => name);
    const configured = this.#init.config().starts.map(({ name }) => name);
    const missing = names.find((name) => !configured.includes(name));
    if (missing !== undefined) {
      const message = `restore: no child "${missing}" is configured; there are ${configured.join(", ") || "none"}`;
      throw new RtcrFault("no-such-child", message, { child: missing });
    }
    const other = this.#asked ?? this.#restoring;
    if (other && !other.standby)
      throw new RtcrFault("busy", `restore of ${names.join(", ")}: that of ${other.names} is under way`, { names });
    requireSound(system);
    if (other && this.#renew(other, system, ended)) return;
    log.info?.(`restoring ${names.join(", ")} in place`);
    this.#asked = new Restoration(system);
    this.#asked.atEnd(ended);
    const before = other?.system.children.map(({ name }) => name) ?? [];
    const exited = system.exited.filter(({ name }) => before.includes(name) && !names.includes(name));
    for (const { name } of exited) this.#exitsRestored.delete(name);
    this.#exited = [...exited, ...this.#exited];
    this.#init.restart([...new Set([...names, ...before])]);
  }

  /** @returns false: what stands by cannot become that */
  #renew(restoration: Restoration, system: SystemCheckpoint, ended: () => void): boolean {
    const { standby } = restoration;
    if (!standby || !renews(restoration.system, system)) return false;
    if (!standby.renew(waiting(restoration, system))) return false;
    log.info?.(`${restoration.names} stand by for another checkpoint`);
    restoration.renew(system);
    restoration.atEnd(ended);
    return true;
  }

  /** Nothing of the children that live until now has a part in it. */
  begin(): void {
    this.#restoring?.end(); // it stood by
    this.#restoring = this.#asked;
    this.#asked = undefined;
  }

  /** A PD, CPU or LOG session of a restored child's environment at a child that is restored with it, as the configuration still has it. */
  adopts(child: Child, id: number, server: string): boolean {
    if (![ENV_SESSION.pd, ...TAKEN_IN_LATER].includes(id) || !this.recorded(server)) return false;
    return this.recorded(child.name)?.foreign.find((info) => info.id === id)?.server === server;
  }

  /** A child has ended. If it was to be restored, a configuration that starts it anew is judged when it is in force. */
  lost(tracked: TrackedChild): void {
    const restoration = this.#restoring;
    if (!restoration?.has(tracked)) return;
    restoration.leave(tracked);
    const child = this.#init.children.find(({ name }) => name === tracked.name);
    if (child?.abandoned) return;
    const how = child?.exitValue === undefined ? "it has ended" : `it has exited with ${child.exitValue}`;
    this.#gone(tracked.name, `${how} before it was restored`, restoration);
  }

  #gone(child: string, why: string, restoration: Restoration): void {
    this.#refuse(new RtcrFault("gone", `restore of "${child}": ${why}`, { child, why }), restoration);
  }

  /** True if the child is restored instead of started; with a bootstrap it is started, and restored at the barrier. */
  launch(child: Child): boolean {
    if (this.#doomed.has(child.name)) return true;
    const exited = this.#exited.find(({ name }) => name === child.name);
    if (exited && !this.#exitsRestored.has(child.name)) {
      this.#exitsRestored.add(child.name);
      this.#later(() => child.end(exited.value));
      return true;
    }
    const info = this.recorded(child.name);
    const tracked = this.#parts.child(child.name);
    if (!info || !tracked) return false;
    const together = this.#restoring?.system.children.map(({ name }) => name) ?? [];
    const restored: Arrived = (info) => restoredChild({ child, info, tracked, together });
    // To where it stood, not beyond, and with all that it had then.
    const has = (id: number) => child.sessions.some(({ request }) => request.id === id);
    const own = info.pd.nativeBehindBadge === undefined; // else whoever passes it on would allocate, too
    const ready = own && !beforeBarrier(info.parent) && TAKEN_IN_LATER.every(has);
    const bootstraps = tracked.context.bootstrapping && ready;
    if (this.#parts.options.strategy !== "bootstrap" || !bootstraps) {
      this.#arrive(tracked, restored);
      return true;
    }
    this.#parts.options.atPhase?.("bootstrap", child.name);
    this.#bootstrap(info, tracked, restored);
    return false;
  }

  /** The child is started, and restored when it has come to the barrier; if it stops before, or takes too long, nobody waits. */
  #bootstrap(info: ChildInfo, tracked: TrackedChild, restored: Arrived): void {
    const { cpu } = environment(tracked);
    const restoration = this.#restoring;
    if (restoration) this.#later(() => this.#giveTime(restoration, `begun ${tracked.name}`)); // this is in the middle of a start
    const stopped = this.#parts.env.signalHandler(() => {
      if (!this.#restoring?.has(tracked)) return;
      this.#gone(tracked.name, `${cpu.stopped() || "a thread"} was stopped in its bootstrap`, this.#restoring);
    });
    cpu.watch(stopped.context);
    this.#restoring?.atEnd(() => {
      stopped.dispose();
      if (cpu.base.capability.valid) cpu.watch(INVALID);
    }, tracked);
    const arrived = () =>
      this.#later(() =>
        this.#arrive(tracked, (become) => ({
          ...restored(become),
          standing: bootstrap.standing(become),
          ahead: bootstrap.ahead.of(become),
        })),
      );
    const { atPhase } = this.#parts.options;
    const inBootstrap = atPhase && ((phase: RestorePhase) => atPhase(phase, tracked.name));
    const bootstrap = new Bootstrap(info, tracked, arrived, inBootstrap);
  }

  /** Environments are waited for as bootstraps are: a server may never answer. */
  #awaitEnvironments(): void {
    this.#later(() => {
      const restoration = this.#restoring;
      const child = restoration && incomplete(restoration, this.#init.children);
      if (restoration && child) this.#giveTime(restoration, `created ${child.name}`);
    });
  }

  /** What the restore waits for has all of its time from now on. @param step once for each */
  #giveTime(restoration: Restoration, step: string): void {
    if (this.#restoring !== restoration || restoration.standby) return;
    restoration.putOff(step);
    if (restoration.deadline) return;
    const ms = this.#parts.options.bootstrapMs?.() ?? BOOTSTRAP_MS;
    const failed = (code: "late" | "refused", why: string) => {
      const { name, what, doing } = waitsFor(restoration, this.#init.children);
      const message = `restore of "${name}": its ${what} ${why}${code === "late" && doing !== "" ? `: ${doing}` : ""}`;
      this.#refuse(new RtcrFault(code, message, { child: name }), restoration);
    };
    restoration.deadline = new Deadline({
      ...{ env: this.#parts.env, init: this.#init, ms },
      passed: () => failed("late", `has not come to its end in ${ms} ms`),
      refused: (reason) => failed("refused", `can have no deadline: Timer session: ${reason}`),
    });
    if (this.#restoring !== restoration) restoration.deadline.end(); // refused already
  }

  /** A child is ready to be restored; when all are, they are, or stand by. */
  #arrive(tracked: TrackedChild, ready: Arrived): void {
    const restoration = this.#restoring;
    if (!restoration?.has(tracked)) return;
    if (!restoration.arrive(tracked, ready)) return this.#later(() => this.#givePds(restoration));
    if (this.#waits(restoration)) this.#standBy(restoration);
    else this.#restore(restoration);
  }

  /** Who has arrived passes PD sessions on to others, which can be started now. */
  #givePds(restoration: Restoration): void {
    const fault = this.#restoring === restoration && faultOf(() => givePds(restoration, this.#init.children));
    if (fault) this.#refuse(fault, restoration);
  }

  #waits({ told }: Restoration): boolean {
    return !told && (this.#parts.options.standby?.() ?? false);
  }

  #standBy(restoration: Restoration): void {
    restoration.deadline?.end();
    restoration.deadline = undefined;
    const ready = () => {
      log.info?.(`standing by: ${restoration.names}`);
      this.#parts.options.standingBy?.();
    };
    restoration.standby = new Standby(this.#parts.env, waiting(restoration, restoration.system), ready);
    restoration.standby.begin();
  }

  #restore(restoration: Restoration): void {
    restoration.standby?.end();
    restoration.standby = undefined;
    const scope = beginScope("Thread Restore", "blue");
    try {
      requireLiving(restoration.tracked, "restore");
      const children = restoration.children();
      for (const { info, tracked } of children) requireProgram(info, tracked);
      const keeper = this.#parts.options.keeper?.();
      const takes: (() => void)[] = [];
      const repairs = restore(children, {
        calls: restoration.system.calls,
        translation: new Translation(this.#parts.env.badges),
        keep: keepIn(this.#parts.env.pd),
        filled: (dataspace, content) => takes.push(keeper?.filled?.(dataspace, content) ?? (() => {})),
        atPhase: (phase) => this.#parts.options.atPhase?.(phase),
      });
      endScope(scope);
      if (this.#restoring !== restoration) return; // refused in the middle of it
      this.#restoring = undefined;
      for (const take of takes) take();
      restoration.end();
      log.info?.(`restored ${restoration.names}`);
      this.#parts.options.restored?.(repairs);
    } catch (thrown) {
      const known = thrown instanceof RtcrFault;
      const message = `restore of ${restoration.names}: ${messageOf(thrown)}`;
      this.#refuse(known ? thrown : new RtcrFault("mismatch", message, {}), restoration);
      if (!known) throw thrown; // a bug, which leaves nothing half made
    }
  }

  /** A child that is to be restored cannot even be started. */
  cannot(child: string, why: string): void {
    const restoration = this.#restoring;
    if (!restoration?.recorded(child)) return;
    const message = `restore of "${child}": it cannot be started: ${why}`;
    this.#refuse(new RtcrFault("refused", message, { child, why }), restoration);
  }

  /** The restore has failed: nothing of it is tried any more, and what was made of its children is taken down. */
  #refuse(fault: RtcrFault, restoration: Restoration): void {
    if (this.#restoring !== restoration) return;
    this.#restoring = undefined;
    restoration.end();
    for (const { name } of restoration.system.children) this.#doomed.add(name);
    this.#later(() => {
      for (const child of this.#init.children) if (this.#doomed.has(child.name)) child.end();
      this.#doomed.clear();
    });
    log.error?.(fault.message);
    this.#parts.env.log.write(`error: ${fault.message}`.slice(0, LOG_LIMIT - 1)); // init may not be there yet
    this.#parts.options.restored?.(fault);
  }

  /** Runs `work` from the event loop, when no child is in a call. */
  #later(work: () => void): void {
    const handler = this.#parts.env.signalHandler(() => {
      this.#putOff--;
      handler.dispose();
      work();
    });
    this.#putOff++; // not before there is a handler, which may cost more than there is
    handler.context.object?.submit(1);
  }
}
