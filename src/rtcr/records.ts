// The records of a checkpoint, and how they are read back. Each line here is a line of the `checkpoint` of an interposer,
// which writes the same fields in the same order: what they are is said in checkpoint/info.ts.
//
//   checkpoint   list of child, list of call; then late of each child
//   child        name, program, windows, parent, native, instance unless it is native; then parts, each behind its place in
//                PARTS, in any order; PARTS_END
//   late         program of each native component, the child's own first; parts as above; PARTS_END
//   program      instance, capabilities, badges of what it serves
//
// Late is what lives in the event loop and is written when the children go on already (capture.ts, I6).
import type {
  AttachedRegionInfo,
  CallInfo,
  CapabilityInfo,
  ChildInfo,
  ComponentInfo,
  CpuInfo,
  DataspaceInfo,
  FileSystemInfo,
  ForeignSessionInfo,
  FurtherCpuInfo,
  NativeInfo,
  ObjectInfo,
  OpenNodeInfo,
  ParentInfo,
  PassedOnInfo,
  PdInfo,
  RegionMapInfo,
  ReportInfo,
  RmInfo,
  RomInfo,
  RpcObjectInfo,
  ServedSessionInfo,
  SessionInfo,
  SignalContextInfo,
  SystemCheckpoint,
  TerminalInfo,
  ThreadInfo,
  TimerInfo,
} from "../checkpoint/index.ts";
import type { ThreadPlace } from "../session/index.ts";
import { assert } from "../util/index.ts";
import { CACHED } from "./pd-objects.ts";
import { number, type Read, type RecordReader, text } from "./record-reader.ts";
import { AREAS, roleAt } from "./region-map.ts";

/** What a child consists of, in the order in which it is recorded one after the other (spec 1.7), and what is ours. */
export const PARTS = [
  "pd",
  "ram",
  "cpu",
  "rm",
  "rom",
  "log",
  "timer",
  "capabilities",
  "report",
  "foreign",
  "components",
  "cpus",
  "files",
  "terminals",
  "serves",
] as const;
/** Where contents are copied meanwhile: the order in which the parts begin (spec 1.7). */
export const PARTS_IN_PARALLEL: readonly Part[] = ["capabilities", ...PARTS.filter((part) => part !== "capabilities")];
export type Part = (typeof PARTS)[number];
export const PARTS_END = 255;
/** What may stand behind a terminal. */
export const DEVICES = ["terminal", "pipe", "file"] as const;
export const CALL_STATES = ["queued", "dispatched", "done"] as const;

/** Where a dataspace without attachment is. */
const DETACHED = "detached";

const object: Read<ObjectInfo> = (from) => ({
  badge: from.number(),
  allocated: from.number(),
  bootstrapped: from.flag(),
});
const session: Read<SessionInfo> = (from) => ({
  ...object(from),
  id: from.number(),
  creationArgs: from.text(),
  upgradeArgs: from.text(),
});
const place: Read<ThreadInfo["affinity"]> = (from) => ({
  ...{ x: from.number(), y: from.number() },
  ...{ width: from.number(), height: from.number() },
});
const region: Read<AttachedRegionInfo> = (from) => ({
  dataspaceBadge: from.number(),
  address: from.number(),
  size: from.number(),
  offset: from.number(),
  executable: from.flag(),
  writeable: from.flag(),
});
const passedOn: Read<PassedOnInfo> = (from) => ({ ...object(from), ...present("behindBadge", from.number()) });
const regionMap: Read<RegionMapInfo> = (from) => ({
  ...passedOn(from),
  size: from.number(),
  dataspaceBadge: from.number(),
  faultHandlerBadge: from.number(),
  regions: from.list(region),
});
const signalContext: Read<SignalContextInfo> = (from) => ({
  ...object(from),
  sourceBadge: from.number(),
  imprint: from.number(),
  pending: from.number(),
  queued: from.number(),
});
const rpcObject: Read<RpcObjectInfo> = (from) => ({ ...object(from), entrypointBadge: from.number() });
const thread: Read<ThreadInfo> = (from) => {
  const begin = {
    ...passedOn(from),
    nativeBadge: from.number(),
    pdBadge: from.number(),
    name: from.text(),
    weight: from.number(),
    utcb: from.number(),
    started: from.flag(),
    paused: from.flag(),
    singleStep: from.flag(),
    affinity: place(from),
    faultHandlerBadge: from.number(),
    stackPointer: from.number(),
  };
  if (begin.behindBadge !== undefined) return { ...begin, state: null };
  return { ...begin, state: from.plain(), place: from.plain() as unknown as ThreadPlace };
};

/** The number of the first session that a child serves. */
const FIRST_SERVED = 1;

/** A number that an older image does not have, or none has when there is nothing to say. */
export const ABSENT = -1;

