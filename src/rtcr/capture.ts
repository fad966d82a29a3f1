// Checkpoint: children that stand still become information, as one consistent cut (spec 1.7, design.md section 7).
//
//   lease storage -> hold every thread -> copy contents, record everything -> release
//
// I1  Between hold and release no thread of any child runs, so that calls, signals and shared memory between them are
//     those of one moment. Threads that wait are no obstacle: what they wait for is data (thesis 7.6).
// I2  Contents go into the lease only; a dataspace that several children see is copied once, with its owner.
// I3  The children go on afterwards, whatever happens.
// I4  A checkpoint has all of its children, or there is none: one that ends in the middle of it is named.
import {
  type CallInfo,
  type ChildInfo,
  type ExitedChild,
  type ForeignSessionInfo,
  frozen,
  type SystemCheckpoint,
} from "../checkpoint/index.ts";
import { beginScope, endScope, inScope } from "../profile/index.ts";
import type { Cached, CallState, Dataspace } from "../session/index.ts";
import { capabilitiesOf, captureComponents, environment, nativeInfo } from "./components.ts";
import { RtcrCpu } from "./cpu.ts";
import { type DataProvider, type Lease, leaseBytes } from "./data-provider.ts";
import { RtcrFault } from "./faults.ts";
import { lives, requireLiving } from "./living.ts";
import { RtcrLog } from "./log.ts";
import { RtcrPd } from "./pd.ts";
import type { CopyOut } from "./pd-objects.ts";
import type { CheckpointPhase } from "./phases.ts";
import { RtcrReport } from "./report.ts";
import { RtcrRm } from "./rm.ts";
import { RtcrRom } from "./rom.ts";
import { inCheckpoint } from "./scopes.ts";
import { RtcrTimer } from "./timer.ts";
import type { Timing } from "./timing.ts";
import type { TrackedChild } from "./tracked-child.ts";

export interface CaptureOptions {
  readonly name: string;
  readonly parent?: string | undefined;
  readonly provider: DataProvider;
  /** Sessions of a child that are still being created. */
  readonly exited: readonly ExitedChild[];
  readonly pending: (child: TrackedChild) => readonly ForeignSessionInfo[];
  /** Copies what it can, instead of the processor. */
  readonly engine?: CopyEngine | undefined;
  /** Notes how long each part takes, and when each phase begins. */
  readonly timing?: Timing | undefined;
  /** Told of each phase as it begins. */
  readonly atPhase?: ((phase: CheckpointPhase) => void) | undefined;
}

/** Measures a part of the checkpoint by the name of its scope. */
type Measure = typeof inCheckpoint;

/**
 * A replaceable copy engine (S110; the CDMA module of v2 copied uncached dataspaces by hardware). False: it cannot copy
 * this one, and has written nothing.
 */
export type CopyEngine = (dataspace: Dataspace, cached: Cached | undefined, target: Uint8Array) => boolean;

/** A checkpoint, and the storage that its contents lie in: release it when the checkpoint has been stored or dropped. */
export interface Captured {
  readonly system: SystemCheckpoint;
  readonly lease: Lease;
}

/**
 * The state of children that share one moment.
 *
 * @throws RtcrFault "unsaveable", "no-room", "gone"; the children go on in any case
 */
export function capture(children: readonly TrackedChild[], options: CaptureOptions): Captured {
  const { timing, atPhase } = options;
  const enter = (phase: CheckpointPhase) => {
    timing?.enter(phase);
    atPhase?.(phase);
  };
  const captured = take(children, options, enter);
  enter("information");
  frozen(captured.system); // the children go on already
  return captured;
}

