// Upgrades of sessions at siblings (S40): a client's upgrade returns when that server has answered, whatever other sessions
// of the client do meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { child, runComponents } from "./rig.ts";

const SERVICE = '<provides><service name="Slow"/></provides>';
const server = (name: string, ms: number) =>
  child(name, `${SERVICE}<config role="server" ms="${ms}"/>`, { app: "upgrades" });
const SERVERS = server("near", 10) + server("far", 50);
const to = (name: string) => `<service name="Slow" label_last="${name}"><child name="${name}"/></service>`;
const ROUTE = `<route>${to("near")}${to("far")}<any-service><parent/></any-service></route>`;

const gave = (name: string, bytes: number) => [
  `[init -> ${name}] has ${bytes} more`,
  `[init -> c] ${name} gave ${bytes}: ok`,
];
const THREADS = [
  ...gave("near", 1000),
  ...gave("far", 2000),
  ...gave("far", 3000),
  "[init -> c] closed",
  ...gave("far", 4000),
];
const ONE_THREAD = [...gave("near", 1000), "[init -> c] closed", ...gave("far", 4000)];

for (const [app, lines] of [
  ["upgrades", THREADS],
  ["as-upgrades", THREADS],
  ["rs-upgrades", ONE_THREAD],
] as const) {
  for (const every of [0, 97]) {
    test(`S40: ${app}: upgrades return when their own servers have answered${every ? ", under torture" : ""}`, async () => {
      const start = child("c", ROUTE, { app }) + SERVERS;
      const run = await runComponents({ apps: [...new Set(["upgrades", app])], start, every });
      assert.deepEqual(
        run.lines.filter((line) => / gave | more$| closed$/.test(line)),
        lines,
        run.lines.join("\n"),
      );
      assert.ok(!every || run.recreations > 10, `${run.recreations} of ${run.points}`);
    });
  }
}