function present<K extends string>(name: K, value: number): { readonly [N in K]?: number } {
  return (value === ABSENT ? {} : { [name]: value }) as { readonly [N in K]?: number };
}

/** `role` is said by the maps. */
const dataspace = (from: RecordReader): Mutable<DataspaceInfo> => ({
  badge: from.number(),
  allocated: from.number(),
  bootstrapped: from.flag(),
  size: from.number(),
  cached: from.choice(CACHED),
  role: DETACHED,
  content: from.content(),
});
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const ram = (from: RecordReader) => ({
  dataspaces: from.list(dataspace),
  dataBadge: from.number(),
  data: from.content(),
});
const pd: Read<Omit<PdInfo, "instance" | keyof ReturnType<typeof ram>>> = (from) => ({
  ...session(from),
  signalSources: from.list(object),
  signalContexts: from.list(signalContext),
  rpcObjects: from.list(rpcObject),
  addressSpace: regionMap(from),
  stackArea: regionMap(from),
  linkerArea: regionMap(from),
  ramQuota: from.number(),
  capQuota: from.number(),
  nativeBadge: from.number(),
  ...present("nativeBehindBadge", from.number()),
});
const cpu: Read<CpuInfo> = (from) => ({
  ...session(from),
  nativeBadge: from.number(),
  ...present("nativeBehindBadge", from.number()),
  faultHandlerBadge: from.number(),
  threads: from.list(thread),
});
const furtherCpu: Read<FurtherCpuInfo> = (from) => ({
  ...cpu(from),
  accountBadge: from.number(),
  quotaUs: from.number(),
  affinity: place(from),
});
const rm: Read<RmInfo> = (from) => ({ ...session(from), regionMaps: from.list(regionMap) });
const rom: Read<Omit<RomInfo, "size">> = (from) => ({
  ...session(from),
  module: from.text(),
  dataspaceBadge: from.number(),
  handlerBadge: from.number(),
  content: from.shown(),
  ...(from.flag() ? { told: true } : {}),
});
const timer: Read<TimerInfo> = (from) => ({
  ...session(from),
  handlerBadge: from.number(),
  timeoutUs: from.number(),
  periodic: from.flag(),
  remainingUs: from.number(),
  elapsedUs: from.number(),
  ...present("place", from.number()),
});
const report: Read<ReportInfo> = (from) => ({
  ...session(from),
  dataspaceBadge: from.number(),
  content: from.shown(),
  ...present("handlerBadge", from.number() || ABSENT),
});
const openNode: Read<OpenNodeInfo> = (from) => ({
  handle: from.number(),
  path: from.text(),
  read: from.flag(),
  write: from.flag(),
});
const fileSystem: Read<FileSystemInfo> = (from) => ({
  ...session(from),
  nodes: from.list(openNode),
  state: from.plain(),
});
const terminal: Read<TerminalInfo> = (from) => {
  const begin = { ...session(from), device: from.choice(DEVICES) };
  const [sized, columns, rows] = [from.flag(), from.number(), from.number()];
  return {
    ...begin,
    ...(sized ? { size: { columns, rows } } : {}),
    unreadBytes: from.number(),
    state: from.plain(),
  };
};
const foreign: Read<ForeignSessionInfo> = (from) => ({
  ...session(from),
  service: from.text(),
  server: from.text(),
  serverId: from.number(),
  phase: from.text(),
  addedArgs: from.text(),
  ...(from.flag() ? { closing: true } : {}),
  ...(from.flag() ? { handedOut: true } : {}),
});
const served: Read<ServedSessionInfo> = (from) => ({
  id: from.number(),
  service: from.text(),
  args: from.text(),
  phase: from.text(),
});
const capability: Read<CapabilityInfo> = (from) => ({
  slot: from.number(),
  badge: from.number(),
  references: from.number(),
});
const program = (from: RecordReader): NativeProgram => ({
  instance: from.plain(),
  capabilities: from.list(capability),
  servedBadges: from.list(number),
});
const parent: Read<ParentInfo> = (from) => ({
  badge: from.number(),
  announced: from.list(text),
  request: from.text(),
  exit: from.list(number),
  sessionHandlerBadge: from.number(),
  resourceHandlerBadge: from.number(),
  yieldHandlerBadge: from.number(),
  heartbeatHandlerBadge: from.number(),
});
const call: Read<CallInfo> = (from) => ({
  number: from.number(),
  targetBadge: from.number(),
  opcode: from.number(),
  state: from.choice(CALL_STATES),
  status: from.number(),
  callerBadge: from.number(),
  entrypointBadge: from.number(),
  bytes: from.bytes(),
  capabilityBadges: from.list(number),
});

const component = (from: RecordReader) => {
  const begin = {
    ...{ name: from.text(), program: from.text(), windows: from.flag(), growthRequests: from.flag() },
    ...{ binaryBadge: from.number(), parentBadge: from.number(), accountBadge: from.number() },
  };
  const native = from.text();
  const instance = native === "" ? from.plain() : null;
  return { begin, native, instance, pd: pd(from), ram: ram(from), capabilities: from.list(capability) };
};
type Component = ReturnType<typeof component>;

