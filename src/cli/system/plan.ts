// What a restore of a system will do, found out before anything is made: which supervisor takes the children up, with
// which programs, and who will serve their sessions. Authority is the new configuration's to give (spec 4, S96).
import {
  type ChildInfo,
  componentsOf,
  cpusOf,
  type ForeignSessionInfo,
  type OpenNodeInfo,
  otherSessions,
  type RomInfo,
  type SessionInfo,
  type SystemCheckpoint,
  short,
} from "../../checkpoint/index.ts";
import {
  checkConfig,
  checkSystem,
  describeFinding,
  INIT_PROGRAM,
  type InitConfig,
  isOver,
  type Route,
  resolveRoute,
  type StartConfig,
  XmlFault,
} from "../../init/index.ts";
import { RTCR_PROGRAM, readRtcrConfig, toInitConfig } from "../../rtcr/index.ts";
import { ENV_SESSION, prefixLabel, quotaArgs, readSessionArgs } from "../../session/index.ts";
import { CliFailure, EXIT } from "../failure.ts";
import type { ModuleNames } from "./check.ts";
import { hashOf } from "./checkpointer.ts";
import { directoryOf, type Level, missingAbove, servedAbove } from "./routes-above.ts";

/** A component of a configuration whose program is `rtcr`. */
export interface Supervisor {
  /** As `init -> rtcr`. */
  readonly label: string;
  /** Not beneath another one. */
  readonly outermost: boolean;
  readonly config: InitConfig;
  /** Itself, and the inits above it. */
  readonly levels: readonly Level[];
  /** It refuses sessions that can only be opened anew. */
  readonly refusesForeign: boolean;
}

/** A session that will be opened in a child's name. */
export interface PlannedSession {
  readonly child: string;
  readonly service: string;
  /** As the child said it. */
  readonly label: string;
  /** Bytes and capabilities that the child donates. */
  readonly ram: number;
  readonly caps: number;
  /** Who will serve it; absent: nobody. */
  readonly server?: string;
  /** Why nobody will. */
  readonly refused?: string;
  /** Its state is not recorded, it begins anew: not one of RTCR's, and nor is its server a child of the checkpoint. */
  readonly anew: boolean;
  /** Files and directories that it has open, in the program's paths; absent: it is none of File_system. */
  readonly opens?: readonly OpenNodeInfo[];
}

/** Ids. */
const ENVIRONMENT: readonly number[] = Object.values(ENV_SESSION);

/** Quotas and routes do not depend on it. */
const ONE_CPU = { width: 1, height: 1 };

/** All supervisors in a configuration, an outer one before those beneath it. */
export function supervisorsOf(text: string): readonly Supervisor[] {
  return within(checkSystem(text).config, "init", true, []);
}

function within(config: InitConfig, label: string, outermost: boolean, above: readonly Level[]): Supervisor[] {
  return config.starts.flatMap((start) => {
    const { name, binary, config: inside } = start;
    const path = prefixLabel(label, name);
    const levels = [{ label, config, start }, ...above];
    if (binary === RTCR_PROGRAM) {
      const text = inside ?? "<config/>";
      const { refusesForeign } = readRtcrConfig(text);
      const own = checkConfig(toInitConfig(text, ONE_CPU)).config;
      return [{ label: path, outermost, config: own, levels, refusesForeign }, ...within(own, path, false, levels)];
    }
    if (binary !== INIT_PROGRAM || inside === undefined) return [];
    return within(checkConfig(inside).config, path, outermost, levels);
  });
}

/** @throws CliFailure when it is no XML */
function supervisorsIn(file: string, text: string): readonly Supervisor[] {
  try {
    return supervisorsOf(text);
  } catch (error) {
    if (error instanceof XmlFault) throw new CliFailure(EXIT.failed, describeFinding(file, error));
    throw error;
  }
}

const WHICH = '--supervisor "LABEL" says which';

/**
 * The supervisor that is named, else the only outermost one.
 *
 * @param wanted its label, as `init -> inner -> rtcr`
 * @throws CliFailure which says what there is
 */
export function chosenSupervisor(file: string, text: string, wanted: string | undefined): Supervisor {
  const all = supervisorsIn(file, text);
  if (wanted !== undefined) return named(file, all, wanted);
  const outermost = all.filter((each) => each.outermost);
  const [only] = outermost;
  if (only && outermost.length === 1) return only;
  const message = `${file}: ${outermost.length} outermost supervisors, expected one; there are ${listOf(all)}`;
  throw new CliFailure(EXIT.failed, message, only && WHICH);
}

