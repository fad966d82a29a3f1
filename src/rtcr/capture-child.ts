// What is recorded of one child, part by part, into bytes (records.ts says how they are read back).
import type { ForeignSessionInfo, ServedSessionsInfo } from "../checkpoint/index.ts";
import { beginScope, endScope } from "../profile/index.ts";
import type { CallState } from "../session/index.ts";
import {
  componentName,
  environment,
  environmentPd,
  isNative,
  named,
  naming,
  writeComponent,
  writeInstance,
  writeProgram,
  writeSlots,
} from "./components.ts";
import { RtcrCpu } from "./cpu.ts";
import { RtcrFault } from "./faults.ts";
import { RtcrFileSystem } from "./file-system.ts";
import { RtcrLog } from "./log.ts";
import { RtcrPd } from "./pd.ts";
import type { CheckpointPhase } from "./phases.ts";
import type { RecordWriter } from "./record-writer.ts";
import { CALL_STATES, PARTS, PARTS_END, type Part } from "./records.ts";
import { RtcrReport } from "./report.ts";
import { RtcrRm } from "./rm.ts";
import { RtcrRom } from "./rom.ts";
import { RtcrTerminal } from "./terminal.ts";
import { RtcrTimer, ringOrder } from "./timer.ts";
import type { Timing } from "./timing.ts";
import type { Interposer, TrackedChild } from "./tracked-child.ts";

export interface ChildOptions {
  readonly order: readonly Part[];
  /** What a child has asked its parent for, and not got; empty: nothing. */
  readonly request: (child: TrackedChild) => string;
  readonly unattached: boolean;
  readonly timing: Timing | undefined;
  readonly enter: (phase: CheckpointPhase) => void;
}

/** What of a child lives in the event loop, as it is then. */
export interface LateOptions {
  /** Sessions of the child that children of the checkpoint serve though RTCR stands between, or that are being created. */
  readonly served: readonly ForeignSessionInfo[];
  readonly serves: ServedSessionsInfo;
  readonly timing: Timing | undefined;
}

/** What the parts are made of. */
interface Source {
  readonly child: TrackedChild;
  readonly pd: RtcrPd;
  readonly cpu: RtcrCpu;
  readonly unattached: boolean;
}

interface PartWriter<Of> {
  /** The name under which it is measured. */
  readonly scope: string;
  readonly write: (records: RecordWriter, of: Of) => void;
}

type LatePart = "foreign" | "files" | "terminals" | "serves";

const WRITERS: { readonly [P in Exclude<Part, LatePart>]: PartWriter<Source> } = {
  pd: { scope: "Checkpoint of PD", write: (records, { pd }) => pd.checkpoint(records) },
  ram: { scope: "Checkpoint of RAM", write: (records, { pd }) => pd.checkpointDataspaces(records) },
  cpu: { scope: "Checkpoint of CPU", write: (records, { cpu }) => cpu.checkpoint(records) },
  rm: { scope: "Checkpoint of RM", write: (records, { child }) => writeSessions(records, child.of(RtcrRm)) },
  rom: { scope: "Checkpoint of ROM", write: (records, { child }) => writeSessions(records, child.of(RtcrRom)) },
  log: { scope: "Checkpoint of LOG", write: (records, { child }) => writeSessions(records, child.of(RtcrLog)) },
  timer: { scope: "Checkpoint of Timer", write: (records, { child }) => writeTimers(records, child.of(RtcrTimer)) },
  capabilities: { scope: "Checkpoint of capabilities", write: (records, { pd }) => writeSlots(records, pd) },
  report: {
    scope: "Checkpoint of Report",
    write: (records, { child }) => writeSessions(records, child.of(RtcrReport)),
  },
  components: { scope: "Checkpoint of components", write: writeComponents },
  cpus: { scope: "Checkpoint of components", write: writeFurtherCpus },
};

const LATE_WRITERS: { readonly [P in LatePart]: PartWriter<LateSource> } = {
  foreign: {
    scope: "Checkpoint of others",
    write: (records, { child, served }) => writeForeign(records, [...child.foreign, ...served]),
  },
  files: {
    scope: "Checkpoint of File_system",
    write: (records, { child, served }) => writeStreams(records, child.of(RtcrFileSystem), served),
  },
  terminals: {
    scope: "Checkpoint of Terminal",
    write: (records, { child, served }) => writeStreams(records, child.of(RtcrTerminal), served),
  },
  serves: { scope: "Checkpoint of others", write: (records, { serves }) => writeServed(records, serves) },
};

type LateSource = LateOptions & { readonly child: TrackedChild };

function isLate(part: Part): part is LatePart {
  return Object.hasOwn(LATE_WRITERS, part);
}

/** What is written while it stands still. @throws RtcrFault "unsaveable" naming it */
export function writeChild(records: RecordWriter, child: TrackedChild, options: ChildOptions): void {
  try {
    writeStanding(records, child, options);
  } catch (thrown) {
    throw named(`child "${child.name}"`, thrown);
  }
}

function writeStanding(
  records: RecordWriter,
  child: TrackedChild,
  { order, request, unattached, timing, enter }: ChildOptions,
): void {
  const { pd, cpu } = environment(child);
  const program = pd.native.program();
  if (!program || !pd.parent) {
    throw new RtcrFault("unsaveable", "it has no program", { child: child.name });
  }
  records.text(child.name);
  records.text(program.module);
  records.flag(program.windows);
  pd.parent.checkpoint(records, request(child));
  writeInstance(records, pd, unattached);
  const source = { child, pd, cpu, unattached };
  for (let i = 0; i < order.length; i++) {
    const part = order[i]!;
    if (isLate(part)) continue;
    records.beginPart(part, PARTS.indexOf(part));
    writePart(records, WRITERS[part], source, timing);
    if (part === "ram") enter("records");
  }
  records.choice(PARTS_END);
}

