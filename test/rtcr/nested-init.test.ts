// An init as child of a supervisor: its children, and theirs, are in its checkpoint and are recreated with it, wherever they
// were stopped.
import { test } from "node:test";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { start } from "../support/core-system.ts";
import { DEEP, init, KV, PAIR } from "./nested.ts";
import { goesOn } from "./nested-courses.ts";

for (const strategy of STRATEGIES) {
  test(`S97: an init and its child go on in a fresh system (${strategy})`, async () => {
    const inside = '<binary name="stack_counter"/><config turns="4" iterations="20"/><exit propagate="yes"/>';
    await goesOn({ children: [init("inner", start("c", inside))], programs: ["stack_counter"], strategy });
  });

  test(`S80, S87, S93-S97: a client and a server in an init that share a dataspace go on together (${strategy})`, async () => {
    await goesOn({ children: [init("inner", PAIR)], programs: ["adder_server", "adder_client"], strategy });
  });

  test(`S93-S97: a key-value server under load in an init goes on with its client (${strategy})`, async () => {
    await goesOn({ children: [init("inner", KV)], programs: ["kv_server", "kv_load"], strategy });
  });

  test(`S93-S97: inits in inits, three deep, go on together (${strategy})`, async () => {
    await goesOn({ ...DEEP, strategy });
  });
}

test("S71, S97: children whose names are those of init itself, its parent and nobody go on like others", async () => {
  const sheep = { binary: "sheep_counter_timer", inside: '<config turns="4" sleep_ms="3"/>' };
  const inside = `<binary name="${sheep.binary}"/>${sheep.inside}<exit propagate="yes"/>`;
  await goesOn({
    children: [init("init", start("c", inside)), { name: "parent", ...sheep }, { name: "nobody", ...sheep }],
    ...{ programs: [sheep.binary], strategy: "direct" },
  });
});

test("S55, S80, S93-S97: a client beside an init and the server inside it, which it offers, go on together", async () => {
  const server = start(
    "server",
    '<binary name="adder_server" windows="yes"/><provides><service name="Adder"/></provides>',
    'caps="300" ram="4M"',
  );
  const offered = '<service name="Adder"><default-policy><child name="server"/></default-policy></service>';
  const inner = init("inner", `${offered}${server}`);
  await goesOn({
    children: [
      { ...inner, inside: `<provides><service name="Adder"/></provides>${inner.inside}` },
      { name: "client", binary: "adder_client", inside: '<config numbers="4"/>' },
      // Until it ends, everybody has heard of the client's end.
      { name: "sheep", binary: "sheep_counter_timer", inside: '<config turns="8" sleep_ms="5"/>' },
    ],
    ...{ programs: ["adder_server"], windows: () => true, exits: 2, strategy: "direct" },
  });
});