/**
 * The supervisor that keeps all children of a checkpoint: the one that is named, else the only one, where an outermost one
 * comes before those beneath.
 *
 * @throws CliFailure which says what there is
 */
export function supervisorFor(
  id: string,
  { children }: SystemCheckpoint,
  { file, text, wanted }: { readonly file: string; readonly text: string; readonly wanted: string | undefined },
): Supervisor {
  const all = supervisorsIn(file, text);
  const names = children.map(({ name }) => name);
  const keeps = ({ config }: Supervisor) => names.every((name) => startOf(config, name));
  const fitting = (wanted === undefined ? all : [named(file, all, wanted)]).filter(keeps);
  const outermost = fitting.filter((each) => each.outermost);
  const found = outermost.length > 0 ? outermost : fitting;
  const [only] = found;
  if (only && found.length === 1) return only;
  const who = wanted === undefined ? "no supervisor keeps them" : `${wanted} does not keep them`;
  const why = only ? `${found.length} supervisors keep them` : who;
  const message = `checkpoint ${short(id)} is of children ${names.join(", ")}: in ${file} ${why}, expected one; there are ${listOf(all)}`;
  throw new CliFailure(EXIT.refused, message, only && WHICH);
}

function named(file: string, all: readonly Supervisor[], wanted: string): Supervisor {
  const label = wanted
    .trim()
    .split(/\s*->\s*/)
    .join(" -> ");
  const found = all.find((each) => each.label === label);
  if (found) return found;
  throw new CliFailure(EXIT.notFound, `${file}: no supervisor ${JSON.stringify(label)}; there are ${listOf(all)}`);
}

/** Supervisors with their children, for people. */
function listOf(all: readonly Supervisor[]): string {
  const children = ({ starts }: InitConfig) => starts.map(({ name }) => name).join(", ") || "no children";
  return all.map(({ label, config }) => `${label} (${children(config)})`).join("; ") || "none: <start> a program rtcr";
}

function startOf(config: InitConfig, name: string): StartConfig | undefined {
  return config.starts.find((start) => start.name === name);
}

/**
 * The modules of the system, and the programs that the checkpoint carries where the system has none of that name.
 *
 * @throws CliFailure when a child's program is another one, or nowhere
 */