function take(
  children: readonly TrackedChild[],
  { name, parent, provider, exited, pending, engine, timing }: CaptureOptions,
  enter: (phase: CheckpointPhase) => void,
): Captured {
  const living = children.filter(lives);
  const lease = provider.lease(leaseBytes(children.flatMap(contentBytes)));
  if (!lease.ok) {
    const bytes = leaseBytes(children.flatMap(contentBytes));
    throw new RtcrFault(
      "no-room",
      `a checkpoint of ${bytes} bytes finds no storage: the data provider has no room for it`,
      {
        bytes,
      },
    );
  }
  const measure: Measure = timing ? (part, body) => timing.measure(part, () => inCheckpoint(part, body)) : inCheckpoint;
  const copy: CopyOut = (dataspace, size, cached) => {
    enter("contents");
    const target = lease.value.take(size);
    measure("Checkpoint of dataspace", () => engine?.(dataspace, cached, target) || dataspace.read(0, target));
    return target;
  };
  const checkpoint = beginScope("Checkpoint", "red");
  try {
    enter("hold");
    inScope("Pause", "green", () => hold(children));
    enter("held");
    const created = new Date().toISOString();
    const infos = children.map((child) => captureChild(child, { copy, measure, enter }, pending(child)));
    const system = {
      created,
      name,
      ...(parent === undefined ? {} : { parent }),
      children: infos,
      exited,
      calls: calls(children),
    };
    requireLiving(living, "checkpoint");
    enter("release");
    return { system, lease: lease.value };
  } catch (thrown) {
    lease.value.release();
    requireLiving(living, "checkpoint"); // else what was thrown is only what came of that
    throw thrown;
  } finally {
    inScope("Resume", "green", () => release(children));
    endScope(checkpoint);
  }
}

function hold(children: readonly TrackedChild[]): void {
  for (const child of children) for (const cpu of child.of(RtcrCpu)) for (const thread of cpu.threads) thread.hold();
}

function release(children: readonly TrackedChild[]): void {
  for (const child of children) for (const cpu of child.of(RtcrCpu)) for (const thread of cpu.threads) thread.release();
}

function contentBytes(child: TrackedChild): number[] {
  return child.of(RtcrPd).flatMap((pd) => pd.contentBytes());
}

interface Recording {
  readonly copy: CopyOut;
  readonly measure: Measure;
  readonly enter: (phase: CheckpointPhase) => void;
}

function captureChild(
  child: TrackedChild,
  { copy, measure, enter }: Recording,
  pending: readonly ForeignSessionInfo[],
): ChildInfo {
  const { pd, cpu } = environment(child);
  const program = pd.native.program();
  if (!program || !pd.parent) {
    throw new RtcrFault("unsaveable", `child "${child.name}" has no program`, { child: child.name });
  }
  const pdInfo = measure("Checkpoint of PD", () => pd.checkpoint(copy));
  enter("records");
  return {
    name: child.name,
    program: program.module,
    windows: program.windows,
    parent: pd.parent.checkpoint(),
    pd: pdInfo,
    cpu: measure("Checkpoint of CPU", () => cpu.checkpoint()),
    logs: measure("Checkpoint of LOG", () => child.of(RtcrLog).map((log) => log.checkpoint())),
    timers: measure("Checkpoint of Timer", () => child.of(RtcrTimer).map((timer) => timer.checkpoint())),
    roms: measure("Checkpoint of ROM", () => child.of(RtcrRom).map((rom) => rom.checkpoint())),
    rms: measure("Checkpoint of RM", () => child.of(RtcrRm).map((rm) => rm.checkpoint())),
    reports: child.of(RtcrReport).map((report) => report.checkpoint()),
    foreign: [...child.foreign, ...pending],
    capabilities: measure("Checkpoint of capabilities", () => capabilitiesOf(pd)),
    ...nativeInfo(pd),
    ...captureComponents(child, copy),
  };
}

/** Calls that threads of the children make or serve, each once. */
function calls(children: readonly TrackedChild[]): readonly CallInfo[] {
  const found = new Map<number, CallState>();
  for (const child of children) {
    for (const cpu of child.of(RtcrCpu)) for (const call of cpu.calls()) found.set(call.number, call);
  }
  return [...found.values()].sort((a, b) => a.number - b.number).map(toInfo);
}

function toInfo({ number, target, opcode, state, status, caller, entrypoint, message }: CallState): CallInfo {
  return {
    ...{ number, opcode, state, status },
    targetBadge: target.badge,
    callerBadge: caller.badge,
    entrypointBadge: entrypoint.badge,
    bytes: message.bytes.slice(),
    capabilityBadges: message.capabilities.map(({ badge }) => badge),
  };
}
