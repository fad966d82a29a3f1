// The systems that `rtcr torture` is tried on: every component of apps/components, by itself or with those that it talks
// to, programs of WASI, and inits in inits. Each is the children of a supervisor, which come to an end.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { APPS, type App } from "../../apps/apps.ts";
import { DEEP, init, PAIR, supervisor } from "../rtcr/nested.ts";
import type { ChildSpec } from "../rtcr/rig.ts";
import { start } from "../support/core-system.ts";

/** Children of a supervisor. */
export interface TorturedSystem {
  /** Names of what build/components or build/apps has. */
  readonly programs: readonly string[];
  /** Programs besides, by name. */
  readonly modules?: Readonly<Record<string, Uint8Array>>;
  /** Start nodes. */
  readonly children: string;
  /** Each WASI program has a directory /data of its own. */
  readonly memoryFiles?: boolean;
  /** Options that say what of its lines several CPUs promise. Default: each component's own, in their order */
  readonly rules?: readonly string[];
}

export interface Node {
  /** Default: the child's name. */
  readonly binary?: string;
  readonly windows?: boolean;
  /** Attributes of the start node. */
  readonly quota?: string;
  /** Services of others that it uses: theirs by the servers' names. */
  readonly from?: Readonly<Record<string, string>>;
  readonly provides?: string;
}

/** A start node. @param config its <config>, and whatever else */
export function node(
  name: string,
  config: string,
  { binary = name, windows, quota = "", from, provides }: Node = {},
): string {
  const routes = Object.entries(from ?? {}).map(
    ([service, server]) => `<service name="${service}"><child name="${server}"/></service>`,
  );
  const route = from ? `<route>${routes.join("")}<any-service><parent/></any-service></route>` : "";
  const provided = provides ? `<provides><service name="${provides}"/></provides>` : "";
  const program = `<binary name="${binary}"${windows ? ' windows="yes"' : ""}/>`;
  return `<start name="${name}" ${quota}>${program}${provided}${route}${config}</start>`;
}

/** One component by itself. */
export function alone(name: string, config: string, options: Node = {}): TorturedSystem {
  return { programs: [options.binary ?? name], children: node(name, config, options) };
}

const COUNT = '<config iterations="20" turns="4" sleep_ms="3" period_ms="3"/>';
export const PROPAGATE = '<exit propagate="yes"/>';
const windows = true;

/** The five programs of the thesis, by language. */
const THESIS = ["sheep_counter", "stack_counter", "large_stack_counter", "small_dataspaces", "large_dataspaces"];

/** Spec 5.1: the five programs of the thesis, and its twins. */
export const COUNTERS: Readonly<Record<string, TorturedSystem>> = Object.fromEntries(
  [...THESIS, ...THESIS.map((name) => `as-${name}`)].map((name) => [name, alone(name, COUNT)]),
);

/** Spec 5.1: the older programs. */
export const OLDER: Readonly<Record<string, TorturedSystem>> = {
  sheep_counter_timer: alone("sheep_counter_timer", COUNT),
  sheep_counter_extended: alone("sheep_counter_extended", COUNT),
  rtcr_redmem: alone("rtcr_redmem", COUNT),
  sheep_counter_async: alone("sheep_counter_async", COUNT),
  sheep_counter_threaded: alone("sheep_counter_threaded", COUNT),
  thread_registers: alone("thread_registers", COUNT),
  rtcr_resume_child: alone("rtcr_resume_child", '<config pause_ms="30"/>'),
  cap_reuse: alone("cap_reuse", ""),
  managed_dataspace: alone("managed_dataspace", "", { windows }),
  fault_handler: alone("fault_handler", "", { windows }),
  stress_rm: alone("stress_rm", ""),
  arbitrary_child: {
    programs: ["arbitrary_child", "stack_counter"],
    children: node("arbitrary_child", '<config child="stack_counter" iterations="20" turns="4"/>', {
      quota: 'caps="800"',
    }),
  },
  validator: alone("validator", COUNT),
};

