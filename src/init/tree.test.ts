// A whole system in a test: core's real PDs, ROMs, timers and accounts, init, and children written in TypeScript. Time
// passes only when the test says so.
import assert from "node:assert/strict";
import {
  type CorePd,
  createCoreContext,
  createEnv,
  createPd,
  createRootPd,
  type NativeComponent,
  type NativeProgram,
  nativeBinary,
  nativeProgramName,
  type OwnedEnv,
  type RomModule,
  RomModules,
  TaskQueue,
  VirtualClock,
} from "../core/index.ts";
import { budgetDataspaces } from "../core/service/dataspaces.ts";
import { CoreParent, SESSION_RECORD_BYTES } from "../core/service/parent.ts";
import { CoreRoot, type RootOptions } from "../core/service/root.ts";
import { logRoot, openObject, reportRoot, rmRoot, romRoot, timerRoot } from "../core/service/small-roots.ts";
import { Connections, type Serve, Server } from "../native/index.ts";
import {
  type Capability,
  type CpuSession,
  type CpuThread,
  ENV_SESSION,
  type Env,
  INVALID,
  type Location,
  type NativePd,
  objectOf,
  type ParentSession,
  type PdSession,
  type Quota,
  type ServiceRoot,
  writeSessionArgs,
} from "../session/index.ts";
import { refusal, required, success } from "../util/index.ts";
import { Init } from "./init.ts";
import { quotaOf } from "./sessions/arguments.ts";

export interface TreeOptions {
  readonly config: string;
  /** Binaries of these names give their environment to the test: `tree.env(name)`. */
  readonly probes?: readonly string[];
  /** By the name of the ROM module. */
  readonly programs?: Readonly<Record<string, NativeProgram>>;
  readonly roms?: Readonly<Record<string, string>>;
  readonly cpus?: { readonly width: number; readonly height: number };
  readonly initQuota?: Quota;
}

/** What a CPU session was created and told. */
export interface CpuRecord {
  readonly label: string;
  readonly priority: string | undefined;
  readonly location: Location;
  quota: number;
}

export interface Tree {
  readonly init: Init;
  readonly lines: string[];
  readonly warnings: string[];
  /** Reports by label, the last one last. */
  readonly reports: { readonly label: string; readonly text: string }[];
  readonly exits: number[];
  readonly cpus: CpuRecord[];
  readonly clock: VirtualClock;
  readonly initPd: CorePd;
  /** Arguments of the sessions that core was asked for, by service. */
  readonly asked: string[];
  /** The environment of the probe of that name, of its last start. */
  env(name: string): Env;
  /** How often a probe was started. */
  starts(name: string): number;
  /** The probe's parent. */
  parent(name: string): ParentSession;
  /** PDs that live, by label, init's and core's left out. */
  pd(label: string): CorePd | undefined;
  /** Runs what is to be done now. */
  settle(): void;
  advance(ms: number): void;
  configure(config: string): void;
  rom(name: string): RomModule;
  /** All quota there is, of PDs and of sessions: never changes. */
  total(): Quota;
}

const TOTAL: Quota = { ram: 256 << 20, caps: 20_000 };
const INIT_QUOTA: Quota = { ram: 64 << 20, caps: 5000 };

