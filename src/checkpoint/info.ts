// Checkpoint information of components (spec 1.4, thesis 4.4.2 and 5.1.5): what RTCR records of a child, as frozen plain
// data. Objects name each other by badge, never by reference; lists are ordered by allocation time, oldest first.
import type { PlainData } from "../abi/index.ts";
import type { RecordedBytes } from "./granules.ts";

/** What every recorded object has. */
export interface ObjectInfo {
  /** Number of the object at the time of the checkpoint; the key by which other records name it. */
  readonly badge: number;
  /** Allocation counter of the child: 1 for the first object. Orders all lists. */
  readonly allocated: number;
  /** Made by the run-time library, before `construct`. */
  readonly bootstrapped: boolean;
}

/** What a child has of another one of the checkpoint, which passes on what it has of core itself. */
export interface PassedOnInfo extends ObjectInfo {
  /** Of that child's object, which is recorded with it; this one stands before it. Absent: it is the child's own. */
  readonly behindBadge?: number | undefined;
}

/** Arguments as they reached the service. */
export interface SessionInfo extends ObjectInfo {
  /** The id that the child chose for the session. */
  readonly id: number;
  readonly creationArgs: string;
  /** The sum of all upgrades, as one; empty if there was none. */
  readonly upgradeArgs: string;
}

export interface DataspaceInfo extends ObjectInfo {
  /** Bytes as requested, not rounded to pages. */
  readonly size: number;
  readonly cached: "uncached" | "write-combined" | "cached";
  /** What it is for, read off where it is attached: matching by role is what strategy A does. */
  readonly role: string;
  /** All bytes, rounded up to pages; none where another child passes the PD session on: that one's record has them. */
  readonly content: RecordedBytes;
}

export interface AttachedRegionInfo {
  readonly dataspaceBadge: number;
  /** Address in its map. */
  readonly address: number;
  readonly size: number;
  readonly offset: number;
  readonly executable: boolean;
  readonly writeable: boolean;
}

export interface RegionMapInfo extends PassedOnInfo {
  readonly size: number;
  readonly dataspaceBadge: number;
  /** 0: no fault handler. */
  readonly faultHandlerBadge: number;
  /** In the order of attachment. */
  readonly regions: readonly AttachedRegionInfo[];
}

export type SignalSourceInfo = ObjectInfo;

export interface SignalContextInfo extends ObjectInfo {
  readonly sourceBadge: number;
  readonly imprint: number;
  /** Submissions that were not delivered yet. */
  readonly pending: number;
  /** Its place among the pending contexts of its source, from 1; 0 if nothing is pending. */
  readonly queued: number;
}

export interface RpcObjectInfo extends ObjectInfo {
  readonly entrypointBadge: number;
}

export interface PdInfo extends SessionInfo {
  readonly signalSources: readonly SignalSourceInfo[];
  readonly signalContexts: readonly SignalContextInfo[];
  readonly rpcObjects: readonly RpcObjectInfo[];
  readonly dataspaces: readonly DataspaceInfo[];
  readonly addressSpace: RegionMapInfo;
  readonly stackArea: RegionMapInfo;
  readonly linkerArea: RegionMapInfo;
  readonly ramQuota: number;
  readonly capQuota: number;
  readonly nativeBadge: number;
  /**
   * Of what `nativeBadge` stands before, if another child of the checkpoint passes the session on; absent: none does. What the
   * session has made is recorded with the one behind it, contents too; the program, and what that holds, here.
   */
  readonly nativeBehindBadge?: number | undefined;
  /** The memory that the program began with; 0 if there is none. */
  readonly dataBadge: number;
  readonly data: RecordedBytes;
  /** Globals, tables, dropped segments of the program's instance, and its WASI state. */
  readonly instance: PlainData;
}

/** What a child has registered at its parent. Badges of signal contexts, 0 for none. */
export interface ParentInfo {
  readonly badge: number;
  /** Services, in the order of their announcement. */
  readonly announced: readonly string[];
  /** The resource request that was not granted; empty: none. */
  readonly request: string;
  /** The value of an exit that the parent had not taken note of yet; empty: none. */
  readonly exit: readonly number[];
  readonly sessionHandlerBadge: number;
  readonly resourceHandlerBadge: number;
  readonly yieldHandlerBadge: number;
  readonly heartbeatHandlerBadge: number;
}