/** Programs that later tests have added. */
export const FURTHER: Readonly<Record<string, TorturedSystem>> = {
  smoke: alone("smoke", ""),
  attachments: alone("attachments", COUNT, { windows }),
  detached_dataspaces: alone("detached_dataspaces", COUNT),
  many_dataspaces: alone("many_dataspaces", '<config dataspaces="30" pages="2" iterations="20" turns="4"/>'),
  many_threads: alone("many_threads", '<config threads="5" depth="12" iterations="20" turns="4"/>'),
  memory_eater: alone("memory_eater", '<config mib="3"/>'),
  lock_test: alone("lock_test", ""),
  signal_levels: alone("signal_levels", ""),
  heap_test: alone("heap_test", ""),
  profiled: alone("profiled", ""),
  "as-profiled": alone("as-profiled", ""),
  "rs-profiled": alone("rs-profiled", ""),
  "rs-counter": alone("rs-counter", COUNT),
};

const client = (name: string, config: string, service: string, server = "server", options: Node = {}) =>
  node(name, config, { ...options, from: { [service]: server } });

const cruiseServer = (name: string, service: string, config = "", options: Node = {}) =>
  node(name, config, { binary: `cruise_${name}`, windows, provides: service, ...options });

/** Several components that talk to each other. */
export const TALKING: Readonly<Record<string, TorturedSystem>> = {
  "client and server": {
    programs: ["pair_server", "pair_client"],
    children:
      node("server", "", { binary: "pair_server", windows, provides: "Pair" }) +
      client("client", `<config iterations="20" turns="4"/>${PROPAGATE}`, "Pair", "server", {
        ...{ binary: "pair_client", windows },
      }),
  },
  "client and server in AssemblyScript": {
    programs: ["as-pair_server", "pair_client"],
    children:
      node("server", "", { binary: "as-pair_server", windows, provides: "Pair" }) +
      client("client", `<config iterations="20" turns="4"/>${PROPAGATE}`, "Pair", "server", {
        ...{ binary: "pair_client", windows },
      }),
  },
  adder: {
    programs: ["adder_server", "adder_client"],
    children:
      node("server", "", { binary: "adder_server", windows, provides: "Adder" }) +
      client("client", `<config numbers="4"/>${PROPAGATE}`, "Adder", "server", { binary: "adder_client", windows }),
  },
  "client of the soak": {
    programs: ["pair_server", "soak_client", "sheep_counter_timer"],
    children:
      node("server", "", { binary: "pair_server", windows, provides: "Pair" }) +
      client("client", '<config period_ms="2"/>', "Pair", "server", { binary: "soak_client", windows }) +
      // it ends, and with it the others
      node("sheep", `<config turns="6" sleep_ms="3"/>${PROPAGATE}`, { binary: "sheep_counter_timer" }),
  },
  // What is compared: all lines and their order, numbers of keys that depend on how the loads interleave included.
  "key-value server with two loads": {
    programs: ["kv_server", "kv_load"],
    children:
      node("server", "", { binary: "kv_server", provides: "Kv" }) +
      [1, 2]
        .map((seed) =>
          client(`load-${seed}`, `<config seed="${seed}" keys="16" operations="60" report="10"/>`, "Kv", "server", {
            binary: "kv_load",
          }),
        )
        .join(""),
  },
  "log server and its clients": {
    programs: ["sheep_counter_timer"],
    children:
      node("lines", "<config/>", { binary: "log_server", provides: "LOG" }) +
      [`<config turns="4" sleep_ms="3"/>`, `<config turns="6" sleep_ms="3"/>${PROPAGATE}`]
        .map((config, i) => client(`sheep-${i}`, config, "LOG", "lines", { binary: "sheep_counter_timer" }))
        .join(""),
  },
  "cruise control": {
    programs: ["actuator", "sensor", "watchdog", "logger", "controller"].map((name) => `cruise_${name}`),
    children: [
      cruiseServer("actuator", "Actuator"),
      cruiseServer("sensor", "Sensor", `<config steps="200"/>${PROPAGATE}`, { from: { Actuator: "actuator" } }),
      cruiseServer("watchdog", "Watchdog", '<config looks="10"/>'),
      cruiseServer("logger", "Recorder"),
      node("controller", "", {
        ...{ binary: "cruise_controller", windows },
        from: { Sensor: "sensor", Actuator: "actuator", Watchdog: "watchdog", Recorder: "logger" },
      }),
    ].join(""),
  },
};

