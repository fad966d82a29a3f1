// The restore of one child, step by step; the order of steps over all children is restore.ts's. Every step finds what the ones
// before it have made by its badge (translation.ts).
import { type ChildInfo, type ComponentInfo, cpusOf, type DataspaceInfo } from "../checkpoint/index.ts";
import type { Settlement } from "../init/index.ts";
import { beginScope, endScope } from "../profile/index.ts";
import { ENV_SESSION, notify, type ParentSession, type SignalContext } from "../session/index.ts";
import { required } from "../util/index.ts";
import { Adoptions } from "./adoptions.ts";
import { environmentPd } from "./components.ts";
import { RtcrCpu } from "./cpu.ts";
import { RtcrPd } from "./pd.ts";
import type { RepairReport, RestoredChild } from "./restore.ts";
import { Allocations, type CpuPart } from "./restore-allocations.ts";
import { fundComponents, loadComponent } from "./restore-components.ts";
import { type Filled, restoreContents } from "./restore-contents.ts";
import { RestoreFaults } from "./restore-faults.ts";
import { isPassedOn, type RestoredPart } from "./restore-part.ts";
import { Relations } from "./restore-relations.ts";
import { Sessions } from "./restore-sessions.ts";
import { Streams } from "./restore-streams.ts";
import type { Keep } from "./rom.ts";
import type { Translation } from "./translation.ts";

export interface RestorerParts {
  readonly translation: Translation;
  readonly keep: Keep;
  readonly settlement: Settlement;
}

export class Restorer {
  /** Sessions that other children serve. */
  readonly adoptions: Adoptions;
  readonly #child: RestoredChild;
  readonly #info: ChildInfo;
  readonly #translation: Translation;
  readonly #pd: RtcrPd;
  /** The child's own component first. */
  readonly #parts: RestoredPart[];
  readonly #cpus: CpuPart[] = [];
  readonly #faults: RestoreFaults;
  readonly #allocations: Allocations;
  readonly #relations: Relations;
  readonly #streams: Streams;
  readonly #sessions: Sessions;
  /** Some of its sessions are yet to be served when its relations are made. */
  #late = false;

  constructor(child: RestoredChild, { translation, keep, settlement }: RestorerParts) {
    this.#child = child;
    this.#info = child.info;
    this.#translation = translation;
    this.#faults = new RestoreFaults(child.info.name);
    this.#allocations = new Allocations(child, translation, this.#faults);
    this.#relations = new Relations(translation, this.#faults);
    const pd = environmentPd(child.tracked);
    const { refused } = this.#faults;
    this.#streams = new Streams(child.info, { tracked: child.tracked, refused });
    this.#pd = pd;
    this.#parts = [{ pd, info: child.info.pd, record: child.info }];
    this.adoptions = new Adoptions(child, { translation, settlement, refused });
    const { adoptions } = this;
    this.#sessions = new Sessions(child, { translation, keep, adoptions, streams: this.#streams, refused });
  }

  /** Sessions that the child did not have, or that were others. */
  closeOthers(): void {
    this.#sessions.closeOthers();
  }

  /** The program as it was, with the files that it has open: what is not there is found before anything is made. */
  program(): void {
    const cpu = this.#child.tracked.at(ENV_SESSION.cpu);
    if (cpu instanceof RtcrCpu) for (const thread of cpu.threads) thread.clear();
    this.#streams.first(new Set(this.adoptions.open.map(({ id }) => id)));
    this.#restoreModule(this.#parts[0]!);
  }

