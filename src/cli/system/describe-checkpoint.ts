// A checkpoint of components described for people and as JSON: names instead of numbers where there are any, intervals
// `[begin, end)` instead of sizes, roles instead of badges.
import {
  type CallInfo,
  type ChildInfo,
  componentsOf,
  cpusOf,
  type DataspaceInfo,
  describeRole,
  type ExitedChild,
  type ForeignSessionInfo,
  type OpenNodeInfo,
  otherSessions,
  type PdInfo,
  type RecordedComponent,
  type RegionMapInfo,
  type SessionInfo,
  type SystemCheckpoint,
  short,
  type TerminalInfo,
  type ThreadInfo,
} from "../../checkpoint/index.ts";
import { isOver } from "../../init/index.ts";
import { functionName } from "../../wasm/index.ts";
import { carriedModule, type LenientRecord, listOf, numberOf, recordOf, textOf } from "../lenient.ts";

export interface SystemDescription {
  readonly id: string;
  readonly name: string;
  readonly created: string;
  readonly parent?: string | undefined;
  readonly children: readonly ChildDescription[];
  /** Children of the same supervisor that had exited; they are not started again. */
  readonly exited: readonly ExitedChild[];
  readonly calls: readonly CallDescription[];
}

export interface ComponentDescription {
  readonly name: string;
  readonly program: string;
  /** Its name, if the program is one in TypeScript. */
  readonly native?: string;
  /** Bytes of the program if the checkpoint carries it. */
  readonly carriedBytes?: number;
  readonly windows: boolean;
  readonly ramQuota: number;
  readonly capQuota: number;
  readonly threads: readonly ThreadDescription[];
  readonly regionMaps: readonly RegionMapDescription[];
  readonly dataspaces: readonly DataspaceDescription[];
  readonly signalContexts: readonly { readonly badge: number; readonly imprint: number; readonly pending: number }[];
  readonly capabilities: readonly CapabilityDescription[];
}

export interface ChildDescription extends ComponentDescription {
  /** Its own, and those of the components that it keeps. */
  readonly sessions: readonly SessionDescription[];
  /** Components that it keeps itself, by the names that it gives them. */
  readonly components: readonly ComponentDescription[];
}

export interface SessionDescription {
  readonly id: number;
  readonly service: string;
  readonly badge: number;
  readonly args: string;
  /** What is known of its state, in words. */
  readonly state: string;
}

export interface ThreadDescription {
  readonly name: string;
  readonly badge: number;
  /** In words: never started, paused, or what it waits for. */
  readonly activity: string;
  readonly stackPointer: number;
  /** Innermost first. */
  readonly frames: readonly FrameDescription[];
}

export interface FrameDescription {
  readonly function: number;
  readonly name: string;
  /** Byte offset of the instruction in the function's body; 0 is its entry. */
  readonly position: number;
  /** How many values it needs. */
  readonly values: number;
}

/** `[begin, end)` of a map's addresses. */
export interface RegionDescription {
  readonly begin: number;
  readonly end: number;
  readonly access: string;
  /** What it shows: a dataspace's role. */
  readonly what: string;
}

export interface RegionMapDescription {
  readonly name: string;
  readonly badge: number;
  readonly size: number;
  readonly regions: readonly RegionDescription[];
}

export interface DataspaceDescription {
  readonly badge: number;
  readonly allocated: number;
  readonly bytes: number;
  readonly role: string;
  readonly bootstrapped: boolean;
  /** Where it is attached; none: detached. */
  readonly attached: readonly (RegionDescription & { readonly map: string })[];
}

export interface CapabilityDescription {
  readonly slot: number;
  readonly badge: number;
  readonly references: number;
  readonly what: string;
}

export interface CallDescription {
  readonly number: number;
  readonly opcode: number;
  readonly state: string;
  readonly caller: string;
  readonly entrypoint: string;
  readonly target: string;
  readonly bytes: number;
}