export function programsFor(
  id: string,
  system: SystemCheckpoint,
  { config }: Supervisor,
  modules: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, Uint8Array> {
  const all = new Map(modules);
  for (const child of system.children) {
    for (const { module, content } of programModules(child)) if (!all.has(module)) all.set(module, content);
    if (child.native !== undefined) continue; // every system has those
    const { name, program } = child;
    const binary = startOf(config, name)?.binary ?? name;
    const there = modules.get(binary);
    const carried = system.modules?.[program];
    if (!there && carried) all.set(binary, carried);
    if (there && hashOf(there) !== program) throw otherProgram(id, { name, program, binary }, hashOf(there));
    if (!there && !carried && !servesRoms(config)) throw noProgram(id, { name, program, binary });
  }
  return all;
}

/** ROM modules that components which a child keeps itself were loaded from, as the checkpoint has them. */
function programModules({ components = [], roms }: ChildInfo): readonly RomInfo[] {
  const binaries = new Set(
    components.flatMap(({ native, binaryBadge }) => (native === undefined ? [binaryBadge] : [])),
  );
  return roms.filter(({ dataspaceBadge }) => dataspaceBadge !== 0 && binaries.has(dataspaceBadge));
}

/** A child may get its program from a component that serves modules; then the supervisor finds out. */
function servesRoms({ starts }: InitConfig): boolean {
  return starts.some(({ provides }) => provides.includes("ROM"));
}

interface Wanted {
  readonly name: string;
  readonly program: string;
  readonly binary: string;
}

function otherProgram(id: string, { name, program, binary }: Wanted, found: string): CliFailure {
  const message = `checkpoint ${short(id)}: child "${name}" was made of program ${short(program)}, found ${short(found)} in the ROM module "${binary}"`;
  return new CliFailure(EXIT.damaged, message, `--rom ${binary}=FILE names another`);
}

function noProgram(id: string, { name, program, binary }: Wanted): CliFailure {
  const message = `checkpoint ${short(id)}: child "${name}" needs program ${short(program)}, which the checkpoint does not carry and no ROM module "${binary}" is`;
  return new CliFailure(EXIT.notFound, message, `--rom ${binary}=FILE adds it`);
}

/**
 * Every session that the children had, in the order in which they are opened again, and those that nobody will serve to the
 * supervisor and the inits above it.
 */
export function plannedSessions(
  { children }: SystemCheckpoint,
  { label, config, levels, refusesForeign }: Supervisor,
  modules: ModuleNames,
): readonly PlannedSession[] {
  const together = children.map(({ name }) => name);
  const directory = directoryOf(config);
  const own = missingAbove(levels, modules).map(({ label: child, service, why }) => {
    return { child, service, label: "", anew: false, ram: 0, caps: 0, refused: why };
  });
  const theirs = children.flatMap((child) => {
    const start = startOf(config, child.name);
    return start ? sessionsOf(child, together).map((session) => planned(child.name, session, start)) : [];
  });
  return [...own, ...theirs];

  function planned(child: string, recorded: Recorded, start: StartConfig): PlannedSession {
    const { service, info, anew, opens } = recorded;
    const read = readSessionArgs(info.creationArgs);
    const args = read.ok ? read.value : new Map<string, string>();
    const own = args.get("label") ?? "";
    const session = { child, service, label: own, anew, ...(opens ? { opens } : {}), ...quotaArgs(args) };
    const routed = resolveRoute({ service, label: prefixLabel(child, own) }, start, config, directory);
    return { ...session, ...(routed.ok ? servedBy(routed.value, recorded) : { refused: routed.why }) };
  }

  function servedBy(route: Route, { service, anew, at }: Recorded): { server: string } | { refused: string } {
    if (at !== undefined && !together.includes(at)) return { refused: `its server "${at}" is not in the checkpoint` };
    const within = route.to === "child" ? route.child : label;
    const leads = route.to === "parent" ? `the parent of ${label}` : within;
    if (at !== undefined && leads !== at) return { refused: `it goes on at "${at}", its route leads to ${leads}` };
    if (anew && refusesForeign && route.to !== "child") {
      return { refused: '<checkpoint foreign="refuse"> refuses what cannot be restored' };
    }
    if (route.to !== "parent") return { server: leads };
    const served = servedAbove({ service, label: route.label }, levels, modules);
    return served.ok ? { server: served.by ?? leads } : { refused: served.why };
  }
}

interface Recorded {
  readonly service: string;
  readonly info: SessionInfo;
  readonly anew: boolean;
  readonly opens?: readonly OpenNodeInfo[];
  /** Another child, by which alone it can go on; absent: whoever serves it. */
  readonly at?: string | undefined;
}

/** @param together children of the checkpoint */
function sessionsOf(child: ChildInfo, together: readonly string[]): readonly Recorded[] {
  const { logs, timers, roms, rms, reports, fileSystems = [], terminals = [] } = child;
  const of = (service: string, infos: readonly SessionInfo[]) =>
    infos.map((info): Recorded => ({ service, info, anew: false }));
  const all = [
    ...of(
      "PD",
      componentsOf(child).map(({ pd }) => pd),
    ),
    ...[...of("CPU", cpusOf(child)), ...of("LOG", logs), ...of("Timer", timers)],
    ...[...of("ROM", roms), ...of("RM", rms), ...of("Report", reports)],
    ...fileSystems.map((info): Recorded => ({ service: "File_system", info, anew: false, opens: info.nodes })),
    ...of("Terminal", terminals),
    ...otherSessions(child)
      .filter(({ closing, phase }) => !closing && !isOver(phase))
      .map((info): Recorded => ({ service: info.service, info, anew: !bound(info, together) })),
  ];
  const ties = new Map(child.foreign.filter((info) => bound(info, together)).map(({ id, server }) => [id, server]));
  return all
    .map((session) => ({ ...session, at: ties.get(session.info.id) }))
    .sort((a, b) => a.info.allocated - b.info.allocated);
}

/** Another child serves it, and knows it; sessions of the environment are opened where their route leads. */
function bound({ id, server, phase, badge, closing }: ForeignSessionInfo, together: readonly string[]): boolean {
  if (server === "" || isOver(phase) || ENVIRONMENT.includes(id)) return false;
  return together.includes(server) || (badge !== 0 && !closing);
}

/**
 * Refuses a restore in which a session would find nobody.
 *
 * @throws CliFailure with a line a session
 */
export function requireServed(id: string, sessions: readonly PlannedSession[]): void {
  const lines = sessions.flatMap(({ child, service, label, refused }) =>
    refused === undefined ? [] : [`  ${child}: ${service} session "${label}": ${refused}`],
  );
  if (lines.length === 0) return;
  const message = `checkpoint ${short(id)}: ${lines.length} sessions would find nobody, nothing was made`;
  throw new CliFailure(EXIT.refused, [message, ...lines].join("\n"), "a <route> of the child, or the <default-route>");
}
