// Checkpoint: children that stand still become information, as one consistent cut (spec 1.7, design.md section 7).
//
//   lease storage -> hold every thread -> write contents and records into it -> release -> write what is late -> records
//   become information
//
// I1  Between hold and release no thread of any child runs, so that calls, signals and shared memory between them are
//     those of one moment. Threads that wait are no obstacle: what they wait for is data (thesis 7.6).
// I2  Everything goes into the lease; a dataspace that several children see is copied once, with its owner.
// I3  The children go on afterwards, whatever happens.
// I4  A checkpoint has all of its children, or there is none: one that ends in the middle of it is named.
// I5  Between hold and release nothing is made that grows with what the children have, and no backing store.
// I6  What lives in the event loop of the kernel (programs in TypeScript, sessions of File_system and Terminal, what the
//     supervisor knows of others) is asked behind the release, in the same turn of that loop: it is still as it was.
import {
  type ExitedChild,
  type ForeignSessionInfo,
  findUsedLines,
  frozen,
  type RecordedBytes,
  type ServedSessionsInfo,
  type SystemCheckpoint,
} from "../checkpoint/index.ts";
import { beginScope, endScope, inScope } from "../profile/index.ts";
import { type Capability, type Dataspace, objectOf } from "../session/index.ts";
import { writeCalls, writeChild, writeLate } from "./capture-child.ts";
import { naming } from "./components.ts";
import type { KeptContents } from "./content-keeper.ts";
import type { Copier } from "./copier.ts";
import { RtcrCpu } from "./cpu.ts";
import type { Lease } from "./data-provider.ts";
import { RtcrFault } from "./faults.ts";
import { componentsKept, lives, requireKept, requireLiving } from "./living.ts";
import { CopyPlan } from "./parallel/parallel-copier.ts";
import { RtcrPd } from "./pd.ts";
import type { CheckpointPhase } from "./phases.ts";
import { RecordReader } from "./record-reader.ts";
import { RecordWriter } from "./record-writer.ts";
import { PARTS, PARTS_IN_PARALLEL, readRecords } from "./records.ts";
import { RtcrReport } from "./report.ts";
import { RtcrRom } from "./rom.ts";
import { copierFor, giveBack, type Room, type RoomOptions, roomFor } from "./room.ts";
import { inCheckpoint } from "./scopes.ts";
import type { Timing } from "./timing.ts";
import type { TrackedChild } from "./tracked-child.ts";

export interface CaptureOptions extends RoomOptions {
  readonly name: string;
  readonly parent?: string | undefined;
  /** Bytes that records have needed before, beside contents. */
  readonly recordBytes?: number | undefined;
  readonly exited: readonly ExitedChild[];
  /** Sessions of a child that are still being created. */
  readonly pending: (child: TrackedChild) => readonly ForeignSessionInfo[];
  /** What a child has asked its parent for, and not got; empty: nothing. */
  readonly request: (child: TrackedChild) => string;
  /** Sessions that a child serves. */
  readonly serves: (child: TrackedChild) => ServedSessionsInfo;
  /** What programs have written where nothing was ever attached is recorded, too. */
  readonly unattached?: boolean | undefined;
  /** Notes how long each part takes, and when each phase begins. */
  readonly timing?: Timing | undefined;
  /** Told of each phase as it begins. */
  readonly atPhase?: ((phase: CheckpointPhase) => void) | undefined;
}

/** A checkpoint, and the storage that its contents lie in: release it when the checkpoint has been stored or dropped. */
export interface Captured {
  readonly system: SystemCheckpoint;
  readonly lease: Lease;
  /** Of it that are in use. */
  readonly bytes: number;
  /** Bytes of it that records have needed, beside contents. */
  readonly recordBytes: number;
}

/** Pauses that one checkpoint takes at most: a lease that was too small is asked for again with what was needed. */
const ATTEMPTS = 3;
/** What records need before anything is known of them. */
const FIRST_RECORD_BYTES = 64 << 10;
const RECORD_BYTES_OF_DATASPACE = 160;
/** Bytes of small contents that are looked at behind the pause, in 0.1 ms; others are when they are first restored. */
const LOOK_BYTES = 1 << 20;

/**
 * The state of children that share one moment.
 *
 * @throws RtcrFault "unsaveable", "no-room", "copy-failed", "gone"; the children go on in any case
 */
