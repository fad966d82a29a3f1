// The systems of several components that tests run, as they are and under torture.
import { child, type RunOptions } from "./rig.ts";

const server = (name: string, service: string, inside = "", options = {}) =>
  child(name, `<provides><service name="${service}"/></provides>${inside}`, options);
const from = (services: readonly (readonly [service: string, server: string])[]) =>
  `<route>${services.map(([service, name]) => `<service name="${service}"><child name="${name}"/></service>`).join("")}
    <any-service><parent/></any-service></route>`;

/** A client and a server that share a dataspace. */
export const PAIR: RunOptions = {
  start:
    server("server", "Pair", "", { app: "pair_server", windows: true }) +
    child("client", `<config iterations="10" turns="3"/>${from([["Pair", "server"]])}`, {
      app: "pair_client",
      windows: true,
    }),
  apps: ["pair_server", "pair_client"],
};

/** A key-value server with two load generators. */
export const KV: RunOptions = {
  start:
    server("server", "Kv", "", { app: "kv_server" }) +
    child("load-1", `<config seed="1" keys="64"/>${from([["Kv", "server"]])}`, { app: "kv_load" }) +
    child("load-2", `<config seed="2" keys="64"/>${from([["Kv", "server"]])}`, { app: "kv_load" }),
  apps: ["kv_server", "kv_load"],
};

const CRUISE_PARTS = ["sensor", "actuator", "controller", "watchdog", "logger"];

/** The adaptive cruise control, one second and a half at 1 kHz. */
export const CRUISE: RunOptions = {
  start: [
    server("actuator", "Actuator", "", { app: "cruise_actuator", windows: true }),
    server("sensor", "Sensor", `<config steps="1500"/>${from([["Actuator", "actuator"]])}`, {
      app: "cruise_sensor",
      windows: true,
    }),
    server("watchdog", "Watchdog", '<config looks="100"/>', { app: "cruise_watchdog" }),
    server("logger", "Recorder", "", { app: "cruise_logger" }),
    child(
      "controller",
      from([
        ["Sensor", "sensor"],
        ["Actuator", "actuator"],
        ["Watchdog", "watchdog"],
        ["Recorder", "logger"],
      ]),
      { app: "cruise_controller", windows: true },
    ),
  ].join(""),
  apps: CRUISE_PARTS.map((part) => `cruise_${part}`),
  done: (lines) => lines.some((line) => line.includes('"sensor" exited')),
};

const SERVICES = ["PD", "CPU", "ROM", "LOG", "RM", "Timer"].map((name) => `<service name="${name}"/>`).join("");

/** Five inits with nine components each: fifty below the first init. */
export const TREE: RunOptions = {
  start: Array.from({ length: 5 }, (_, branch) => {
    const leaves = Array.from({ length: 9 }, (_, leaf) =>
      child(`leaf-${branch}-${leaf}`, `<config iterations="10" turns="${leaf + 1}"/>`, {
        app: "stack_counter",
        caps: 150,
        ram: "1M",
      }),
    );
    const config = `<config><parent-provides>${SERVICES}</parent-provides>
      <default-route><any-service><parent/></any-service></default-route>${leaves.join("")}</config>`;
    return child(`branch-${branch}`, config, { app: "init", caps: 2500, ram: "20M" });
  }).join(""),
  apps: ["stack_counter"],
};