export function plant(options: TreeOptions): Tree {
  const [lines, warnings, exits]: [string[], string[], number[]] = [[], [], []];
  const donations = new Donations();
  const reports: { label: string; text: string }[] = [];
  const cpus: CpuRecord[] = [];
  const context = createCoreContext({ warn: (message) => warnings.push(message) });
  const own = createRootPd(context, { label: "core", donation: TOTAL });
  const modules = new RomModules(budgetDataspaces(context, own.budget, "rom"));
  const tasks = new TaskQueue();
  const clock = new VirtualClock();
  const programs = new Map(Object.entries(options.programs ?? {}));
  programs.set("init", (env) => new Init(env));
  const envs = new Map<string, Env[]>();
  for (const name of options.probes ?? []) {
    programs.set(name, (env) => {
      envs.set(name, [...(envs.get(name) ?? []), env]);
      return { dispose: () => {} };
    });
  }
  for (const name of programs.keys()) modules.boot(name, nativeBinary(name));
  const roms = new Map<string, RomModule>();
  for (const [name, text] of Object.entries(options.roms ?? {})) roms.set(name, modules.dynamic(name, encode(text)));
  const config = modules.dynamic("config", encode(options.config));
  const pds = new Map<string, CorePd>();
  const natives = new Map<PdSession, NativeHost>();
  const pdRoot = new CoreRoot({
    service: "PD",
    cost: { ram: 0, caps: 0 },
    warn: context.warn,
    open: ({ label, donation }) => {
      const native = (pd: CorePd) => {
        const host = new NativeHost(programs, context.badges, tasks, () => pd.parent);
        natives.set(pd, host);
        return context.badges.identify<NativePd>(host as unknown as NativePd).capability;
      };
      const made = createPd(context, { label, donation, native });
      if (!made.ok) return made;
      const pd = made.value;
      pds.set(label, pd);
      const close = () => {
        natives.get(pd)?.stop();
        natives.delete(pd);
        if (pds.get(label) === pd) pds.delete(label);
        pd.destroy();
      };
      return success({ capability: pd.capability, upgrade: (quota) => pd.upgrade(quota), close });
    },
  });
  const openCpu: RootOptions["open"] = ({ label, args, affinity }) => {
    const whole = { ...{ width: 1, height: 1 }, ...options.cpus };
    const location = affinity.width > 0 ? affinity : { x: 0, y: 0, ...whole };
    const record = { label, priority: args.get("priority"), location, quota: 0 };
    cpus.push(record);
    return openObject(context, cpuSession(context.badges, natives, record));
  };
  const cpuRoot = new CoreRoot({ service: "CPU", cost: { ram: 0, caps: 0 }, warn: context.warn, open: openCpu });
  const reportOf = (label: string, bytes: Uint8Array) => {
    reports.push({ label, text: new TextDecoder().decode(bytes) });
  };
  const roots = new Map<string, ServiceRoot>(
    Object.entries({
      PD: pdRoot,
      CPU: cpuRoot,
      ROM: romRoot(context, modules),
      LOG: logRoot(context, (line) => lines.push(line)),
      RM: rmRoot(context),
      Timer: timerRoot(context, clock.alarms),
      Report: reportRoot(context, reportOf),
    }).map(([name, root]) => [name, donations.count(name, root)]),
  );
  const parent = new CoreParent({ name: "init", own, roots, warn: context.warn, exited: (value) => exits.push(value) });
  const open = (id: number, service: string, label: string, quota: Quota) => {
    const made = parent.environment(id, service, label, new Map(), quota);
    assert.ok(made.ok, `${service}: ${made.ok || made.reason}`);
    return made.value;
  };
  const pdCap = open(ENV_SESSION.pd, "PD", "", { ram: 192 << 10, caps: 13 }) as Capability<PdSession>;
  open(ENV_SESSION.cpu, "CPU", "", { ram: 36 << 10, caps: 4 });
  open(ENV_SESSION.log, "LOG", "", { ram: 8 << 10, caps: 2 });
  const initPd = required(pds.get("init"), "init's PD");
  assert.ok(initPd.refAccount(own.capability).ok);
  const quota = options.initQuota ?? INIT_QUOTA;
  assert.ok(own.transferRamQuota(pdCap, quota.ram).ok && own.transferCapQuota(pdCap, quota.caps).ok);
  const identity = context.badges.identify<ParentSession>(parent);
  initPd.assignParent(identity.capability);
  const { env } = createEnv({ parent: identity.capability, badges: context.badges, tasks });
  const init = new Init(env);
  const settle = () => assert.ok(tasks.runAll(100_000), "the system comes to rest");
  settle();
  return {
    init,
    lines,
    warnings,
    reports,
    exits,
    cpus,
    clock,
    initPd,
    asked: donations.asked,
    env: (name) => required(envs.get(name)?.at(-1), `probe ${name}`),
    starts: (name) => envs.get(name)?.length ?? 0,
    parent: (name) => required(envs.get(name)?.at(-1)?.parent.object, `parent of ${name}`),
    pd: (label) => pds.get(`init -> ${label}`),
    settle,
    advance: (ms) => {
      for (let left = ms; left > 0; left--) {
        clock.advance(1000);
        settle();
      }
    },
    configure: (text) => {
      config.change(encode(text));
      settle();
    },
    rom: (name) => required(roms.get(name), `ROM ${name}`),
    total: () => {
      let [ram, caps] = [own.ramQuota() + donations.ram, own.capQuota() + donations.caps];
      for (const pd of pds.values()) [ram, caps] = [ram + pd.ramQuota(), caps + pd.capQuota()];
      return { ram, caps };
    },
  };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What sessions hold that are no PDs, and what core keeps for its records. */
class Donations {
  ram = 0;
  caps = 0;
  readonly asked: string[] = [];
  readonly #sessions = new Map<Capability, { ram: number; caps: number }>();

  /** The same root, its donations counted. */
  count(service: string, root: ServiceRoot): ServiceRoot {
    return {
      kind: "root",
      session: (args, affinity) => {
        this.asked.push(`${service} ${args}`);
        const made = root.session(args, affinity);
        if (made.ok) this.#opened(service, made.value, args);
        return made;
      },
      upgrade: (session, args) => {
        if (service !== "PD") this.#add(this.#sessions.get(session)!, quotaOf(args));
        root.upgrade(session, args);
      },
      close: (session) => {
        const { ram, caps } = this.#sessions.get(session)!;
        this.#sessions.delete(session);
        this.ram -= ram;
        this.caps -= caps;
        root.close(session);
      },
    };
  }

  #opened(service: string, session: Capability, args: string): void {
    const record = { ram: 0, caps: 0 };
    this.#sessions.set(session, record);
    if (service !== "PD") this.#add(record, quotaOf(args));
    if (!/label="init"/.test(args)) this.#add(record, { ram: SESSION_RECORD_BYTES, caps: 0 });
  }

  #add(record: { ram: number; caps: number }, { ram, caps }: Quota): void {
    record.ram += ram;
    record.caps += caps;
    this.ram += ram;
    this.caps += caps;
  }
}