export function capture(children: readonly TrackedChild[], options: CaptureOptions): Captured {
  const { timing, atPhase } = options;
  const enter = (phase: CheckpointPhase) => {
    timing?.enter(phase);
    atPhase?.(phase);
  };
  const checkpoint = beginScope("Checkpoint", "red");
  try {
    const plan = new CopyPlan();
    const { leastBytes, likelyBytes } = prepare(children, plan, options);
    let needed = leastBytes;
    let granules: number | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const need = { leastBytes: needed, likelyBytes: Math.max(needed, likelyBytes), granules };
      const room = roomFor(allocated(children), options, need);
      if (!room) break;
      const { lease, kept } = room;
      const { written, copier } = attempted(children, room, plan, options, enter);
      if (written.bytes <= lease.bytes.length && !kept?.missing) {
        return informed(written, leastBytes, room, options, enter);
      }
      giveBack(room, copier);
      needed = Math.max(needed, written.bytes);
      granules = kept?.missing ? kept.needed : granules;
    }
    const message = `a checkpoint of ${needed} bytes finds no storage: the data provider has no room for it`;
    throw new RtcrFault("no-room", message, { bytes: needed });
  } finally {
    endScope(checkpoint);
  }
}

/** Bytes of a lease that a checkpoint of children would probably need now. */
export function likelyBytes(
  children: readonly TrackedChild[],
  options: Pick<CaptureOptions, "recordBytes" | "keeper">,
): number {
  return prepare(children, new CopyPlan(), options).likelyBytes;
}

/** Whatever is thrown, the room has been given back. */
function attempted(
  children: readonly TrackedChild[],
  room: Room,
  plan: CopyPlan,
  options: CaptureOptions,
  enter: (phase: CheckpointPhase) => void,
): { readonly written: Written; readonly copier: Copier } {
  let copier: Copier | undefined;
  try {
    copier = copierFor(room, plan, options, () => enter("contents"));
    return { copier, written: write(children, room, copier, options, enter) };
  } catch (thrown) {
    giveBack(room, copier);
    throw thrown;
  }
}

interface Written {
  /** That were written, or would have been. */
  readonly bytes: number;
  /** Behind so many comes what was written late. */
  readonly lateAt: number;
  /** When: milliseconds since 1970. */
  readonly time: number;
}

/** A lease that cannot hold everything is of no use, but says how many bytes are needed. */
function write(
  children: readonly TrackedChild[],
  room: Room,
  copier: Copier,
  options: CaptureOptions,
  enter: (phase: CheckpointPhase) => void,
): Written {
  const living = children.filter(lives);
  const kept = componentsKept(living);
  const requireAll = () => {
    requireLiving(living, "checkpoint");
    requireKept(kept, "checkpoint");
  };
  const records = new RecordWriter(room.lease.bytes, copier, room.kept);
  try {
    const time = writePause(records, children, room.lease, copier, options, enter, requireAll);
    const lateAt = records.neededBytes;
    requireAll();
    writeAllLate(records, children, options);
    return { bytes: records.neededBytes, lateAt, time };
  } catch (thrown) {
    requireAll(); // else what was thrown is only what came of that
    throw thrown;
  }
}

/** The pause. @returns when it was: milliseconds since 1970 */
function writePause(
  records: RecordWriter,
  children: readonly TrackedChild[],
  lease: Lease,
  copier: Copier,
  { pool, timing, request, unattached = false }: CaptureOptions,
  enter: (phase: CheckpointPhase) => void,
  requireAll: () => void,
): number {
  const order = pool ? PARTS_IN_PARALLEL : PARTS;
  try {
    enter("hold");
    inScope("Pause", "green", () => hold(children));
    enter("held");
    const time = Date.now();
    const list = records.beginList();
    const options = { order, request, unattached, timing, enter };
    for (let i = 0; i < children.length; i++) writeChild(records, children[i]!, options);
    records.endList(list, children.length);
    writeCalls(records, children);
    const join = () => copier.join();
    if (records.neededBytes <= lease.bytes.length) timing ? timing.join(join) : join();
    requireAll();
    enter("release");
    return time;
  } finally {
    inScope("Resume", "green", () => release(children));
  }
}

function writeAllLate(
  records: RecordWriter,
  children: readonly TrackedChild[],
  { timing, pending, serves }: CaptureOptions,
): void {
  const names = children.map(({ name }) => name);
  for (const child of children) {
    const served = [...child.servedBy(names), ...pending(child)];
    const options = { served, serves: serves(child), timing };
    naming(`child "${child.name}"`, () => writeLate(records, child, options));
  }
}

