// Restore: children become what was recorded of them. One procedure for both strategies of the thesis (4.2, spec 4.3, 4.4):
//
//   bootstrap  the child has bootstrapped as ever and stands at the barrier (bootstrap.ts); what the bootstrap made is found
//              again by its allocation number, stacks are repaired
//   direct     nothing was made but the environment; everything is made here
//
// In both, whatever is recorded and not there is made, whatever is there and not recorded goes.
//
//   objects    of every child: donations, sessions, threads, sources, contexts, dataspaces, region maps, RPC objects
//   relations  that cross children: sessions between them, attachments, handlers, capability tables, signals that wait,
//              contents, calls under way
//   threads    take up their states, and go on together
//
// I1  Objects exist before anything names them: the translation is complete when relations are made.
// I2  Nothing of a child runs before everything of all children is there.
// I3  Whatever is refused ends the restore by name; the supervisor takes the children down.
// I4  A child that ends in the middle of it ends the restore, too.
import type { CallInfo, ChildInfo, DataspaceInfo, ForeignSessionInfo, SystemCheckpoint } from "../checkpoint/index.ts";
import { type Donations, Settlement } from "../init/index.ts";
import { type Capability, type CpuThread, objectOf, type ParentSession } from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
import type { Standing } from "./bootstrap.ts";
import { RtcrFault } from "./faults.ts";
import { requireLiving } from "./living.ts";
import { untilDone } from "./passed-on.ts";
import type { RestorePhase } from "./phases.ts";
import type { Filled } from "./restore-contents.ts";
import { awaitedOf, donationsOf } from "./restore-donations.ts";
import { Restorer } from "./restorer.ts";
import type { Keep } from "./rom.ts";
import { serversFirst } from "./server-order.ts";
import type { TrackedChild } from "./tracked-child.ts";
import type { Translation } from "./translation.ts";

export const STRATEGIES = ["bootstrap", "direct"] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** A child whose environment is there and whose program is loaded, and what it shall become. */
export interface RestoredChild {
  readonly info: ChildInfo;
  /** Names of all children that are restored with it. */
  readonly together: readonly string[];
  readonly tracked: TrackedChild;
  /** The parent behind the interposer: sessions are opened there in the child's name. */
  readonly parent: ParentSession;
  /** Those that it has now, as it would open them again. */
  readonly sessions: () => readonly { readonly id: number; readonly service: string; readonly args: string }[];
  /** Who pays for its sessions, and gets what its clients pay. */
  readonly account: Pick<Donations, "client" | "server">;
  /** Numbers of the sessions that it serves are those from before from now on. */
  readonly continueNumbers: () => void;
  /** Tells the parent which thread is the main one. */
  readonly setMainThread: (thread: Capability<CpuThread>) => void;
  /** Tells the parent what the child has asked for, and not got. */
  readonly setRequest: (args: string) => void;
  /** Takes in a session that a sibling serves, or one that is over; INVALID: there was no capability. `behind`: as `Opened` has it. */
  readonly adopt: (
    info: ForeignSessionInfo,
    capability: Capability,
    settlement: Settlement,
    behind?: readonly Capability[],
  ) => Attempt<void, string>;
  /** Takes in the sessions that the child serves but for these, which its clients have adopted or will: it is to close them. */
  readonly adoptServed: (but: ReadonlySet<number>, settlement: Settlement) => void;
  /** Where the threads of the bootstrap stand; absent: there was none. */
  readonly standing?: Standing | undefined;
  /** Recorded dataspaces that are there and were not made by the bootstrap: they are zero. */
  readonly ahead?: ReadonlySet<DataspaceInfo> | undefined;
}

/** What a restore did to stacks, in bytes (thesis 7.4). */
export interface RepairReport {
  readonly child: string;
  readonly thread: string;
  /** Between the recorded stack pointer and that at the barrier: copied. */
  readonly repaired: number;
  /** Below the recorded stack pointer, where a function without calls may have data: copied. */
  readonly redZone: number;
  /** Above the barrier's stack pointer: what the bootstrap has made anew as it was recorded, and what differed and was replaced. */
  readonly kept: number;
  readonly replaced: number;
  /** All that was written: `repaired`, `redZone` and `replaced`. */
  readonly written: number;
}

export interface RestoreOptions {
  readonly calls: SystemCheckpoint["calls"];
  readonly translation: Translation;
  readonly keep: Keep;
  /** Nothing runs meanwhile. */
  readonly filled: Filled;
  /** Told of each phase as it begins. */
  readonly atPhase: (phase: RestorePhase) => void;
}

