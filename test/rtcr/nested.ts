// Inits as children of a supervisor: what the tests of them have in common.
import { config, start } from "../support/core-system.ts";
import type { ChildSpec } from "./rig.ts";

/** An init with children. */
export function init(name: string, children: string, attributes = ""): ChildSpec {
  return { name, binary: "init", inside: config(children, attributes) };
}

/** A supervisor with children. */
export function supervisor(name: string, children: string): ChildSpec {
  return { name, binary: "rtcr", inside: config(children) };
}

/** An init as one of the children. */
export function innerInit(name: string, children: string, quota: string): string {
  return start(name, `<binary name="init"/>${config(children)}<exit propagate="yes"/>`, quota);
}

const provides = (service: string) => `<provides><service name="${service}"/></provides>`;
const route = (service: string, child: string) =>
  `<route><service name="${service}"><child name="${child}"/></service><any-service><parent/></any-service></route>`;
const windows = (name: string) => `<binary name="${name}" windows="yes"/>`;
const ENOUGH = 'caps="300" ram="8M"';
const propagate = '<exit propagate="yes"/>';

/** A server and a client that share a dataspace. */
export const PAIR =
  start("server", windows("adder_server") + provides("Adder"), ENOUGH) +
  start("client", `${windows("adder_client")}${route("Adder", "server")}<config numbers="4"/>${propagate}`, ENOUGH);

/** A key-value server under load. */
export const KV =
  start("server", windows("kv_server") + provides("Kv"), ENOUGH) +
  start("load", `${windows("kv_load")}${route("Kv", "server")}<config seed="1" keys="16"/>${propagate}`, ENOUGH);

export const TIMER = start("timer", '<binary name="sheep_counter_timer"/><config turns="6" sleep_ms="3"/>', ENOUGH);

/** Three inits, each in the one before, with heartbeats, a timer and the pair. */
export const DEEP = {
  children: [
    init(
      "first",
      `<heartbeat rate_ms="5"/>${innerInit("second", innerInit("third", PAIR, 'caps="1000" ram="24M"') + TIMER, 'caps="2000" ram="48M"')}`,
    ),
  ],
  programs: ["adder_server", "adder_client", "sheep_counter_timer"],
  quota: 'caps="4000" ram="80M"',
};

const third = start("third", `<binary name="rtcr"/>${config(PAIR)}<exit propagate="yes"/>`, 'caps="1000" ram="24M"');

/** Two supervisors and an init between them, each in the one before, with heartbeats, a timer and the pair. */
export const DEEP_SUPERVISORS = {
  ...DEEP,
  children: [
    supervisor("first", `<heartbeat rate_ms="5"/>${innerInit("second", third + TIMER, 'caps="2000" ram="48M"')}`),
  ],
};
