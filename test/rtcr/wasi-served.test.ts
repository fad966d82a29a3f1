// WASI programs whose files and input another component of the tree serves: they begin when their sessions have come, and
// go on with what they had open (S64, S80, S88).
import assert from "node:assert/strict";
import { test } from "node:test";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { start } from "../support/core-system.ts";
import { init, supervisor } from "./nested.ts";
import { type ChildSpec, continued, type RigOptions, undisturbed } from "./rig.ts";
import { streamServer } from "./stream-server.ts";

const QUOTA = 'caps="300" ram="8M"';
const from = (server: string) =>
  `<route><service name="File_system"><child name="${server}"/></service><any-service><parent/></any-service></route>`;
const provided = '<provides><service name="File_system"/></provides>';
const arg = (value: string) => `<config><arg value="${value}"/></config>`;

/** Files in the memory of a component: one in TypeScript, one in C++, whose functions are called. */
const SERVERS = ["stream_server", "ram_fs"] as const;
const all = (server: string): readonly ChildSpec[] => [
  { name: "files", binary: "files", inside: from("server") + arg("20") },
  { name: "directories", binary: "directories", inside: from("between") },
  { name: "server", binary: server, inside: `${provided}<config/>` },
  {
    ...{ name: "between", binary: "interposer" },
    inside: `${provided}${from("server")}<config><service name="File_system"/></config>`,
  },
];
const places = (server: string): Readonly<Record<string, readonly ChildSpec[]>> => {
  const children = all(server);
  const nodes = children.map(({ name, binary, inside }) => start(name, `<binary name="${binary}"/>${inside}`, QUOTA));
  return {
    "beside them": children.map((child) => ({ ...child, attributes: QUOTA })),
    "in an init": [init("inner", nodes.join(""))],
    "of an inner supervisor": [supervisor("inner", nodes.join(""))],
  };
};
const OPTIONS = { natives: { stream_server: streamServer }, programs: ["files", "directories", "ram_fs"], exits: 2 };

/** What the programs say: an init, or who passes sessions on, has its turns in the event loop. */
const said = (lines: readonly string[]) =>
  lines.flatMap((line) => / ?(?:files|directories)\] (.*)$/.exec(line)?.slice(1) ?? []);

for (const server of SERVERS) {
  for (const [where, children] of Object.entries(places(server))) {
    for (const strategy of STRATEGIES) {
      test(`S64, S88, S93-S97: WASI programs go on with the files of ${server}, ${where} (${strategy})`, async () => {
        const options: RigOptions = { ...OPTIONS, children, quota: 'caps="3000" ram="64M"', strategy };
        const { lines, points } = await undisturbed(options);
        assert.ok(said(lines).includes("removed: 11 entries, 243 bytes, sum 788162ee"), lines.join("; "));
        const spread = Array.from({ length: 5 }, (_, i) => Math.floor((points * (i + 1)) / 6));
        for (const point of [1, 2, ...spread]) {
          const again = said(await continued(options, point));
          assert.deepEqual(again, said(lines), `stopped at point ${point} of ${points}`);
        }
      });
    }
  }
}
