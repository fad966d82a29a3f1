// What is recorded of one child, part by part, into bytes (records.ts says how they are read back).
import type { ForeignSessionInfo, ServedSessionsInfo } from "../checkpoint/index.ts";
import type { CallState } from "../session/index.ts";
import { environment, furtherOf, writeComponent, writeNative, writeSlots } from "./components.ts";
import { RtcrCpu } from "./cpu.ts";
import { RtcrFault } from "./faults.ts";
import { RtcrFileSystem } from "./file-system.ts";
import { RtcrLog } from "./log.ts";
import type { RtcrPd } from "./pd.ts";
import type { CheckpointPhase } from "./phases.ts";
import type { RecordWriter } from "./record-writer.ts";
import { CALL_STATES, PARTS, PARTS_END, type Part } from "./records.ts";
import { RtcrReport } from "./report.ts";
import { RtcrRm } from "./rm.ts";
import { RtcrRom } from "./rom.ts";
import { inCheckpoint } from "./scopes.ts";
import { RtcrTerminal } from "./terminal.ts";
import { RtcrTimer, ringOrder } from "./timer.ts";
import type { Timing } from "./timing.ts";
import type { Interposer, TrackedChild } from "./tracked-child.ts";

export interface ChildOptions {
  readonly order: readonly Part[];
  /** Sessions of the child that children of the checkpoint serve though RTCR stands between, or that are being created. */
  readonly served: readonly ForeignSessionInfo[];
  readonly request: string;
  readonly serves: ServedSessionsInfo;
  readonly unattached: boolean;
  readonly timing: Timing | undefined;
  readonly enter: (phase: CheckpointPhase) => void;
}

/** What the parts are made of. */
interface Source {
  readonly child: TrackedChild;
  readonly pd: RtcrPd;
  readonly cpu: RtcrCpu;
  readonly unattached: boolean;
  readonly further: ReturnType<typeof furtherOf>;
  readonly foreign: readonly ForeignSessionInfo[];
  /** Ids of sessions that other children of the checkpoint serve. */
  readonly apart: ReadonlySet<number>;
  readonly serves: ServedSessionsInfo;
}

interface PartWriter {
  /** The name under which it is measured. */
  readonly scope: string;
  readonly write: (records: RecordWriter, source: Source) => void;
}

const WRITERS: { readonly [P in Part]: PartWriter } = {
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
  foreign: { scope: "Checkpoint of others", write: (records, { foreign }) => writeForeign(records, foreign) },
  components: { scope: "Checkpoint of components", write: writeComponents },
  cpus: { scope: "Checkpoint of components", write: writeFurtherCpus },
  files: {
    scope: "Checkpoint of File_system",
    write: (records, { child, apart }) => writeStreams(records, child.of(RtcrFileSystem), apart),
  },
  terminals: {
    scope: "Checkpoint of Terminal",
    write: (records, { child, apart }) => writeStreams(records, child.of(RtcrTerminal), apart),
  },
  serves: { scope: "Checkpoint of others", write: (records, { serves }) => writeServed(records, serves) },
};

/** @throws RtcrFault "unsaveable" */
export function writeChild(records: RecordWriter, child: TrackedChild, options: ChildOptions): void {
  const { order, served, request, serves, unattached, timing, enter } = options;
  const { pd, cpu } = environment(child);
  const program = pd.native.program();
  if (!program || !pd.parent) {
    throw new RtcrFault("unsaveable", "it has no program", { child: child.name });
  }
  records.text(child.name);
  records.text(program.module);
  records.flag(program.windows);
  pd.parent.checkpoint(records, request);
  const source = {
    ...{ child, pd, cpu, unattached, further: furtherOf(child) },
    foreign: [...child.foreign, ...served],
    apart: new Set(served.map(({ id }) => id)),
    serves,
  };
  pd.checkpointInstance(records, unattached);
  writeNative(records, pd);
  for (const part of order) {
    const { scope, write } = WRITERS[part];
    records.beginPart(part, PARTS.indexOf(part));
    const body = () => write(records, source);
    if (timing) timing.measure(scope, child.name, () => inCheckpoint(scope, body));
    else inCheckpoint(scope, body);
    if (part === "ram") enter("records");
  }
  records.choice(PARTS_END);
}

type Plain = Exclude<Interposer, RtcrPd | RtcrCpu | RtcrTimer | RtcrFileSystem | RtcrTerminal>;

function writeSessions(records: RecordWriter, sessions: readonly Plain[]): void {
  const begin = records.beginList();
  for (const session of sessions) session.checkpoint(records);
  records.endList(begin, sessions.length);
}

function writeStreams(
  records: RecordWriter,
  sessions: readonly (RtcrFileSystem | RtcrTerminal)[],
  apart: ReadonlySet<number>,
): void {
  const begin = records.beginList();
  for (const session of sessions) session.checkpoint(records, apart.has(session.base.id));
  records.endList(begin, sessions.length);
}

function writeTimers(records: RecordWriter, timers: readonly RtcrTimer[]): void {
  const places = ringOrder(timers);
  const begin = records.beginList();
  for (const timer of timers) timer.checkpoint(records, places.get(timer));
  records.endList(begin, timers.length);
}

function writeComponents(records: RecordWriter, { child, unattached, further: { components } }: Source): void {
  const begin = records.beginList();
  for (const pd of components) writeComponent(records, child, pd, unattached);
  records.endList(begin, components.length);
}

function writeFurtherCpus(records: RecordWriter, { further: { cpus } }: Source): void {
  const begin = records.beginList();
  for (const cpu of cpus) cpu.checkpointFurther(records);
  records.endList(begin, cpus.length);
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
  for (const child of children) for (const cpu of child.of(RtcrCpu)) cpu.eachCall(visit);
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