/** One that is passed on has no `state` and no `place`: these are recorded with the one behind it. */
export interface ThreadInfo extends PassedOnInfo {
  /** Of the thread behind the one that the child knows: it sees that as itself. */
  readonly nativeBadge: number;
  readonly pdBadge: number;
  readonly name: string;
  readonly weight: number;
  readonly utcb: number;
  readonly started: boolean;
  readonly paused: boolean;
  readonly singleStep: boolean;
  readonly affinity: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** 0: the session's handler. */
  readonly faultHandlerBadge: number;
  readonly stackPointer: number;
  /** Everything that is needed to go on: frames, what it waits for; null if it never ran. */
  readonly state: PlainData;
  /** Its place among the threads that can run; absent in older images: that of a new thread. */
  readonly place?: ThreadPlaceInfo | undefined;
}

export interface ThreadPlaceInfo {
  /** Nanoseconds of processor time by share that it has had more than the one that has had least. */
  readonly ahead: number;
  /** Decides between threads that have had the same: the lower first. */
  readonly rank: number;
  /** What it had used of its slice, in safe points, if all were stopped in the midst of it. */
  readonly slice?: number | undefined;
}

export interface CpuInfo extends SessionInfo {
  readonly nativeBadge: number;
  /** Of what `nativeBadge` stands before, if another child of the checkpoint passes the session on; absent: none does. */
  readonly nativeBehindBadge?: number | undefined;
  readonly faultHandlerBadge: number;
  readonly threads: readonly ThreadInfo[];
}

export interface RmInfo extends SessionInfo {
  readonly regionMaps: readonly RegionMapInfo[];
}

export interface RomInfo extends SessionInfo {
  /** Last element of the label: the module's name. */
  readonly module: string;
  readonly dataspaceBadge: number;
  readonly size: number;
  readonly handlerBadge: number;
  /** What the child saw: kept, so that it sees the same after a restore until it asks for an update. */
  readonly content: Uint8Array;
  /** The child has been told that the module has changed, and has not looked since. Absent: no, or an older image. */
  readonly told?: boolean | undefined;
}

export type LogInfo = SessionInfo;

export interface TimerInfo extends SessionInfo {
  readonly handlerBadge: number;
  /** Microseconds of the last trigger; also 0 if there was none: `remainingUs` says whether it is armed. */
  readonly timeoutUs: number;
  readonly periodic: boolean;
  /** Microseconds until the next tick at the time of the checkpoint; 0: not armed. */
  readonly remainingUs: number;
  /** What `elapsed_us` said, so that it goes on without a jump. */
  readonly elapsedUs: number;
  /** Among the child's timers, from 0: the order of those that ring at the same time. Absent in older images, and if not armed. */
  readonly place?: number | undefined;
}

export interface ReportInfo extends SessionInfo {
  readonly dataspaceBadge: number;
  readonly content: Uint8Array;
  /** Whom the service tells of responses; absent: nobody, or an older image. */
  readonly handlerBadge?: number | undefined;
}

/** A node that a File_system session holds open. */
export interface OpenNodeInfo {
  readonly handle: number;
  /** As it was opened, in the program's paths; a rename since then is in the session's state. */
  readonly path: string;
  readonly read: boolean;
  readonly write: boolean;
}

export interface FileSystemInfo extends SessionInfo {
  /** Oldest first; the directories that the session gives before all others. */
  readonly nodes: readonly OpenNodeInfo[];
  /** As its service gives and takes it: the place of each node, its access, the position of the undo journal. */
  readonly state: PlainData;
}

export interface TerminalInfo extends SessionInfo {
  /** What the program saw behind it. */
  readonly device: "terminal" | "pipe" | "file";
  /** Absent unless that is a terminal. */
  readonly size?: { readonly columns: number; readonly rows: number } | undefined;
  /** Input that had come and was not read yet. */
  readonly unreadBytes: number;
  /** As its service gives and takes it: unread input, output that was accepted and not let out. */
  readonly state: PlainData;
}

/** A session that RTCR does not stand in front of: served by another child, or by somebody outside. */
export interface ForeignSessionInfo extends SessionInfo {
  readonly service: string;
  /** The child that serves it; empty: somebody outside, of whom it can only be asked for anew. */
  readonly server: string;
  /** The server's number for it. */
  readonly serverId: number;
  /** How far it was in its life (init/sessions); `badge` is 0 while there is no capability. */
  readonly phase: string;
  /** What an upgrade that was under way adds; empty if there is none. */
  readonly addedArgs: string;
  /** The child has closed it, and the server has not said yet that it is; absent: no. */
  readonly closing?: boolean | undefined;
  /** Its server has closed it, and the child has had its capability; absent: no. */
  readonly handedOut?: boolean | undefined;
}

