// Systems in which a component passes on sessions of core's: what its clients make by them is made by its own.
import { init, supervisor } from "../rtcr/nested.ts";
import type { ChildSpec } from "../rtcr/rig.ts";
import { config, start } from "../support/core-system.ts";
import { command, type Node, node, PROPAGATE, type TorturedSystem } from "./systems.ts";

const COUNT = '<config iterations="20" turns="4" sleep_ms="3"/>';
/** It lives longest: what servers say of their clients' ends is said. */
const LAST = node("last", `<config turns="20" sleep_ms="10"/>${PROPAGATE}`, { binary: "sheep_counter_timer" });

/** In TypeScript: each of its sessions stands before one of core's. */
const wrapping = (name: string, service: string, options: Node = {}) =>
  node(name, `<config><service name="${service}"/></config>`, { binary: "interposer", provides: service, ...options });
/** A guest: clients get the very session that it has. */
const passing = (name: string, service: string, more = "", options: Node = {}) =>
  node(name, `<config service="${service}"${more}/>`, { binary: "passes_on", provides: service, ...options });
const from = (service: string, server: string, options: Node = {}): Node => ({
  from: { [service]: server },
  ...options,
});

const windows = true;
const MAPS = ["managed_dataspace", "fault_handler", "stress_rm"];
/** Threads by an environment's session; by one of the client's own; by both, that are paused and go on. */
const THREADS = ["sheep_counter_threaded", "thread_registers", "arbitrary_child", "rtcr_resume_child", "stack_counter"];
const CONFIGS: Readonly<Record<string, string>> = {
  arbitrary_child: '<config child="stack_counter" iterations="20" turns="4"/>',
  rtcr_resume_child: '<config pause_ms="30"/>',
};

/** Clients of one server. */
const clients = (names: readonly string[], service: string, server: string) =>
  names
    .map((name) => node(name, CONFIGS[name] ?? COUNT, from(service, server, { windows, quota: 'caps="800"' })))
    .join("");

const nested = ({ name, binary, inside }: ChildSpec) =>
  start(name, `<binary name="${binary}"/>${inside}`, 'caps="4000" ram="80M"');

const maps = (server: string, names = MAPS): TorturedSystem => ({
  programs: ["passes_on", "sheep_counter_timer", ...names],
  children: server + clients(names, "RM", "between") + LAST,
});
const threads = (server: string, names = THREADS): TorturedSystem => ({
  programs: ["passes_on", "sheep_counter_timer", ...names],
  children: server + clients(names, "CPU", "between") + LAST,
});

/** The same within a component that keeps components. */
const within = (keep: (name: string, children: string) => ChildSpec, ...systems: readonly TorturedSystem[]) => ({
  programs: [...new Set(systems.flatMap(({ programs }) => programs))],
  children: systems
    .map(({ children }, i) => keep(`inner-${i}`, `<default caps="800" ram="8M"/>${children}`))
    .map(nested)
    .join(""),
});

export const REGION_MAPS: Readonly<Record<string, TorturedSystem>> = {
  "region maps by way of a program in TypeScript": maps(wrapping("between", "RM")),
  "region maps by way of a guest": maps(passing("between", "RM")),
  "region maps of clients that share a guest's session": maps(passing("between", "RM", ' shared="yes"')),
  "region maps by way of two": maps(wrapping("far", "RM") + passing("between", "RM", "", from("RM", "far")), [
    "fault_handler",
  ]),
};

export const CPU_THREADS: Readonly<Record<string, TorturedSystem>> = {
  "threads by way of a program in TypeScript": threads(wrapping("between", "CPU")),
  "threads by way of a guest": threads(passing("between", "CPU")),
};

/** They have dataspaces, signals, threads, page faults, components and calls. */
const DOMAINS = [
  "managed_dataspace",
  "sheep_counter_async",
  "thread_registers",
  "arbitrary_child",
  "detached_dataspaces",
];
const passingPds = (options: Node = {}) => passing("between", "PD", "", { quota: 'caps="4000" ram="96M"', ...options });
const ofBetween: Node = { windows, quota: 'caps="800"', from: { PD: "between" } };
/** A server and a client that share a dataspace, in two PDs. */
const CALLS =
  node("server", "", { ...ofBetween, binary: "adder_server", provides: "Adder" }) +
  node("client", '<config numbers="4"/>', {
    ...{ ...ofBetween, binary: "adder_client" },
    from: { PD: "between", Adder: "server" },
  });