  /** Sessions to the outside. Objects that the child's programs serve are promised. */
  sessions(): void {
    const { components = [], cpu } = this.#info;
    for (const { servedBadges = [] } of [this.#info, ...components])
      for (const badge of servedBadges) this.#translation.promise(badge);
    this.#allocations.nameEnvironment(this.#pd);
    if (this.#child.tracked.at(ENV_SESSION.cpu)) this.#sessions.upgrade("CPU", cpu);
    this.#sessions.open();
    this.#findParts();
  }

  /** Sessions of core's that other children pass on, as far as these have them again. @returns how many */
  adoptPassedOn(): number {
    const adopted = this.adoptions.adoptPassedOn();
    if (adopted > 0) this.#findParts();
    return adopted;
  }

  /** What others may stand before. */
  #findParts(): void {
    this.#findCpus();
    this.#findPds();
  }

  /** In whatever component they are. @throws RtcrFault "mismatch" */
  makeThreads(): void {
    for (const each of this.#cpus) this.#allocations.makeThreads(each);
  }

  /** @returns how many */
  takeThreads(): number {
    return this.#cpus.reduce((count, each) => count + this.#allocations.takeThreads(each), 0);
  }

  /** @returns how many */
  takeRegionMaps(): number {
    return this.#info.rms.reduce((count, each) => count + this.#allocations.takeRegionMaps(each), 0);
  }

  /** @throws RtcrFault "mismatch" if one of what other children pass on is not there */
  requirePassedOn(): void {
    const { passedOn } = this.#allocations;
    for (const { info } of this.#cpus) passedOn.require(info.threads, "cpu-thread");
    for (const { regionMaps } of this.#info.rms) passedOn.require(regionMaps, "region-map");
  }

  get cpu(): RtcrCpu {
    return this.#cpus.find(({ info }) => info.id === ENV_SESSION.cpu)!.cpu;
  }

  /** Whatever else can be named: RPC objects may have any child's threads as their entrypoints. */
  objects(): void {
    const { rms } = this.#info;
    for (const part of this.#parts) {
      if (isPassedOn(part)) continue;
      this.#allocations.makeSignals(part);
      this.#allocations.makeDataspaces(part);
    }
    for (const info of rms) this.#allocations.makeRegionMaps(info);
  }

  /** Of PD sessions that other children pass on, when these have them again. */
  takeObjects(): void {
    for (const part of this.#parts) if (isPassedOn(part)) this.#allocations.passedOn.takeObjects(part);
  }

  get name(): string {
    return this.#info.name;
  }

  /** Everything that names something. */
  relations(): void {
    const { parent, rms } = this.#info;
    this.#late = this.adoptions.promised;
    if (!this.#late) this.#sessions.restore();
    for (const part of this.#parts) this.#relations.attachAreas(part);
    for (const [map, info] of rms.flatMap((rm) => this.#allocations.ownMaps(rm))) this.#relations.attachAll(map, info);
    for (const each of this.#cpus) this.#relations.handleExceptions(each);
    required(this.#pd.parent, "a parent").restore(parent, (badge) => this.#translation.get<SignalContext>(badge));
    for (const part of this.#parts) {
      const { parentBadge = 0 } = part.record as Partial<ComponentInfo>; // RTCR has assigned that of the child itself
      if (parentBadge !== 0) part.pd.assignParent(this.#translation.get<ParentSession>(parentBadge));
      if (part.pd.passesOn) continue; // the program is the client's
      this.#relations.installCapabilities(part);
      this.#restoreNative(part);
    }
    // What a WASI program works with it has of its parent, which is there now.
    for (const part of this.#parts.slice(1)) if (isWasi(part)) this.#restoreModule(part);
  }

  /** What needs servers that come behind their clients. */
  lateRelations(): void {
    if (this.#late) this.#sessions.restore();
  }

  /** What the restore has set off is none of a program's business; native components look at everything anew. */
  dropSignals(): void {
    for (const { pd } of this.#parts) {
      if (pd.native.program()?.native !== undefined) continue;
      for (const { capability } of pd.sources) while (capability.object?.take());
    }
  }

  /** Signals that were waiting, in their order, and those of what is different here. */
  signals(): void {
    const { parent } = this.#info;
    const context = (badge: number) => this.#translation.get<SignalContext>(badge);
    const told = new Set<number>();
    for (const part of this.#parts) {
      const { info } = part;
      const own = !isPassedOn(part); // else they are notified where they were made
      const pending = info.signalContexts.filter(({ queued }) => queued > 0).sort((a, b) => a.queued - b.queued);
      for (const { badge, pending: count } of pending) {
        if (own) notify(context(badge), count);
        told.add(badge);
      }
    }
    for (const [rom, { handlerBadge }] of this.#sessions.changedRoms) if (!told.has(handlerBadge)) rom.tell();
    const changed = this.#sessions.changed || this.adoptions.changed;
    if (changed && !told.has(parent.sessionHandlerBadge)) notify(context(parent.sessionHandlerBadge));
    const { request, resourceHandlerBadge } = parent;
    if (request === "") return;
    if (!this.#hasMore()) this.#child.setRequest(request);
    else if (!told.has(resourceHandlerBadge)) notify(context(resourceHandlerBadge)); // it looks, and may ask again
  }

  /** Whether this place gives the child more than it had. */
  #hasMore(): boolean {
    const pd = required(this.#pd.base.capability.object, "a PD");
    return pd.ramQuota() > this.#info.pd.ramQuota || pd.capQuota() > this.#info.pd.capQuota;
  }

  /** Whether programs in TypeScript are among its components: by `relations` they have run. */
  get native(): boolean {
    return this.#parts.some(({ record }) => record.native !== undefined);
  }

  /**
   * Bytes, each once. Stacks that a bootstrap stands on are repaired.
   *
   * @param untouched no program has run since `objects`
   */
  contents(untouched: boolean, filled: Filled): readonly RepairReport[] {
    const { made } = this.#allocations;
    const zeroed = (info: DataspaceInfo) => untouched && made.has(info);
    const parts = { child: this.#child, translation: this.#translation, faults: this.#faults, zeroed, filled };
    return this.#parts.flatMap((part) => {
      const standing = part.pd === this.#pd ? this.#child.standing : undefined;
      return restoreContents(part, standing, parts);
    });
  }

  threads(calls: ReadonlyMap<number, number>): void {
    for (const { thread, info, cpu } of this.#allocations.threads) {
      const handler = this.#translation.get<SignalContext>(info.faultHandlerBadge);
      if (info.behindBadge !== undefined) {
        thread.takeUp(info, handler); // what is behind it takes up the rest
        continue;
      }
      thread.hold();
      const taken = thread.restore(info, handler, calls);
      if (!taken.ok && taken.reason === "out-of-ram")
        throw this.#faults.refused(`frames of thread "${info.name}"`, "its PD cannot pay for them: out-of-ram");
      if (!taken.ok) throw this.#faults.mismatch(`thread "${info.name}"`);
      cpu.setPlace(thread, info.place);
    }
  }

  release(): void {
    this.#child.tracked.context.restoring = false;
    const scope = beginScope("Resume", "green");
    for (const { thread } of this.#allocations.threads) thread.release();
    endScope(scope);
  }

  /** CPU sessions that are there and were not yet. */
  #findCpus(): void {
    for (const info of cpusOf(this.#info)) {
      const cpu = this.#child.tracked.at(info.id);
      if (!(cpu instanceof RtcrCpu) || this.#cpus.some((each) => each.cpu === cpu)) continue;
      this.#allocations.nameCpu(info, cpu);
      this.#cpus.push({ cpu, info });
    }
  }

  /** Components that are there and were not yet. */
  #findPds(): void {
    for (const record of this.#info.components ?? []) {
      const pd = this.#child.tracked.at(record.pd.id);
      if (!(pd instanceof RtcrPd) || this.#parts.some((part) => part.pd === pd)) continue;
      this.#parts.push({ pd, info: record.pd, record });
      this.#allocations.namePd(record.pd, pd);
    }
  }

  /** State of a module outside dataspaces, before anything runs in it. */
  #restoreModule({ pd, info, record }: RestoredPart): void {
    if (record.native !== undefined || record.program === "") return;
    const instance = pd.native.restoreInstance(info.instance);
    if (instance.ok) return;
    const why = pd.native.problem();
    const whose = record === this.#info ? "its program" : `the program of component "${record.name}"`;
    if (why !== "") throw this.#faults.refused(`what ${whose} works with`, why);
    throw this.#faults.mismatch(`the program's globals and tables (${instance.reason})`);
  }

  /** A program in TypeScript goes on when everything that it holds is there. */
  #restoreNative({ pd, info, record }: RestoredPart): void {
    if (record.native === undefined) return;
    const instance = pd.native.restoreInstance(info.instance);
    if (!instance.ok) throw this.#faults.mismatch(`the state of "${record.native}" (${pd.native.problem()})`);
  }

  /** What the child's sessions are the PDs and CPU sessions of: components that it keeps itself. */
  components(): void {
    const { components = [] } = this.#info;
    const { tracked } = this.#child;
    const lacking = cpusOf(this.#info).find((cpu) => !this.#cpus.some(({ info }) => info === cpu));
    if (lacking) throw this.#faults.mismatch(`session ${lacking.id}, a CPU session,`);
    const unknown = components.find((record) => !this.#parts.some((part) => part.record === record));
    if (unknown) throw this.#faults.mismatch(`session ${unknown.pd.id}, a PD session,`);
    const { refused } = this.#faults;
    fundComponents(this.#info, { tracked, translation: this.#translation, refused });
    for (const part of this.#parts.slice(1)) {
      loadComponent(part.pd, part.record as ComponentInfo, { tracked, translation: this.#translation, refused });
      this.#translation.add(part.info.dataBadge, part.pd.native.data()); // there since the program is
      if (!isWasi(part)) this.#restoreModule(part);
    }
  }
}

function isWasi({ pd }: RestoredPart): boolean {
  return pd.native.program()?.wasi === true;
}