const CHILD = 'caps="120" ram="1M"';
const asChild = ({ name, binary, inside }: ChildSpec, quota: string) =>
  start(name, `<binary name="${binary}"/>${inside}`, quota);

/** The last one counts longest: with it their init ends. */
const counting = Array.from({ length: 9 }, (_, i) =>
  start(
    `c${i}`,
    `<binary name="sheep_counter_async"/><config turns="${i + 2}" period_ms="3"/>
      <heartbeat restart_after_skipped="3"/>${i === 8 ? PROPAGATE : ""}`,
    CHILD,
  ),
).join("");

const DEMO = readFileSync(join(import.meta.dirname, "../../apps/demo.xml"), "utf8");

/** Inits with their children. */
export const NESTED: Readonly<Record<string, TorturedSystem>> = {
  "inits in inits, three deep": {
    programs: DEEP.programs,
    children: DEEP.children.map((child) => asChild(child, DEEP.quota)).join(""),
  },
  "fifty components in five inits": {
    programs: ["sheep_counter_async"],
    children: Array.from({ length: 5 }, (_, i) =>
      asChild(init(`f${i}`, `<heartbeat rate_ms="10"/>${counting}`), 'caps="2400" ram="40M"'),
    ).join(""),
  },
  "apps/demo.xml": {
    programs: ["sheep_counter_timer", "stack_counter", "sheep_counter_async"],
    children: start("demo", `<binary name="init"/>${DEMO}`, 'caps="4000" ram="100M"'),
  },
};

/** A program of apps/, as its manifest runs it. */
export const command = ({ name: binary, args }: Pick<App, "name" | "args">, name = binary) =>
  start(
    name,
    `<binary name="${binary}"/><config>${args.map((arg) => `<arg value="${arg}"/>`).join("")}</config>`,
    'caps="300" ram="12M"',
  );

const FILES_BESIDE =
  '<route><service name="File_system"><child name="beside"/></service><any-service><parent/></any-service></route>';
/** Programs whose files a component beside them serves. */
const besideFiles = (programs: string, binary: string, inside: string) =>
  programs.replaceAll("<config>", `${FILES_BESIDE}<config>`) +
  start(
    "beside",
    `<binary name="${binary}"/><provides><service name="File_system"/></provides><config>${inside}</config>`,
    'caps="300" ram="4M"',
  );
const FILE_PROGRAMS = command({ name: "files", args: ["40"] }) + command({ name: "directories", args: ["2"] });
const PASSED_ON = ["interposer", '<service name="File_system"/>'] as const;

/** WASI programs whose files a sibling serves: one that passes them on, and one in C++ whose functions they call. */
export const SERVED: Readonly<Record<string, TorturedSystem>> = {
  "WASI programs with files of a sibling": {
    programs: ["directories", "files", "stack_counter"],
    children: besideFiles(FILE_PROGRAMS, ...PASSED_ON) + node("stack_counter", COUNT),
    memoryFiles: true,
  },
  "WASI programs with files of a component in C++": {
    programs: ["directories", "files", "ram_fs", "stack_counter"],
    children: besideFiles(FILE_PROGRAMS, "ram_fs", "") + node("stack_counter", COUNT),
  },
};

