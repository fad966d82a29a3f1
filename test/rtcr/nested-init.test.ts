// An init as child of a supervisor: its children, and theirs, are in its checkpoint and are recreated with it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { STRATEGIES, type Strategy } from "../../src/rtcr/index.ts";
import { config, start } from "../support/core-system.ts";
import { type ChildSpec, continued, type RigOptions, undisturbed } from "./rig.ts";

/** An init is never bootstrapped: the second strategy differs in nothing but that it is asked for. */
const POINTS = { direct: 12, bootstrap: 3 } as const;

/** An init with children. */
function init(name: string, children: string, attributes = ""): ChildSpec {
  return { name, binary: "init", inside: config(children, attributes) };
}

async function goesOn(options: RigOptions & { readonly strategy: Strategy }): Promise<void> {
  const points = POINTS[options.strategy];
  const { lines, points: all } = await undisturbed(options);
  assert.ok(all > points, `${all} points`);
  for (let i = 1; i <= points; i++) {
    const point = Math.floor((all * i) / (points + 1));
    assert.deepEqual(await continued(options, point), lines, `stopped at point ${point} of ${all}`);
  }
}

for (const strategy of STRATEGIES) {
  test(`S97: an init and its child go on in a fresh system, wherever they were stopped (${strategy})`, async () => {
    const counter = start(
      "c",
      '<binary name="stack_counter"/><config turns="4" iterations="20"/><exit propagate="yes"/>',
    );
    await goesOn({ children: [init("inner", counter)], programs: ["stack_counter"], strategy });
  });
}

const provides = (service: string) => `<provides><service name="${service}"/></provides>`;
const route = (service: string, child: string) =>
  `<route><service name="${service}"><child name="${child}"/></service><any-service><parent/></any-service></route>`;
const windows = (name: string) => `<binary name="${name}" windows="yes"/>`;
const ENOUGH = 'caps="300" ram="8M"';

const PAIR =
  start("server", windows("adder_server") + provides("Adder"), ENOUGH) +
  start(
    "client",
    `${windows("adder_client")}${route("Adder", "server")}<config numbers="4"/><exit propagate="yes"/>`,
    ENOUGH,
  );

const KV =
  start("server", windows("kv_server") + provides("Kv"), ENOUGH) +
  start(
    "load",
    `${windows("kv_load")}${route("Kv", "server")}<config seed="1" keys="16"/><exit propagate="yes"/>`,
    ENOUGH,
  );

for (const strategy of STRATEGIES) {
  test(`S80, S87, S93-S97: client and server in an init that share a dataspace go on together (${strategy})`, async () => {
    await goesOn({ children: [init("inner", PAIR)], programs: ["adder_server", "adder_client"], strategy });
  });

  test(`S93-S97: a key-value server under load in an init goes on (${strategy})`, async () => {
    await goesOn({ children: [init("inner", KV)], programs: ["kv_server", "kv_load"], strategy });
  });

  test(`S93-S97: inits in inits, three deep, go on together (${strategy})`, async () => {
    const deepest = start(
      "third",
      `<binary name="init"/>${config(PAIR)}<exit propagate="yes"/>`,
      'caps="1000" ram="24M"',
    );
    const timer = start("timer", '<binary name="sheep_counter_timer"/><config turns="6" sleep_ms="3"/>', ENOUGH);
    const second = start(
      "second",
      `<binary name="init"/>${config(deepest + timer)}<exit propagate="yes"/>`,
      'caps="2000" ram="48M"',
    );
    const heartbeat = '<heartbeat rate_ms="5"/>';
    await goesOn({
      children: [init("first", heartbeat + second)],
      programs: ["adder_server", "adder_client", "sheep_counter_timer"],
      strategy,
      quota: 'caps="4000" ram="80M"',
    });
  });
}