/** The part of a PD that runs native programs. */
class NativeHost {
  readonly kind = "native-pd";
  readonly #programs: ReadonlyMap<string, NativeProgram>;
  readonly #badges: Env["badges"];
  readonly #tasks: TaskQueue;
  readonly #parent: () => Capability<ParentSession>;
  #problem = "";
  #program: NativeProgram | undefined;
  #env: OwnedEnv | undefined;
  #component: NativeComponent | undefined;
  #stopped = false;

  constructor(
    programs: ReadonlyMap<string, NativeProgram>,
    badges: Env["badges"],
    tasks: TaskQueue,
    parent: () => Capability<ParentSession>,
  ) {
    this.#programs = programs;
    this.#badges = badges;
    this.#tasks = tasks;
    this.#parent = parent;
  }

  load(binary: Parameters<NativePd["load"]>[0]): ReturnType<NativePd["load"]> {
    const name = binary.object && nativeProgramName(binary.object);
    this.#program = name === undefined ? undefined : this.#programs.get(name);
    if (this.#program) return success(undefined);
    this.#problem = "the binary names no program of this test";
    return refusal("invalid-program");
  }

  problem(): string {
    return this.#problem;
  }

  start(): void {
    this.#tasks.post(() => this.#run());
  }

  #run(): void {
    if (this.#stopped) return;
    this.#env = createEnv({ parent: this.#parent(), badges: this.#badges, tasks: this.#tasks });
    this.#component = this.#program?.(this.#env.env);
  }

  stop(): void {
    this.#stopped = true;
    this.#component?.dispose();
    this.#env?.dispose();
  }
}

function cpuSession(
  badges: Env["badges"],
  natives: ReadonlyMap<PdSession, NativeHost>,
  record: CpuRecord,
): CpuSession & { dispose(): void } {
  const session: Partial<CpuSession> & { kind: "cpu"; dispose(): void } = {
    kind: "cpu",
    createThread: (pd) => {
      const host = pd.object && natives.get(pd.object);
      if (!host) return refusal("thread-creation-failed");
      const thread = { kind: "cpu-thread", start: () => host.start() } as unknown as CpuThread;
      return success(badges.identify<CpuThread>(thread).capability);
    },
    affinitySpace: () => ({ width: record.location.width, height: record.location.height }),
    refAccount: () => 0,
    transferQuota: (to, amount) => {
      const target = objectOf<CpuSession>(to, "cpu") as (CpuSession & { record?: CpuRecord }) | undefined;
      if (target?.record) target.record.quota += amount;
      return target?.record ? 0 : -1;
    },
    dispose: () => {},
  };
  return Object.assign(session, { record }) as unknown as CpuSession & { dispose(): void };
}

/** Serves services by roots. */
export function serve(env: Env, roots: ReadonlyMap<string, ServiceRoot>): NativeComponent {
  const connections = new Connections(env);
  const serveBy =
    (root: ServiceRoot): Serve =>
    ({ args, affinity }, answer) => {
      const text = writeSessionArgs(args);
      const made = root.session(text.ok ? text.value : "", affinity);
      if (!made.ok) return answer(made);
      const object = made.value;
      const upgrade = ({ ram, caps }: Quota) => root.upgrade(object, `ram_quota=${ram}, cap_quota=${caps}`);
      answer(success({ object, upgrade, close: () => root.close(object) }));
    };
  const server = new Server(env, connections, new Map([...roots].map(([name, root]) => [name, serveBy(root)])));
  return {
    dispose: () => {
      server.dispose();
      connections.dispose();
    },
  };
}

/** A child's start node with enough of everything. */
export function start(name: string, inside = "", attributes = 'caps="200" ram="4M"'): string {
  return `<start name="${name}" ${attributes}>${inside}</start>`;
}

export const PARENT_SERVICES = ["PD", "CPU", "ROM", "LOG", "RM", "Timer", "Report"];

/** A configuration with all services of core routed to the parent. */
export function system(inside: string, attributes = ""): string {
  const services = PARENT_SERVICES.map((name) => `<service name="${name}"/>`).join("");
  return `<config ${attributes}><parent-provides>${services}</parent-provides>
    <default-route><any-service><parent/><any-child/></any-service></default-route>${inside}</config>`;
}

export const NOTHING: Capability = INVALID;
