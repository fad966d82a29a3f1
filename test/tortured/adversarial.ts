// Systems that are made for torture: components in the midst of what others rarely do.
import { config, start } from "../support/core-system.ts";
import { alone, type Node, node, PROPAGATE, type TorturedSystem } from "./systems.ts";
import { GROWING, SPAWNING } from "./wasi-modules.ts";

const windows = true;
const from = (service: string, server = "server") => ({ from: { [service]: server } });

const role = (name: string, more = "") => `<config role="${name}" ${more}/>`;

const ENOUGH = 'caps="300" ram="8M"';
const visitor = (name: string, options: Node = {}) =>
  node(name, role("client", 'turns="3" threads="2"'), { binary: "torture_sessions", quota: ENOUGH, ...options });

const slowServer = node("server", role("server", 'ms="2"'), { binary: "torture_sessions", provides: "Slow" });

const exchangeServer = node("server", role("server"), { binary: "torture_caps", windows, provides: "Exchange" });
const exchanging = (name: string, server: string) =>
  node(name, role("client", 'turns="8"'), { binary: "torture_caps", windows, ...from("Exchange", server) });

/** What stands between clients and the server. */
const interposed = (service: string) =>
  node("between", `<config><service name="${service}"/></config>`, {
    ...{ binary: "interposer", provides: service, ...from(service) },
  });

/** Threads of different rank and weight that compute and sleep. */
const PRIORITIES = start(
  "ranks",
  `<binary name="init"/>${config(
    ["sheep_counter_timer", "stack_counter", "lock_test"]
      .map((binary, i) => {
        const share = `<resource name="CPU" quantum="${20 * (i + 1)}"/>`;
        const turns = '<config turns="6" iterations="3000" sleep_ms="1"/>';
        const all = [0, -1].map((priority) =>
          start(
            `${binary}${priority}`,
            `<binary name="${binary}"/>${share}${turns}`,
            `${ENOUGH} priority="${priority}"`,
          ),
        );
        return all.join("");
      })
      .join(""),
    'prio_levels="2"',
  )}`,
  'caps="3000" ram="60M"',
);

/** A server in an init that is in an init, its clients beside these and in another init. */
const THROUGH =
  start(
    "outer",
    `<binary name="init"/><provides><service name="Slow"/></provides>
    ${config(`<service name="Slow"><default-policy><child name="inner"/></default-policy></service>
    ${start(
      "inner",
      `<binary name="init"/><provides><service name="Slow"/></provides>
      ${config(`<service name="Slow"><default-policy><child name="server"/></default-policy></service>
      ${start(
        "server",
        `<binary name="torture_sessions"/><provides><service name="Slow"/></provides>${role("server", 'ms="1"')}`,
        ENOUGH,
      )}`)}`,
      'caps="1000" ram="20M"',
    )}`)}`,
    'caps="1600" ram="30M"',
  ) +
  start(
    "clients",
    `<binary name="init"/><route><service name="Slow"><child name="outer"/></service><any-service><parent/></any-service></route>
    ${config(visitor("a")).replace("<parent-provides>", '<parent-provides><service name="Slow"/>')}`,
    'caps="1000" ram="20M"',
  ) +
  visitor("b", from("Slow", "outer"));

/** An init whose configuration is what a manager reports, and whose reports the manager sees. */
export const MANAGED = `
<start name="reports" caps="300" ram="4M"><binary name="report_rom"/>
  <provides><service name="Report"/><service name="ROM"/></provides>
  <config>
    <policy label="inner -> config" report="manager -> config"/>
    <policy label="manager -> state" report="inner -> state"/>
  </config></start>
<start name="manager" caps="300" ram="4M"><binary name="torture_manager"/>
  <route>
    <service name="Report"><child name="reports"/></service>
    <service name="ROM" label="state"><child name="reports"/></service>
    <any-service><parent/></any-service>
  </route>
  <config turns="5"/>${PROPAGATE}</start>
<start name="inner" caps="1500" ram="24M"><binary name="init"/>
  <route>
    <service name="Report"><child name="reports"/></service>
    <service name="ROM" label="config"><child name="reports"/></service>
    <any-service><parent/></any-service>
  </route></start>`;

export const ADVERSARIAL: Readonly<Record<string, TorturedSystem>> = {
  sessions: {
    programs: ["torture_sessions"],
    children:
      slowServer +
      ["a", "b"]
        .map((name) =>
          node(name, role("client", 'turns="5" threads="2"'), { binary: "torture_sessions", ...from("Slow") }),
        )
        .join(""),
  },
  capabilities: {
    programs: ["torture_caps"],
    children: exchangeServer + exchanging("a", "server") + exchanging("b", "server"),
  },
  "sessions through inits": { programs: ["torture_sessions"], children: THROUGH },
  "sessions through an interposer": {
    programs: ["torture_sessions"],
    children: interposed("Slow") + slowServer + visitor("a", from("Slow", "between")) + visitor("b", from("Slow")),
  },
  "capabilities through an interposer": {
    programs: ["torture_caps"],
    children: interposed("Exchange") + exchangeServer + exchanging("a", "between") + exchanging("b", "server"),
  },
  priorities: { programs: ["sheep_counter_timer", "stack_counter", "lock_test"], children: PRIORITIES },
  quota: alone("torture_quota", '<config turns="10"/>'),
  waits: alone("torture_waits", '<config turns="6"/>'),
  signals: alone("torture_signals", '<config turns="8"/>'),
  faults: alone("torture_faults", '<config turns="2"/>', { windows }),
  threads: alone("torture_threads", '<config turns="2"/>'),
  modules: {
    programs: ["torture_rom"],
    children:
      node("reports", '<config><policy label_suffix="news" report="writer -> news"/></config>', {
        binary: "report_rom",
        provides: 'Report"/><service name="ROM',
      }) +
      node("writer", role("writer", 'turns="8"'), { binary: "torture_rom", from: { Report: "reports" } }) +
      ["a", "b"]
        .map((name) => {
          const route = `<route><service name="ROM" label="news"><child name="reports"/></service><any-service><parent/></any-service></route>`;
          return node(name, route + role("reader", 'last="8"'), { binary: "torture_rom" });
        })
        .join(""),
  },
  "memories beside the first": { programs: ["multi-memory"], children: node("multi-memory", "<config/>") },
  "threads of thread-spawn": {
    programs: [],
    modules: { spawning: SPAWNING },
    children: node("spawning", "<config/>") + node("again", "<config/>", { binary: "spawning" }),
  },
  "an init that is managed": {
    programs: ["torture_manager", "memory_eater", "sheep_counter_timer", "sheep_counter_async"],
    children: MANAGED,
  },
  "a program that grows, managed": {
    programs: ["torture_manager", "sheep_counter_timer", "sheep_counter_async"],
    modules: { memory_eater: GROWING },
    children: MANAGED,
  },
};