/** An init, and all that it keeps. */
const KEEPER = start(
  "keeper",
  `<binary name="init"/><route><service name="PD"><child name="between"/></service><any-service><parent/></any-service></route>${config(
    node("stack_counter", COUNT, { quota: 'caps="300" ram="4M"' }) +
      command({ name: "collections", args: ["20"] }) +
      node("lines", "<config/>", { binary: "log_server", provides: "LOG", quota: 'caps="300" ram="4M"' }) +
      node("sheep", '<config turns="6" sleep_ms="3"/>', {
        ...{ binary: "sheep_counter_timer", from: { LOG: "lines" }, quota: 'caps="300" ram="4M"' },
      }),
  )}`,
  'caps="2000" ram="40M"',
);

const domains = (children: string): TorturedSystem => ({
  programs: [
    ...DOMAINS,
    "passes_on",
    "stack_counter",
    "collections",
    "sheep_counter_timer",
    "adder_server",
    "adder_client",
  ],
  children: children + LAST,
});

export const PDS = {
  "components in PDs of a guest": domains(passingPds() + clients(DOMAINS, "PD", "between")),
  "calls between PDs of a guest": domains(passingPds() + CALLS),
  "an init, and what it keeps, in PDs of a guest": domains(passingPds() + KEEPER),
  "components in PDs by way of two": domains(
    passing("far", "PD", "", { quota: 'caps="800" ram="16M"' }) +
      passingPds(from("PD", "far")) +
      clients(["thread_registers", "arbitrary_child"], "PD", "between"),
  ),
  "components whose PDs and threads others pass on": domains(
    passingPds() +
      wrapping("wraps", "CPU") +
      clients(["thread_registers", "arbitrary_child"], "PD", "between").replaceAll(
        '<service name="PD">',
        '<service name="CPU"><child name="wraps"/></service><service name="PD">',
      ),
  ),
} as const satisfies Readonly<Record<string, TorturedSystem>>;

const TO_BETWEEN =
  '<route><service name="CPU"><child name="between"/></service><any-service><parent/></any-service></route>';
const KEPT = ["sheep_counter_threaded", "thread_registers"]
  .map((name) => node(name, COUNT, { quota: 'caps="800" ram="8M"' }))
  .join("");

/** In components that keep components, beneath the supervisor. */
export const WITHIN: Readonly<Record<string, TorturedSystem>> = {
  "what is passed on within supervisors": within(
    supervisor,
    maps(passing("between", "RM"), ["fault_handler"]),
    threads(wrapping("between", "CPU"), ["thread_registers", "arbitrary_child"]),
    threads(passing("between", "CPU"), ["sheep_counter_threaded"]),
  ),
  "PDs that are passed on within a supervisor": within(
    supervisor,
    domains(
      passingPds({ quota: 'caps="1000" ram="24M"' }) +
        clients(["arbitrary_child", "managed_dataspace"], "PD", "between"),
    ),
  ),
  "an init and a supervisor whose children have threads by way of a sibling": {
    programs: ["passes_on", "sheep_counter_threaded", "thread_registers", "sheep_counter_timer"],
    children:
      passing("between", "CPU") +
      [init, supervisor]
        .map((keep, i) => keep(`inner-${i}`, KEPT))
        .map(({ inside = "", ...rest }) => nested({ ...rest, inside: inside + TO_BETWEEN }))
        .join("") +
      LAST,
  },
};

/** Both, by way of both. */
export const ALL: TorturedSystem = {
  programs: ["passes_on", "sheep_counter_timer", ...MAPS, ...THREADS],
  children:
    wrapping("wraps", "CPU") +
    passing("passes", "RM") +
    clients(["sheep_counter_threaded", "arbitrary_child"], "CPU", "wraps") +
    clients(["fault_handler", "managed_dataspace"], "RM", "passes") +
    LAST,
};