/** Every object of a checkpoint by its badge, in words. */
type Names = ReadonlyMap<number, string>;

export function describeCheckpoint(id: string, system: SystemCheckpoint): SystemDescription {
  const names: Names = new Map(system.children.flatMap((child) => [...objectsOf(child, system.children.length > 1)]));
  const { name, created, parent, modules = {} } = system;
  return {
    ...{ id, name, created, ...(parent === undefined ? {} : { parent }) },
    children: system.children.map((child) => describeChild(child, system.children, names, modules)),
    exited: system.exited,
    calls: system.calls.map((call) => describeCall(call, names)),
  };
}

function* objectsOf(child: ChildInfo, several: boolean): Generator<readonly [number, string]> {
  const prefix = several ? `${child.name}: ` : "";
  const named = (badge: number, what: string) => [badge, `${prefix}${what}`] as const;
  yield named(child.parent.badge, "parent");
  for (const { service, info } of recordedSessions(child, [])) yield named(info.badge, `${service} session ${info.id}`);
  for (const cpu of cpusOf(child)) {
    yield named(cpu.nativeBadge, "native CPU");
    for (const thread of cpu.threads) {
      yield named(thread.badge, `thread "${thread.name}"`);
      yield named(thread.nativeBadge, `thread "${thread.name}"`);
    }
  }
  for (const { name, map } of child.rms.flatMap(ownMaps)) yield* mapNames(map, `${prefix}${name}`);
  for (const { dataspaceBadge, module } of child.roms) yield named(dataspaceBadge, `ROM "${module}"`);
  for (const { dataspaceBadge, id } of child.reports) yield named(dataspaceBadge, `buffer of Report session ${id}`);
  for (const component of componentsOf(child)) {
    yield* componentObjects(component, component.name === "" ? prefix : `${prefix}${component.name}: `);
  }
}

function* componentObjects(
  { pd, servedBadges = [] }: RecordedComponent,
  prefix: string,
): Generator<readonly [number, string]> {
  const named = (badge: number, what: string) => [badge, `${prefix}${what}`] as const;
  yield named(pd.nativeBadge, "native PD");
  yield named(pd.dataBadge, "program data");
  for (const { name, map } of areasOf(pd)) yield* mapNames(map, `${prefix}${name}`);
  for (const { badge, allocated } of pd.signalSources) yield named(badge, `signal source ${allocated}`);
  for (const { badge, imprint } of pd.signalContexts) yield named(badge, `signal context 0x${imprint.toString(16)}`);
  for (const { badge, allocated } of pd.rpcObjects) yield named(badge, `RPC object ${allocated}`);
  for (const dataspace of pd.dataspaces) yield named(dataspace.badge, describeRole(dataspace));
  for (const badge of servedBadges) yield named(badge, "served by the program");
}

function* mapNames(map: RegionMapInfo, name: string): Generator<readonly [number, string]> {
  yield [map.badge, name];
  yield [map.dataspaceBadge, `dataspace of ${name}`];
}

interface Recorded {
  readonly service: string;
  readonly info: SessionInfo;
  readonly state: string;
}