/** What of it lives in the event loop. @throws RtcrFault "unsaveable", "busy" */
export function writeLate(records: RecordWriter, child: TrackedChild, options: LateOptions): void {
  const pd = environmentPd(child);
  if (isNative(pd)) writeProgram(records, pd);
  for (const each of child.of(RtcrPd)) {
    if (each === pd || !isNative(each)) continue;
    naming(`component "${componentName(each)}"`, () => writeProgram(records, each));
  }
  const source = { child, ...options };
  for (const part of PARTS) {
    if (!isLate(part)) continue;
    records.choice(PARTS.indexOf(part));
    writePart(records, LATE_WRITERS[part], source, options.timing);
  }
  records.choice(PARTS_END);
}

function writePart<Of extends { readonly child: TrackedChild }>(
  records: RecordWriter,
  writer: PartWriter<Of>,
  of: Of,
  timing: Timing | undefined,
): void {
  const scope = beginScope(writer.scope, "red");
  try {
    if (timing) writeTimed(records, writer, of, timing);
    else writer.write(records, of);
  } finally {
    endScope(scope);
  }
}

/** Apart, so that nothing is made where nobody measures. */
function writeTimed<Of extends { readonly child: TrackedChild }>(
  records: RecordWriter,
  { scope, write }: PartWriter<Of>,
  of: Of,
  timing: Timing,
): void {
  timing.measure(scope, of.child.name, () => write(records, of));
}

type Plain = Exclude<Interposer, RtcrPd | RtcrCpu | RtcrFileSystem | RtcrTerminal>;

function writeSessions(records: RecordWriter, sessions: readonly Plain[]): void {
  const begin = records.beginList();
  for (let i = 0; i < sessions.length; i++) sessions[i]!.checkpoint(records);
  records.endList(begin, sessions.length);
}

function writeStreams(
  records: RecordWriter,
  sessions: readonly (RtcrFileSystem | RtcrTerminal)[],
  served: readonly ForeignSessionInfo[],
): void {
  const begin = records.beginList();
  for (const session of sessions) {
    const apart = served.some(({ id }) => id === session.base.id);
    session.checkpoint(records, apart);
  }
  records.endList(begin, sessions.length);
}

function writeTimers(records: RecordWriter, timers: readonly RtcrTimer[]): void {
  ringOrder(timers);
  writeSessions(records, timers);
}

function writeComponents(records: RecordWriter, { child, pd, unattached }: Source): void {
  const begin = records.beginList();
  let count = 0;
  const pds = child.of(RtcrPd);
  for (let i = 0; i < pds.length; i++) {
    if (pds[i] === pd) continue;
    writeComponent(records, child, pds[i]!, unattached);
    count++;
  }
  records.endList(begin, count);
}

function writeFurtherCpus(records: RecordWriter, { child, cpu }: Source): void {
  const begin = records.beginList();
  let count = 0;
  const cpus = child.of(RtcrCpu);
  for (let i = 0; i < cpus.length; i++) {
    if (cpus[i] === cpu) continue;
    cpus[i]!.checkpointFurther(records);
    count++;
  }
  records.endList(begin, count);
}

function writeForeign(records: RecordWriter, foreign: readonly ForeignSessionInfo[]): void {
  const begin = records.beginList();
  for (const info of foreign) {
    records.object(info);
    records.number(info.id);
    records.text(info.creationArgs);
    records.text(info.upgradeArgs);
    records.text(info.service);
    records.text(info.server);
    records.number(info.serverId);
    records.text(info.phase);
    records.text(info.addedArgs);
    records.flag(info.closing ?? false);
    records.flag(info.handedOut ?? false);
  }
  records.endList(begin, foreign.length);
}

function writeServed(records: RecordWriter, { next, sessions }: ServedSessionsInfo): void {
  records.number(next);
  const begin = records.beginList();
  for (const { id, service, args, phase } of sessions) {
    records.number(id);
    records.text(service);
    records.text(args);
    records.text(phase);
  }
  records.endList(begin, sessions.length);
}

/** Calls that threads of the children make or serve: those between two sessions twice. */
export function writeCalls(records: RecordWriter, children: readonly TrackedChild[]): void {
  let count = 0;
  const visit = (call: CallState) => {
    writeCall(records, call);
    count++;
  };
  const begin = records.beginList();
  for (let i = 0; i < children.length; i++) {
    const cpus = children[i]!.of(RtcrCpu);
    for (let j = 0; j < cpus.length; j++) cpus[j]!.eachCall(visit);
  }
  records.endList(begin, count);
}

function writeCall(records: RecordWriter, call: CallState): void {
  const { bytes, capabilities } = call.message;
  records.number(call.number);
  records.badge(call.target);
  records.number(call.opcode);
  records.choice(CALL_STATES.indexOf(call.state));
  records.number(call.status);
  records.badge(call.caller);
  records.badge(call.entrypoint);
  records.bytes(bytes);
  const begin = records.beginList();
  for (let i = 0; i < capabilities.length; i++) records.badge(capabilities[i]!);
  records.endList(begin, capabilities.length);
}
