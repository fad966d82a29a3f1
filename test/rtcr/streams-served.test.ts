// File_system and Terminal sessions that another component of the tree serves: their states are the server's, which is saved
// with it; clients go on with what they had open (S64, S80).
import assert from "node:assert/strict";
import { test } from "node:test";
import { RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import { start } from "../support/core-system.ts";
import { restoresInPlace } from "./in-place.ts";
import { init, supervisor } from "./nested.ts";
import { type ChildSpec, continued, Rig, type RigOptions, undisturbed } from "./rig.ts";
import { streamClient, streamServer } from "./stream-server.ts";

const QUOTA = 'caps="300" ram="4M"';
const STREAMS = ["File_system", "Terminal"];
const provided = `<provides>${STREAMS.map((name) => `<service name="${name}"/>`).join("")}</provides>`;
const from = (server: string) =>
  `<route>${STREAMS.map((name) => `<service name="${name}"><child name="${server}"/></service>`).join("")}
    <any-service><parent/></any-service></route>`;

const SERVER: ChildSpec = { name: "files", binary: "stream_server", inside: `${provided}<config/>` };
const BETWEEN: ChildSpec = {
  ...{ name: "between", binary: "interposer" },
  inside: `${provided}${from("files")}<config>${STREAMS.map((name) => `<service name="${name}"/>`).join("")}</config>`,
};
const CLIENT: ChildSpec = { name: "client", binary: "stream_client", inside: from("files") };
const FARTHER: ChildSpec = { name: "farther", binary: "stream_client", inside: from("between") };
/** It has safe points, which the others do not. */
const SHEEP: ChildSpec = { name: "sheep", binary: "sheep_counter_timer", inside: '<config turns="30" sleep_ms="2"/>' };
const ALL = [SERVER, BETWEEN, CLIENT, FARTHER, SHEEP];

const OPTIONS = {
  natives: { stream_server: streamServer, stream_client: streamClient },
  programs: ["sheep_counter_timer"],
  exits: 3,
};
const nodes = ALL.map(({ name, binary, inside }) => start(name, `<binary name="${binary}"/>${inside}`, QUOTA)).join("");

const PLACES: Readonly<Record<string, readonly ChildSpec[]>> = {
  "beside them": ALL.map((child) => ({ ...child, attributes: QUOTA })),
  "in an init": [init("inner", nodes)],
  "of an inner supervisor": [supervisor("inner", nodes)],
};

for (const [where, children] of Object.entries(PLACES)) {
  for (const strategy of STRATEGIES) {
    test(`S64, S80, S93-S97: files and terminals that a component serves go on with their clients, ${where} (${strategy})`, async () => {
      const options: RigOptions = { ...OPTIONS, children, quota: 'caps="3000" ram="32M"', strategy };
      const { lines, points } = await undisturbed(options);
      assert.equal(lines.filter((line) => line.endsWith("] the quick brown fox jumps")).length, 2, lines.join("; "));
      for (let i = 1; i <= 8; i++) {
        const point = Math.floor((points * i) / 9);
        assert.deepEqual(await continued(options, point), lines, `stopped at point ${point} of ${points}`);
      }
    });
  }
}

const BESIDE: RigOptions = { ...OPTIONS, children: PLACES["beside them"]! };

test("S89, S97: a server of files and its clients go back in place, and the quotas balance", async () => {
  const { lines, points } = await undisturbed(BESIDE);
  const rig = new Rig(BESIDE);
  assert.ok(await rig.run(Math.floor(points / 2)));
  const { system } = rig.rtcr.checkpoint("then");
  const said = rig.lines.length;
  const restore = restoresInPlace(rig);
  const clients = system.children.filter(({ name }) => name === "client" || name === "farther");
  for (const { fileSystems = [], terminals = [] } of clients) {
    assert.deepEqual(
      fileSystems.map(({ nodes }) => nodes.map(({ path }) => path)),
      [["/", "/data", "/log"]],
    );
    for (const { state } of [...fileSystems, ...terminals]) assert.equal(state, null, "it is the server's");
  }
  for (let time = 0; time < 3; time++) {
    await restore(system);
  }
  await rig.run();
  assert.deepEqual(rig.lines.slice(said), lines.slice(said));
  rig.close();
});

test("S96, S106: clients of files without the server that has them are refused by name", async () => {
  const { points } = await undisturbed(BESIDE);
  const first = new Rig(BESIDE);
  assert.ok(await first.run(Math.floor(points / 2)));
  const { system } = first.rtcr.checkpoint("then");
  first.close();
  const without = { ...system, children: system.children.filter(({ name }) => name !== "files") };
  const rig = new Rig({ ...BESIDE, restore: without });
  rig.tree.settle();
  const [outcome] = rig.outcomes;
  assert.ok(outcome instanceof RtcrFault && outcome.code === "refused", String(outcome));
  const expected =
    /^restore of "(client|between)": File_system session \d+: its server "files" is not restored with it$/;
  assert.match(outcome.message, expected);
  await new Promise((resolve) => setImmediate(resolve));
  rig.tree.settle();
  assert.deepEqual(rig.rtcr.children, ["files"], "nothing else is left");
  rig.close();
});