/** @param together all children of the checkpoint */
function recordedSessions(child: ChildInfo, together: readonly ChildInfo[]): readonly Recorded[] {
  const { logs, timers, roms, rms, reports, fileSystems = [], terminals = [] } = child;
  const of = <T extends SessionInfo>(service: string, infos: readonly T[], state: (info: T) => string = () => "") =>
    infos.map((info): Recorded => ({ service, info, state: state(info) }));
  return [
    ...of(
      "PD",
      componentsOf(child).map(({ pd }) => pd),
    ),
    ...[...of("CPU", cpusOf(child)), ...of("LOG", logs)],
    ...of("Timer", timers, ({ timeoutUs, periodic, remainingUs }) => {
      if (remainingUs === 0) return "not armed";
      return `${remainingUs} of ${timeoutUs} us left${periodic ? ", periodic" : ""}`;
    }),
    ...of("ROM", roms, ({ module, size }) => (size === 0 ? `"${module}"` : `"${module}", ${size} bytes`)),
    ...of("RM", rms, ({ regionMaps }) => `${regionMaps.length} region maps`),
    ...of("Report", reports, ({ content }) => `${content.length} bytes`),
    ...of("File_system", fileSystems, ({ nodes }) => `open: ${nodes.map(openNode).join(", ")}`),
    ...of("Terminal", terminals, describeTerminal),
    ...otherSessions(child).map(
      (info): Recorded => ({ service: info.service, info, state: foreignState(info, together) }),
    ),
  ].sort((a, b) => a.info.allocated - b.info.allocated);
}

/** `/data/log rw` */
export function openNode({ path, read, write }: OpenNodeInfo): string {
  return `${path} ${read ? "r" : ""}${write ? "w" : ""}`;
}

function describeTerminal({ device, size, unreadBytes }: TerminalInfo): string {
  const behind = size ? `${device} of ${size.columns} x ${size.rows}` : device;
  return unreadBytes === 0 ? behind : `${behind}, ${unreadBytes} bytes unread`;
}

function foreignState({ closing, phase, server }: ForeignSessionInfo, together: readonly ChildInfo[]): string {
  if (isOver(phase)) return phase;
  if (closing) return "being closed";
  if (server === "") return "not recorded, opened anew";
  const there = together.some(({ name }) => name === server);
  return `served by child "${server}"${there ? "" : ", which is not in the checkpoint"}`;
}

interface NamedMap {
  readonly name: string;
  readonly map: RegionMapInfo;
}

function areasOf(pd: PdInfo): readonly NamedMap[] {
  return [
    { name: "address space", map: pd.addressSpace },
    { name: "stack area", map: pd.stackArea },
    { name: "linker area", map: pd.linkerArea },
  ];
}

function ownMaps({ regionMaps }: ChildInfo["rms"][number]): readonly NamedMap[] {
  return regionMaps.map((map) => ({ name: `region map ${map.allocated}`, map }));
}

type Modules = NonNullable<SystemCheckpoint["modules"]>;

function describeChild(
  child: ChildInfo,
  together: readonly ChildInfo[],
  names: Names,
  modules: Modules,
): ChildDescription {
  const [own, ...kept] = componentsOf(child).map((component) => describeComponent(child, component, names, modules));
  return {
    ...own!,
    name: child.name,
    sessions: recordedSessions(child, together).map(({ service, info, state }) => ({
      ...{ id: info.id, service, badge: info.badge, args: info.creationArgs, state },
    })),
    components: kept,
  };
}

function describeComponent(
  child: ChildInfo,
  component: RecordedComponent,
  names: Names,
  modules: Modules,
): ComponentDescription {
  const { name, program, native, windows, pd } = component;
  const own = name === "";
  const carried = native === undefined ? modules[program] : undefined;
  const nameOf = namesOfFunctions(carried, program);
  const maps = [...areasOf(pd), ...(own ? child.rms.flatMap(ownMaps) : [])];
  const threads = cpusOf(child).flatMap((cpu) => cpu.threads.filter(({ pdBadge }) => pdBadge === pd.badge));
  return {
    ...{ name, program, ...(native === undefined ? {} : { native }) },
    ...{ ...(carried ? { carriedBytes: carried.length } : {}), windows },
    ...{ ramQuota: pd.ramQuota, capQuota: pd.capQuota },
    threads: threads.map((thread) => describeThread(thread, nameOf)),
    regionMaps: maps.map((each) => describeMap(each, names)),
    dataspaces: pd.dataspaces.map((dataspace) => describeDataspace(dataspace, maps, names)),
    signalContexts: pd.signalContexts.map(({ badge, imprint, pending }) => ({ badge, imprint, pending })),
    capabilities: component.capabilities.map((capability) => ({
      ...capability,
      what: capability.badge === 0 ? "invalid" : (names.get(capability.badge) ?? "of somebody else"),
    })),
  };
}