/** @throws RtcrFault "refused", "mismatch", "gone" */
export function restore(
  children: readonly RestoredChild[],
  { calls, translation, keep, filled, atPhase }: RestoreOptions,
): readonly RepairReport[] {
  const tracked = children.map((child) => child.tracked);
  const enter = (phase: RestorePhase) => {
    atPhase(phase);
    requireLiving(tracked, "restore");
  };
  try {
    const settlement = new Settlement();
    const restorers = children.map((child) => new Restorer(child, { translation, keep, settlement }));
    enter("objects");
    for (const restorer of restorers) restorer.closeOthers();
    for (const child of children) child.continueNumbers();
    const adopting = restorers.map(({ adoptions }, i) => ({ child: children[i]!, adopted: adoptions.open }));
    settle(donationsOf(adopting), settlement);
    for (const restorer of restorers) restorer.program();
    for (const restorer of restorers) restorer.sessions();
    untilDone(restorers, (restorer) => restorer.adoptPassedOn());
    for (const restorer of restorers) restorer.components();
    for (const restorer of restorers) restorer.makeThreads();
    untilDone(restorers, (restorer) => restorer.takeThreads());
    for (const restorer of restorers) restorer.objects();
    for (const restorer of restorers) restorer.takeObjects();
    untilDone(restorers, (restorer) => restorer.takeRegionMaps());
    for (const restorer of restorers) restorer.requirePassedOn();
    enter("relations");
    for (const restorer of restorers) restorer.adoptions.adopt(false);
    for (const child of children) child.adoptServed(awaitedOf(child.info.name, adopting), settlement);
    for (const together of inOrder(restorers)) relate(together);
    for (const { adoptions } of restorers) adoptions.requireMade();
    settlement.end();
    for (const restorer of restorers) restorer.dropSignals();
    for (const restorer of restorers) restorer.signals();
    enter("bytes");
    const untouched = !restorers.some(({ native }) => native);
    const repairs = restorers.flatMap((restorer) => restorer.contents(untouched, filled));
    enter("calls");
    const numbers = adoptCalls(calls, restorers, translation);
    enter("threads");
    for (const restorer of restorers) restorer.threads(numbers);
    enter("go-on");
    for (const restorer of restorers) restorer.release();
    return repairs;
  } catch (thrown) {
    requireLiving(tracked, "restore"); // else what was thrown is only what came of that
    throw thrown;
  } finally {
    translation.settle();
  }
}

/** What children have donated to each other. @throws RtcrFault "refused" */
function settle(donations: readonly Donations[], settlement: Settlement): void {
  const short = settlement.settle(donations);
  if (!short) return;
  const { name, why } = short;
  const message = `restore of "${name}": what it and the others have donated to each other: ${why}`;
  throw new RtcrFault("refused", message, { child: name, why });
}

/** Servers first. */
function inOrder(restorers: readonly Restorer[]): readonly (readonly Restorer[])[] {
  return serversFirst(
    restorers,
    ({ name }) => name,
    ({ adoptions }) => adoptions.awaited,
  );
}

/** @param together one, or several that serve each other: they have their sessions before anybody serves them */
function relate(together: readonly Restorer[]): void {
  if (together.length > 1) untilDone(together, ({ adoptions }) => adoptions.adoptPromised());
  for (const restorer of together) {
    restorer.adoptions.adopt(true);
    restorer.relations();
  }
  for (const restorer of together) restorer.lateRelations();
}

/** Calls whose caller or entrypoint is among the children go on; the rest is issued again, or nobody waits for it. */
function adoptCalls(
  calls: readonly CallInfo[],
  [first]: readonly Restorer[],
  translation: Translation,
): ReadonlyMap<number, number> {
  const numbers = new Map<number, number>();
  for (const { targetBadge, callerBadge, entrypointBadge, bytes, capabilityBadges, ...call } of calls) {
    const entrypoint = translation.get<CpuThread>(entrypointBadge);
    const servedOutside = entrypointBadge === 0 ? call.state !== "done" : !entrypoint.valid;
    if (servedOutside || !first) continue;
    if (entrypoint.valid && !objectOf<CpuThread>(entrypoint, "cpu-thread")) {
      throw new RtcrFault("mismatch", `restore: call ${call.number}: what serves it is no thread`, {
        call: call.number,
      });
    }
    const number = first.cpu.adoptCall({
      ...call,
      target: translation.orDead(targetBadge),
      caller: translation.get<CpuThread>(callerBadge),
      entrypoint,
      message: { bytes, capabilities: capabilityBadges.map((badge) => translation.orDead(badge)) },
    });
    numbers.set(call.number, number);
  }
  return numbers;
}
