// The records of a checkpoint, and how they are read back. Each line here is a line of the `checkpoint` of an interposer,
// which writes the same fields in the same order: what they are is said in checkpoint/info.ts.
//
//   checkpoint   list of child, list of call
//   child        name, program, windows, parent, native; then parts, each behind its place in PARTS, in any order; PARTS_END
import type {
  AttachedRegionInfo,
  CallInfo,
  CapabilityInfo,
  ChildInfo,
  ComponentInfo,
  CpuInfo,
  DataspaceInfo,
  ForeignSessionInfo,
  FurtherCpuInfo,
  NativeInfo,
  ObjectInfo,
  ParentInfo,
  PdInfo,
  RegionMapInfo,
  ReportInfo,
  RmInfo,
  RomInfo,
  RpcObjectInfo,
  SessionInfo,
  SignalContextInfo,
  ThreadInfo,
  ThreadPlaceInfo,
  TimerInfo,
} from "../checkpoint/index.ts";
import { assert } from "../util/index.ts";
import { CACHED } from "./pd-objects.ts";
import {
  choice,
  content,
  fields,
  flag,
  list,
  number,
  plain,
  type Read,
  type RecordReader,
  text,
} from "./record-reader.ts";
import { roleAt } from "./region-map.ts";

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
] as const;
/** Where contents are copied meanwhile: the order in which the parts begin (spec 1.7). */
export const PARTS_IN_PARALLEL: readonly Part[] = ["capabilities", ...PARTS.filter((part) => part !== "capabilities")];
export type Part = (typeof PARTS)[number];
export const PARTS_END = 255;
export const CALL_STATES = ["queued", "dispatched", "done"] as const;

/** Where a dataspace without attachment is. */
const DETACHED = "detached";

const OBJECT = { badge: number, allocated: number, bootstrapped: flag };
const SESSION = { ...OBJECT, id: number, creationArgs: text, upgradeArgs: text };
const session = fields<SessionInfo>(SESSION);
const region = fields<AttachedRegionInfo>({
  ...{ dataspaceBadge: number, address: number, size: number, offset: number },
  ...{ executable: flag, writeable: flag },
});
const regionMap = fields<RegionMapInfo>({
  ...OBJECT,
  ...{ size: number, dataspaceBadge: number, faultHandlerBadge: number, regions: list(region) },
});
const context = { ...OBJECT, sourceBadge: number, imprint: number, pending: number, queued: number };
const place = fields<ThreadInfo["affinity"]>({ x: number, y: number, width: number, height: number });
const threadFields = fields<Omit<ThreadInfo, "place"> & Required<ThreadPlaceInfo>>({
  ...OBJECT,
  ...{ nativeBadge: number, pdBadge: number, name: text, weight: number, utcb: number },
  ...{ started: flag, paused: flag, singleStep: flag },
  affinity: place,
  ...{ faultHandlerBadge: number, stackPointer: number, state: plain },
  ...{ ahead: number, rank: number, slice: number },
});
const thread: Read<ThreadInfo> = (records) => {
  const { ahead, rank, slice, ...info } = threadFields(records);
  return { ...info, place: { ahead, rank, ...present("slice", slice) } };
};

/** A number that an older image does not have, or none has when there is nothing to say. */
export const ABSENT = -1;

function present<K extends string>(name: K, value: number | undefined): { readonly [N in K]?: number } {
  return (value === ABSENT ? {} : { [name]: value }) as { readonly [N in K]?: number };
}

const pd = fields<Omit<PdInfo, keyof ReturnType<typeof ram>>>({
  ...SESSION,
  signalSources: list(fields<ObjectInfo>(OBJECT)),
  signalContexts: list(fields<SignalContextInfo>(context)),
  rpcObjects: list(fields<RpcObjectInfo>({ ...OBJECT, entrypointBadge: number })),
  ...{ addressSpace: regionMap, stackArea: regionMap, linkerArea: regionMap },
  ...{ ramQuota: number, capQuota: number, nativeBadge: number, instance: plain },
});
const ram = fields({
  dataspaces: list(
    fields<Omit<DataspaceInfo, "role">>({ ...OBJECT, size: number, cached: choice(...CACHED), content }),
  ),
  ...{ dataBadge: number, data: content },
});
const capabilities = list(fields<CapabilityInfo>({ slot: number, badge: number, references: number }));
const native = fields<Required<NativeInfo>>({ native: text, servedBadges: list(number) });
const CPU = { ...SESSION, nativeBadge: number, faultHandlerBadge: number, threads: list(thread) };

