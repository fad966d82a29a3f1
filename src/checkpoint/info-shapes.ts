// How checkpoint information is read back: the shape of every record of info.ts, field by field.
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
  ObjectInfo,
  OpenNodeInfo,
  ParentInfo,
  PdInfo,
  RegionMapInfo,
  ReportInfo,
  RmInfo,
  RomInfo,
  RpcObjectInfo,
  ServedSessionInfo,
  ServedSessionsInfo,
  SessionInfo,
  SignalContextInfo,
  TerminalInfo,
  ThreadInfo,
  ThreadPlaceInfo,
  TimerInfo,
} from "./info.ts";
import { bytes, count, flag, hash, integer, list, oneOf, plain, record, type Shape, text } from "./shapes.ts";

const OBJECT = { badge: count, allocated: count, bootstrapped: flag };
const SESSION = { ...OBJECT, id: count, creationArgs: text, upgradeArgs: text };

const object = record<ObjectInfo>(OBJECT);
const session = record<SessionInfo>(SESSION);
const region = record<AttachedRegionInfo>({
  dataspaceBadge: count,
  address: count,
  size: count,
  offset: count,
  executable: flag,
  writeable: flag,
});
const PASSED_ON = { behindBadge: count };
const regionMap = record<RegionMapInfo>(
  {
    ...OBJECT,
    size: count,
    dataspaceBadge: count,
    faultHandlerBadge: count,
    regions: list(region),
  },
  PASSED_ON,
);
const dataspace = record<DataspaceInfo>({
  ...OBJECT,
  size: count,
  cached: oneOf("uncached", "write-combined", "cached"),
  role: text,
  content: bytes,
});
const NATIVE_BEHIND = { nativeBehindBadge: count };
const pd = record<PdInfo>(
  {
    ...SESSION,
    signalSources: list(object),
    signalContexts: list(
      record<SignalContextInfo>({ ...OBJECT, sourceBadge: count, imprint: count, pending: count, queued: count }),
    ),
    rpcObjects: list(record<RpcObjectInfo>({ ...OBJECT, entrypointBadge: count })),
    dataspaces: list(dataspace),
    addressSpace: regionMap,
    stackArea: regionMap,
    linkerArea: regionMap,
    ramQuota: count,
    capQuota: count,
    nativeBadge: count,
    dataBadge: count,
    data: bytes,
    instance: plain,
  },
  NATIVE_BEHIND,
);
const location = record<{ x: number; y: number; width: number; height: number }>({
  ...{ x: count, y: count, width: count, height: count },
});
const thread = record<ThreadInfo>(
  {
    ...OBJECT,
    nativeBadge: count,
    pdBadge: count,
    name: text,
    weight: count,
    utcb: count,
    started: flag,
    paused: flag,
    singleStep: flag,
    affinity: location,
    faultHandlerBadge: count,
    stackPointer: count,
    state: plain,
  },
  { ...PASSED_ON, place: record<ThreadPlaceInfo>({ ahead: count, rank: count }, { slice: count }) },
);

/** A call under way from plain data. Throws CheckpointFault "damaged" naming the field. */
export const readCallInfo: Shape<CallInfo> = record<CallInfo>({
  number: count,
  targetBadge: count,
  opcode: count,
  state: oneOf("queued", "dispatched", "done"),
  status: count,
  callerBadge: count,
  entrypointBadge: count,
  bytes,
  capabilityBadges: list(count),
});

const capability = record<CapabilityInfo>({ slot: count, badge: count, references: count });
const CPU = { ...SESSION, nativeBadge: count, faultHandlerBadge: count, threads: list(thread) };
const NATIVE = { native: text, servedBadges: list(count) };
const component = record<ComponentInfo>(
  {
    name: text,
    program: (value, path) => (value === "" ? "" : hash(value, path)),
    windows: flag,
    growthRequests: flag,
    binaryBadge: count,
    parentBadge: count,
    accountBadge: count,
    pd,
    capabilities: list(capability),
  },
  NATIVE,
);
const fileSystem = record<FileSystemInfo>({
  ...SESSION,
  nodes: list(record<OpenNodeInfo>({ handle: count, path: text, read: flag, write: flag })),
  state: plain,
});
const terminal = record<TerminalInfo>(
  { ...SESSION, device: oneOf("terminal", "pipe", "file"), unreadBytes: count, state: plain },
  { size: record<{ readonly columns: number; readonly rows: number }>({ columns: count, rows: count }) },
);

/** A child's record from plain data. Throws CheckpointFault "damaged" naming the field. */
export const readChildInfo: Shape<ChildInfo> = record<ChildInfo>(
  {
    name: text,
    program: hash,
    windows: flag,
    parent: record<ParentInfo>({
      badge: count,
      announced: list(text),
      request: text,
      exit: list(integer),
      sessionHandlerBadge: count,
      resourceHandlerBadge: count,
      yieldHandlerBadge: count,
      heartbeatHandlerBadge: count,
    }),
    pd,
    cpu: record<CpuInfo>(CPU, NATIVE_BEHIND),
    logs: list(session),
    timers: list(
      record<TimerInfo>(
        {
          ...SESSION,
          handlerBadge: count,
          timeoutUs: count,
          periodic: flag,
          remainingUs: count,
          elapsedUs: count,
        },
        { place: count },
      ),
    ),
    roms: list(
      record<RomInfo>(
        {
          ...SESSION,
          module: text,
          dataspaceBadge: count,
          size: count,
          handlerBadge: count,
          content: bytes,
        },
        { told: flag },
      ),
    ),
    rms: list(record<RmInfo>({ ...SESSION, regionMaps: list(regionMap) })),
    reports: list(record<ReportInfo>({ ...SESSION, dataspaceBadge: count, content: bytes }, { handlerBadge: count })),
    foreign: list(
      record<ForeignSessionInfo>(
        {
          ...SESSION,
          service: text,
          server: text,
          serverId: count,
          phase: text,
          addedArgs: text,
        },
        { closing: flag, handedOut: flag },
      ),
    ),
    capabilities: list(capability),
  },
  {
    ...NATIVE,
    serves: record<ServedSessionsInfo>({
      next: count,
      sessions: list(record<ServedSessionInfo>({ id: count, service: text, args: text, phase: text })),
    }),
    components: list(component),
    cpus: list(
      record<FurtherCpuInfo>({ ...CPU, accountBadge: count, quotaUs: count, affinity: location }, NATIVE_BEHIND),
    ),
    fileSystems: list(fileSystem),
    terminals: list(terminal),
  },
);