function describeMap({ name, map }: NamedMap, names: Names): RegionMapDescription {
  const { badge, size, regions } = map;
  return { name, badge, size, regions: regions.map((region) => describeRegion(region, names)) };
}

function describeRegion(region: RegionMapInfo["regions"][number], names: Names): RegionDescription {
  const { address, size, writeable, executable, dataspaceBadge } = region;
  const access = `r${writeable ? "w" : "-"}${executable ? "x" : "-"}`;
  return { begin: address, end: address + size, access, what: names.get(dataspaceBadge) ?? `cap-${dataspaceBadge}` };
}

function describeDataspace(dataspace: DataspaceInfo, maps: readonly NamedMap[], names: Names): DataspaceDescription {
  const { badge, allocated, size, bootstrapped } = dataspace;
  const attached = maps.flatMap(({ name, map }) =>
    map.regions
      .filter(({ dataspaceBadge }) => dataspaceBadge === badge)
      .map((region) => ({ map: name, ...describeRegion(region, names) })),
  );
  return { badge, allocated, bytes: size, role: describeRole(dataspace), bootstrapped, attached };
}

/** What of a thread's state looks like one; nothing here relies on it. */
function describeThread(thread: ThreadInfo, nameOf: (index: number) => string): ThreadDescription {
  const state = recordOf(thread.state);
  const saved = listOf(state["activations"]).map((activation) => recordOf(recordOf(activation)["thread"]));
  const frames = saved.flatMap((each) => [...listOf(each["frames"])].reverse().map(recordOf));
  return {
    ...{ name: thread.name, badge: thread.badge, activity: activityOf(thread, state) },
    stackPointer: thread.stackPointer,
    frames: frames.map((frame) => {
      const index = numberOf(frame["function"]);
      const [position, values] = [numberOf(frame["position"]), listOf(frame["values"]).length];
      return { function: index, name: nameOf(index), position, values };
    }),
  };
}

function activityOf({ started, paused }: ThreadInfo, state: LenientRecord): string {
  if (!started) return "never started";
  const { kind, address, call } = recordOf(state["waiting"]);
  const where = typeof address === "number" ? ` at 0x${address.toString(16)}` : "";
  const which = call === undefined ? "" : ` ${textOf(call)}`;
  const doing = state["waiting"] === undefined ? "ready" : `waits for ${textOf(kind)}${which}${where}`;
  return paused ? `paused, ${doing}` : doing;
}

function namesOfFunctions(program: Uint8Array | undefined, hash: string): (index: number) => string {
  if (!program) return (index) => `function ${index}`;
  const module = carriedModule(program, hash);
  return (index) => functionName(module, index);
}

function describeCall(call: CallInfo, names: Names): CallDescription {
  const named = (badge: number) => (badge === 0 ? "outside" : (names.get(badge) ?? `cap-${badge}`));
  const { number, opcode, state, callerBadge, entrypointBadge, targetBadge, bytes } = call;
  return {
    ...{ number, opcode, state, bytes: bytes.length },
    ...{ caller: named(callerBadge), entrypoint: named(entrypointBadge), target: named(targetBadge) },
  };
}

/** `[0x1000, 0x2000)` */
export function interval(begin: number, end: number): string {
  return `[0x${begin.toString(16)}, 0x${end.toString(16)})`;
}

/** Hashes as people read them. */
export function programName({ program, native, carriedBytes }: ComponentDescription): string {
  if (native !== undefined) return `${native}, in TypeScript`;
  if (program === "") return "none yet";
  return `${short(program)}, ${carriedBytes === undefined ? "not carried" : `${carriedBytes} bytes carried`}`;
}