/** The records of each part. */
export const READ = {
  ...{ pd, ram, capabilities },
  cpu: fields<CpuInfo>(CPU),
  rm: list(fields<RmInfo>({ ...SESSION, regionMaps: list(regionMap) })),
  rom: list(
    fields<Omit<RomInfo, "size"> & { readonly told: boolean }>({
      ...SESSION,
      ...{ module: text, dataspaceBadge: number, handlerBadge: number, content, told: flag },
    }),
  ),
  log: list(session),
  timer: list(
    fields<TimerInfo & { readonly place: number }>({
      ...SESSION,
      ...{ handlerBadge: number, timeoutUs: number, periodic: flag, remainingUs: number, elapsedUs: number },
      place: number,
    }),
  ),
  report: list(fields<ReportInfo>({ ...SESSION, dataspaceBadge: number, content })),
  foreign: list(
    fields<ForeignSessionInfo>({
      ...SESSION,
      ...{ service: text, server: text, serverId: number, phase: text, addedArgs: text },
    }),
  ),
  components: list(readComponent),
  cpus: list(fields<FurtherCpuInfo>({ ...CPU, accountBadge: number, quotaUs: number, affinity: place })),
} satisfies { readonly [P in Part]: Read<unknown> };
type Parts = { readonly [P in Part]: ReturnType<(typeof READ)[P]> };

const beginning = fields<Pick<ChildInfo, "name" | "program" | "windows" | "parent">>({
  ...{ name: text, program: text, windows: flag },
  parent: fields<ParentInfo>({
    ...{ badge: number, announced: list(text), request: text, exit: list(number) },
    ...{ sessionHandlerBadge: number, resourceHandlerBadge: number },
    ...{ yieldHandlerBadge: number, heartbeatHandlerBadge: number },
  }),
});

const call = fields<CallInfo>({
  ...{ number, targetBadge: number, opcode: number, state: choice(...CALL_STATES), status: number },
  ...{ callerBadge: number, entrypointBadge: number, bytes: content, capabilityBadges: list(number) },
});

/** Everything that was written. */
export const readRecords = fields({ children: list(readChild), calls: list(call) });

function readChild(records: RecordReader): ChildInfo {
  const begin = beginning(records);
  const own = nativeInfo(native(records));
  const read: Partial<Record<Part, unknown>> = {};
  for (let number = records.choice(); number !== PARTS_END; number = records.choice()) {
    const part = PARTS[number];
    assert(part !== undefined, `a child has no part ${number}`);
    read[part] = READ[part](records);
  }
  const { pd, ram, cpu, log, timer, rom, rm, report, foreign, capabilities, components, cpus } = read as Parts;
  return {
    ...begin,
    ...{ pd: pdInfo(pd, ram), cpu, logs: log },
    timers: timer.map(({ place, ...info }) => ({ ...info, ...present("place", place) })),
    roms: rom.map(({ told, ...info }) => ({ ...info, size: info.content.length, ...(told ? { told } : {}) })),
    ...{ rms: rm, reports: report, foreign, capabilities, ...own },
    ...(components.length === 0 ? {} : { components }),
    ...(cpus.length === 0 ? {} : { cpus }),
  };
}

const componentBeginning = fields({
  name: text,
  ...{ program: text, windows: flag, growthRequests: flag },
  ...{ binaryBadge: number, parentBadge: number, accountBadge: number },
});

function readComponent(records: RecordReader): ComponentInfo {
  const begin = componentBeginning(records);
  const info = pdInfo(pd(records), ram(records));
  return { ...begin, pd: info, capabilities: capabilities(records), ...nativeInfo(native(records)) };
}

function nativeInfo({ native, servedBadges }: Required<NativeInfo>): NativeInfo {
  if (native === "") return {};
  return { native, ...(servedBadges.length === 0 ? {} : { servedBadges }) };
}

function pdInfo(pd: Parts["pd"], ram: Parts["ram"]): PdInfo {
  const roles = rolesOf(pd);
  const dataspaces = ram.dataspaces.map((info) => ({ ...info, role: roles.get(info.badge) ?? DETACHED }));
  return { ...pd, ...ram, dataspaces };
}

/** What each dataspace is for, by its first attachment: `stack-area 0x1f0000`. The same in every life of a program. */
function rolesOf({ stackArea, linkerArea, addressSpace }: Parts["pd"]): ReadonlyMap<number, string> {
  const roles = new Map<number, string>();
  const areas = { "stack-area": stackArea, "linker-area": linkerArea, "address-space": addressSpace };
  for (const [area, { regions }] of Object.entries(areas)) {
    for (const { dataspaceBadge, address } of regions) {
      if (!roles.has(dataspaceBadge)) roles.set(dataspaceBadge, roleAt(area, address));
    }
  }
  return roles;
}