/** What a child serves for others, whoever they are. */
export interface ServedSessionsInfo {
  /** The number that the next one gets. */
  readonly next: number;
  readonly sessions: readonly ServedSessionInfo[];
}

export interface ServedSessionInfo {
  /** The child's number for it. */
  readonly id: number;
  readonly service: string;
  /** What the child was told: label, what has been donated, the rest. */
  readonly args: string;
  /** How far it was in its life (init/sessions). */
  readonly phase: string;
}

/** One slot of the child's capability table: whatever the child holds, whoever made it. */
export interface CapabilityInfo {
  readonly slot: number;
  readonly badge: number;
  readonly references: number;
}

/** A call between components that was under way. */
export interface CallInfo {
  readonly number: number;
  readonly targetBadge: number;
  readonly opcode: number;
  readonly state: "queued" | "dispatched" | "done";
  readonly status: number;
  /** Threads' native badges; 0: outside. */
  readonly callerBadge: number;
  readonly entrypointBadge: number;
  readonly bytes: Uint8Array;
  readonly capabilityBadges: readonly number[];
}

/** What is recorded of a program that is one in TypeScript. */
export interface NativeInfo {
  /** Its name, as `init`. Absent: the program is a module. */
  readonly native?: string;
  /** Objects that it serves itself; absent: none. */
  readonly servedBadges?: readonly number[];
}

/**
 * A component that a child keeps itself: one that a guest has started, or a child of an init that is RTCR's child, however
 * deep. Its PD session is one of RTCR's child.
 */
export interface ComponentInfo extends NativeInfo {
  /** The label of its PD session, as the child asked for it: `second -> third` in nested inits. */
  readonly name: string;
  /** Of its program; empty: none is loaded yet. */
  readonly program: string;
  readonly windows: boolean;
  /** memory.grow beyond the quota asks the parent. */
  readonly growthRequests: boolean;
  /** The dataspace that the program was loaded from, of a ROM session or a PD of the child; 0: none is loaded. */
  readonly binaryBadge: number;
  /** Its parent, whoever is it; 0: none is assigned. */
  readonly parentBadge: number;
  /** The PD that its quota comes from; 0: none. */
  readonly accountBadge: number;
  readonly pd: PdInfo;
  readonly capabilities: readonly CapabilityInfo[];
}

/** A CPU session beside that of the environment: its threads may be of any component of the child. */
export interface FurtherCpuInfo extends CpuInfo {
  /** The CPU session that its quota comes from; 0: none. */
  readonly accountBadge: number;
  /** Microseconds of each second. */
  readonly quotaUs: number;
  /** CPUs relative to the child's own; without an extent all of them. */
  readonly affinity: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** Everything recorded of one child, and of the components that it keeps itself. */
export interface ChildInfo extends NativeInfo {
  readonly name: string;
  /** SHA-256 of its program, hexadecimal; of one in TypeScript, of the binary that names it. */
  readonly program: string;
  readonly windows: boolean;
  readonly parent: ParentInfo;
  readonly pd: PdInfo;
  readonly cpu: CpuInfo;
  readonly logs: readonly LogInfo[];
  readonly timers: readonly TimerInfo[];
  readonly roms: readonly RomInfo[];
  readonly rms: readonly RmInfo[];
  readonly reports: readonly ReportInfo[];
  /** Sessions that others serve; those of the lists above that a child of the checkpoint serves are here too, as its own. */
  readonly foreign: readonly ForeignSessionInfo[];
  readonly capabilities: readonly CapabilityInfo[];
  /** Sessions that it serves; absent: it has never served one, or an older image. */
  readonly serves?: ServedSessionsInfo;
  /** Components that the child keeps itself, in the order of their PD sessions; absent: none. */
  readonly components?: readonly ComponentInfo[];
  readonly cpus?: readonly FurtherCpuInfo[];
  /** Absent: none, or an older image, which has them among `foreign` and files within the state of the program. */
  readonly fileSystems?: readonly FileSystemInfo[];
  readonly terminals?: readonly TerminalInfo[];
}