/** The records of each part. */
export const READ = {
  ...{ pd, ram, cpu },
  rm: (from) => from.list(rm),
  rom: (from) => from.list(rom),
  log: (from) => from.list(session),
  timer: (from) => from.list(timer),
  capabilities: (from) => from.list(capability),
  report: (from) => from.list(report),
  foreign: (from) => from.list(foreign),
  components: (from) => from.list(component),
  cpus: (from) => from.list(furtherCpu),
  files: (from) => from.list(fileSystem),
  terminals: (from) => from.list(terminal),
  serves: (from) => ({ next: from.number(), sessions: from.list(served) }),
} satisfies { readonly [P in Part]: Read<unknown> };
type Parts = { readonly [P in Part]: ReturnType<(typeof READ)[P]> };

/** What is late of a program in TypeScript. */
interface NativeProgram {
  readonly instance: PdInfo["instance"];
  readonly capabilities: readonly CapabilityInfo[];
  readonly servedBadges: readonly number[];
}

/** Everything that was written. @param late what was written late */
export function readRecords(from: RecordReader, late: RecordReader): Pick<SystemCheckpoint, "children" | "calls"> {
  const children = from.list((each) => readChild(each, late));
  const calls = new Map(from.list(call).map((info) => [info.number, info])); // some are written twice
  return { children, calls: [...calls.values()].sort((a, b) => a.number - b.number) };
}

function readChild(from: RecordReader, late: RecordReader): ChildInfo {
  const begin = { name: from.text(), program: from.text(), windows: from.flag(), parent: parent(from) };
  const native = from.text();
  const instance = native === "" ? from.plain() : null;
  const read: Partial<Record<Part, unknown>> = {};
  readParts(from, read);
  const own = programOf(native, instance, (read as Parts).capabilities, late);
  const components = (read as Parts).components.map((each) => componentInfo(each, late));
  readParts(late, read);
  const { pd, ram, cpu, log, timer, rom, rm, report, foreign, cpus, files, terminals, serves } = read as Parts;
  return {
    ...begin,
    ...{ pd: pdInfo(pd, ram, own.instance), cpu, logs: log, timers: timer },
    roms: rom.map((info) => ({ ...info, size: info.content.length })),
    ...{ rms: rm, reports: report, foreign, capabilities: own.capabilities, ...own.native },
    ...(serves.next === FIRST_SERVED ? {} : { serves }),
    ...(components.length === 0 ? {} : { components }),
    ...(cpus.length === 0 ? {} : { cpus }),
    ...(files.length === 0 ? {} : { fileSystems: files }),
    ...(terminals.length === 0 ? {} : { terminals }),
  };
}

function readParts(from: RecordReader, read: Partial<Record<Part, unknown>>): void {
  for (let number = from.byte(); number !== PARTS_END; number = from.byte()) {
    const part = PARTS[number];
    assert(part !== undefined, `a child has no part ${number}`);
    read[part] = READ[part](from);
  }
}

function componentInfo(
  { begin, native, instance, pd, ram, capabilities }: Component,
  late: RecordReader,
): ComponentInfo {
  const own = programOf(native, instance, capabilities, late);
  return { ...begin, pd: pdInfo(pd, ram, own.instance), capabilities: own.capabilities, ...own.native };
}

/** What a component's program holds. @param native the name of a program in TypeScript; empty: it is another one */
function programOf(
  native: string,
  instance: PdInfo["instance"],
  capabilities: readonly CapabilityInfo[],
  late: RecordReader,
): Pick<NativeProgram, "instance" | "capabilities"> & { readonly native: NativeInfo } {
  if (native === "") return { instance, capabilities, native: {} };
  const { servedBadges, ...rest } = program(late);
  return { ...rest, native: { native, ...(servedBadges.length === 0 ? {} : { servedBadges }) } };
}

function pdInfo(pd: Parts["pd"], ram: Parts["ram"], instance: PdInfo["instance"]): PdInfo {
  const roles = rolesOf(pd);
  for (const info of ram.dataspaces) info.role = roles.get(info.badge) ?? DETACHED;
  return { ...pd, instance, ...ram };
}

/** What each dataspace is for, by its first attachment: `stack-area 0x1f0000`. The same in every life of a program. */
function rolesOf(pd: Parts["pd"]): ReadonlyMap<number, string> {
  const roles = new Map<number, string>();
  for (const [key, area] of AREAS) {
    for (const { dataspaceBadge, address } of pd[key].regions) {
      if (!roles.has(dataspaceBadge)) roles.set(dataspaceBadge, roleAt(area, address));
    }
  }
  return roles;
}