/** WASI programs that inits keep, beside a component. */
export const KEPT: Readonly<Record<string, TorturedSystem>> = {
  "WASI programs in inits": {
    programs: ["collections", "clock", "files", "stack_counter"],
    children: asChild(
      init(
        "inner",
        command({ name: "collections", args: ["20"] }) +
          node("stack_counter", COUNT, { quota: 'caps="300" ram="8M"' }) +
          asChild(
            init("deep", command({ name: "clock", args: [] }) + command({ name: "files", args: ["40"] })),
            'caps="900" ram="40M"',
          ),
      ),
      'caps="3000" ram="110M"',
    ),
    memoryFiles: true,
  },
};

/** Programs whose threads compute at the same time, meet, and share one memory. */
export const WORKERS: TorturedSystem = {
  programs: ["workers", "stack_counter"],
  children:
    command({ name: "workers", args: ["2", "4", "2"] }) +
    command({ name: "workers", args: ["3", "3", "1"] }, "more") +
    node("stack_counter", COUNT),
};

/** Supervisors among the children, with everything that one may keep. */
export const SUPERVISORS: Readonly<Record<string, TorturedSystem>> = {
  "a supervisor in an init, beneath a supervisor": {
    programs: ["sheep_counter_async", "adder_server", "adder_client", "sheep_counter_timer"],
    children: asChild(
      init(
        "inner",
        asChild(
          supervisor(
            "deep",
            counting +
              node("lines", "<config/>", { binary: "log_server", provides: "LOG", quota: CHILD }) +
              client("told", '<config turns="3" sleep_ms="3"/>', "LOG", "lines", {
                ...{ binary: "sheep_counter_timer", quota: CHILD },
              }),
          ),
          'caps="3000" ram="60M"',
        ) + PAIR,
      ),
      'caps="6000" ram="120M"',
    ),
  },
  "WASI programs of a supervisor among the children": {
    programs: ["collections", "clock", "files", "stack_counter"],
    children: asChild(
      supervisor(
        "inner",
        command({ name: "collections", args: ["20"] }) +
          command({ name: "clock", args: [] }) +
          command({ name: "files", args: ["40"] }) +
          node("stack_counter", COUNT, { quota: 'caps="300" ram="8M"' }),
      ),
      'caps="3000" ram="110M"',
    ),
    memoryFiles: true,
  },
};

/** How deep a stack is when it overflows is no promise; benchmarks are long. */
const COMMANDS = APPS.filter(({ ends, benchSize }) => ends !== "stack-overflow" && benchSize === undefined);

/** Programs of WASI, side by side with a component; with files, sleeps, traps and exits, by the language of their source. */
export const PROGRAMS: Readonly<Record<string, TorturedSystem>> = Object.fromEntries(
  [...Map.groupBy(COMMANDS, ({ source }) => source.split("/")[1]!)].map(([folder, apps]) => [
    `programs in ${folder}`,
    {
      programs: [...apps.map(({ name }) => name), "stack_counter"],
      children: apps.map((app) => command(app)).join("") + node("stack_counter", COUNT),
      memoryFiles: true,
    },
  ]),
);

const SCRIPT = `
import time
def primes(n):
    found = []
    for i in range(2, n):
        if all(i % p for p in found): found.append(i)
        if len(found) % 20 == 0: yield len(found), i
with open('/data/primes', 'w') as file:
    for count, last in primes(200):
        file.write(f'{count} {last}\\n')
        time.sleep(0.002)
print(len(open('/data/primes').read()), sum(x ** 3 for x in range(100)))
`;

/** CPython, which computes, writes a file and sleeps, beside a component that counts. */
export const PYTHON: TorturedSystem = {
  programs: ["python", "sheep_counter_timer"],
  children:
    start(
      "python",
      `<config><arg value="-c"/><arg value="${SCRIPT.replaceAll("\n", "&#10;").replaceAll('"', "&quot;")}"/></config>`,
      'caps="600" ram="100M"',
    ) + node("sheep_counter_timer", '<config turns="30" sleep_ms="3"/>'),
  memoryFiles: true,
};