/** The children go on already. */
function informed(
  written: Written,
  contentBytes: number,
  { lease, kept }: Room,
  options: CaptureOptions,
  enter: (phase: CheckpointPhase) => void,
): Captured {
  let completed: ReturnType<KeptContents["complete"]> | undefined;
  const release = () => {
    completed?.release();
    lease.release();
  };
  try {
    completed = kept?.complete();
    enter("information");
    const system = inCheckpoint("Information", () => read(written, lease, completed?.contents, options));
    // What a keeper puts off is still to come.
    if (!options.keeper?.work) inCheckpoint("Look for Zeros", () => findUsedLines(system.children, LOOK_BYTES));
    const elsewhere = completed?.contents.reduce((sum, { length }) => sum + length, 0) ?? 0;
    return {
      ...{ system, lease: { bytes: lease.bytes, release }, bytes: written.bytes + elsewhere },
      recordBytes: written.bytes - contentBytes,
    };
  } catch (thrown) {
    release();
    throw thrown;
  }
}

function read(
  { bytes, lateAt, time }: Written,
  lease: Lease,
  contents: readonly RecordedBytes[] | undefined,
  { name, parent, exited }: CaptureOptions,
): SystemCheckpoint {
  return frozen({
    created: new Date(time).toISOString(),
    name,
    ...(parent === undefined ? {} : { parent }),
    ...readRecords(
      new RecordReader(lease.bytes.subarray(0, lateAt), contents),
      new RecordReader(lease.bytes.subarray(lateAt, bytes)),
    ),
    exited,
  });
}

/** @throws RtcrFault "busy" if a thread goes on all the same: the host has had no time for its CPU */
function hold(children: readonly TrackedChild[]): void {
  for (let i = 0; i < children.length; i++) holdCpus(children[i]!.of(RtcrCpu));
  for (let i = 0; i < children.length; i++) requireHeld(children[i]!);
}

function holdCpus(cpus: readonly RtcrCpu[]): void {
  for (let i = 0; i < cpus.length; i++) cpus[i]!.hold();
}

function requireHeld(child: TrackedChild): void {
  const cpus = child.of(RtcrCpu);
  for (let i = 0; i < cpus.length; i++) {
    const thread = cpus[i]!.running();
    if (thread === undefined) continue;
    const message = `thread "${thread}" of child "${child.name}" has not come to a safe point in time`;
    throw new RtcrFault("busy", message, { child: child.name, thread });
  }
}

function release(children: readonly TrackedChild[]): void {
  for (const child of children) for (const cpu of child.of(RtcrCpu)) cpu.release();
}

/** What can be done before the pause: how much there will be, and whatever dataspaces need to show their bytes. */
function prepare(
  children: readonly TrackedChild[],
  plan: CopyPlan,
  { recordBytes = FIRST_RECORD_BYTES, keeper }: Pick<CaptureOptions, "recordBytes" | "keeper">,
): { readonly leastBytes: number; readonly likelyBytes: number } {
  let bytes = 0;
  let count = 0;
  for (const child of children) for (const pd of child.of(RtcrPd)) pd.native.prepareCapture();
  for (const { object } of allocated(children)) {
    if (!object) continue;
    object.pieces?.(plan);
    bytes += keeper?.keeps(object) ? 0 : object.size();
    count++;
  }
  for (const dataspace of shown(children)) {
    dataspace.pieces?.(plan);
    bytes += dataspace.size();
    count++;
  }
  const records = Math.max(FIRST_RECORD_BYTES, recordBytes) + count * RECORD_BYTES_OF_DATASPACE;
  return { leastBytes: bytes, likelyBytes: bytes + records };
}

/** What children have allocated, and began with. */
function* allocated(children: readonly TrackedChild[]): Iterable<Capability<Dataspace>> {
  for (const child of children) for (const pd of child.of(RtcrPd)) yield* pd.contents();
}

/** What services show them. */
function* shown(children: readonly TrackedChild[]): Iterable<Dataspace> {
  for (const child of children) {
    for (const session of [...child.of(RtcrRom), ...child.of(RtcrReport)]) {
      const dataspace = objectOf<Dataspace>(session.current, "dataspace");
      if (dataspace) yield dataspace;
    }
  }
}
