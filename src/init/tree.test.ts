// A whole system in a test: core's real PDs, ROMs, timers and accounts, init, and children written in TypeScript. Time
// passes only when the test says so.
import assert from "node:assert/strict";
import {
  type CorePd,
  type NativeComponent,
  type NativeProgram,
  nativeBinary,
  type RomModule,
  VirtualClock,
} from "../core/index.ts";
import { noKernelTicker } from "../core/kernel/index.ts";
import { SESSION_RECORD_BYTES } from "../core/service/parent.ts";
import { Core } from "../core/system/index.ts";
import { Connections, Server, type Service } from "../native/index.ts";
import {
  type Capability,
  type CpuSession,
  type Env,
  type Location,
  objectOf,
  type ParentSession,
  type Quota,
  readQuota,
  type ServiceRoot,
  writeSessionArgs,
} from "../session/index.ts";
import { required, success } from "../util/index.ts";
import { INIT_PROGRAM } from "./config/check-config.ts";
import { init } from "./init.ts";

export interface TreeOptions {
  readonly config: string;
  /** Binaries of these names give their environment to the test: `tree.env(name)`. */
  readonly probes?: readonly string[];
  /** By the name of the ROM module. */
  readonly programs?: Readonly<Record<string, NativeProgram>>;
  readonly roms?: Readonly<Record<string, string>>;
  readonly cpus?: number;
  readonly initQuota?: Quota;
}

/** A CPU session and what it was created with. */
export interface CpuRecord {
  readonly label: string;
  readonly args: string;
  readonly affinity: Location;
  readonly session: CpuSession;
}

export interface Tree {
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
  /** Services of the sessions that core closed, in order. */
  readonly closed: string[];
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
  /** Ends the system; core has all its quota again. */
  close(): void;
  /** All quota there is, of PDs and of sessions: never changes. */
  total(): Quota;
}

const TOTAL: Quota = { ram: 256 << 20, caps: 20_000 };
const INIT_QUOTA: Quota = { ram: 64 << 20, caps: 5000 };

export function plant(options: TreeOptions): Tree {
  const [lines, warnings, exits]: [string[], string[], number[]] = [[], [], []];
  const donations = new Donations();
  const reports: { label: string; text: string }[] = [];
  const clock = new VirtualClock();
  const envs = new Map<string, Env[]>();
  const programs = new Map(Object.entries(options.programs ?? {}));
  programs.set(INIT_PROGRAM, init);
  for (const name of options.probes ?? []) programs.set(name, probe(name, envs));
  const core = new Core({
    quota: TOTAL,
    modules: new Map(Array.from(programs.keys(), (name) => [name, nativeBinary(name)])),
    programs,
    clock,
    cpus: options.cpus ?? 1,
    output: (line) => lines.push(line),
    warn: (line) => warnings.push(line),
    reported: (label, bytes) => reports.push({ label, text: new TextDecoder().decode(bytes) }),
    hash: () => assert.fail("there are no modules to hash"),
    kernel: { ticker: noKernelTicker },
  });
  donations.watch(core);
  const roms = new Map<string, RomModule>();
  for (const [name, text] of Object.entries(options.roms ?? {}))
    roms.set(name, core.modules.dynamic(name, encode(text)));
  const config = core.modules.dynamic("config", encode(options.config));
  const quota = options.initQuota ?? INIT_QUOTA;
  const first = core.start({ name: "init", binary: INIT_PROGRAM, quota });
  first.parent.exit = (value) => exits.push(value);
  const settle = () => assert.ok(core.tasks.runAll(1_000_000), "the system comes to rest");
  settle();
  const pdNamed = (label: string) => [...core.pds].findLast((pd) => pd.label === label);
  return {
    lines,
    warnings,
    reports,
    exits,
    cpus: donations.cpus,
    clock,
    initPd: required(pdNamed("init"), "init's PD"),
    asked: donations.asked,
    closed: donations.closed,
    env: (name) => required(envs.get(name)?.at(-1), `probe ${name}`),
    starts: (name) => envs.get(name)?.length ?? 0,
    parent: (name) => required(envs.get(name)?.at(-1)?.parent.object, `parent of ${name}`),
    pd: (label) => pdNamed(`init -> ${label}`),
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
      let [ram, caps] = [core.own.ramQuota() + donations.ram, core.own.capQuota() + donations.caps];
      for (const pd of core.pds) [ram, caps] = [ram + pd.ramQuota(), caps + pd.capQuota()];
      return { ram, caps };
    },
    close: () => {
      first.dispose();
      assert.deepEqual([core.own.ramQuota(), core.own.capQuota()], [TOTAL.ram, TOTAL.caps]);
      core.dispose();
    },
  };
}

function probe(name: string, envs: Map<string, Env[]>): NativeProgram {
  return (env) => {
    envs.set(name, [...(envs.get(name) ?? []), env]);
    return { dispose: () => {} };
  };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function labelOf(args: string): string {
  return /label="([^"]*)"/.exec(args)?.[1] ?? "";
}

/** What sessions hold that are no PDs, and what core keeps for its records. */
class Donations {
  ram = 0;
  caps = 0;
  readonly asked: string[] = [];
  readonly closed: string[] = [];
  readonly cpus: CpuRecord[] = [];
  readonly #sessions = new Map<Capability, { ram: number; caps: number }>();

  /** Counts from now on. */
  watch({ roots }: Core): void {
    const counted = roots as Map<string, ServiceRoot>;
    for (const [name, root] of roots) counted.set(name, this.#count(name, root));
  }

  /** The same root, its donations counted. */
  #count(service: string, root: ServiceRoot): ServiceRoot {
    return {
      kind: "root",
      session: (args, affinity) => {
        this.asked.push(`${service} ${args}`);
        const made = root.session(args, affinity);
        if (made.ok) this.#opened(service, made.value, args);
        const cpu = made.ok && objectOf<CpuSession>(made.value, "cpu");
        if (cpu) this.cpus.push({ label: labelOf(args), args, affinity, session: cpu });
        return made;
      },
      upgrade: (session, args) => {
        if (service !== "PD") this.#add(this.#sessions.get(session)!, readQuota(args));
        root.upgrade(session, args);
      },
      close: (session) => {
        this.closed.push(service);
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
    if (service !== "PD") this.#add(record, readQuota(args));
    if (!/^init( -> init)?$/.test(labelOf(args))) this.#add(record, { ram: SESSION_RECORD_BYTES, caps: 0 });
  }

  #add(record: { ram: number; caps: number }, { ram, caps }: Quota): void {
    record.ram += ram;
    record.caps += caps;
    this.ram += ram;
    this.caps += caps;
  }
}

/** Serves services by roots. */
export function serve(env: Env, roots: ReadonlyMap<string, ServiceRoot>): NativeComponent {
  const connections = new Connections(env);
  const serveBy = (root: ServiceRoot): Service => ({
    serve: ({ args, affinity }, answer) => {
      const text = writeSessionArgs(args);
      const made = root.session(text.ok ? text.value : "", affinity);
      if (!made.ok) return void answer(made);
      const object = made.value;
      const upgrade = ({ ram, caps }: Quota) => root.upgrade(object, `ram_quota=${ram}, cap_quota=${caps}`);
      answer(success({ object, upgrade, close: () => root.close(object) }));
      return undefined;
    },
  });
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
