// report_rom, log_server and interposer under a supervisor: in an init they go on with their clients; as its own children they
// are refused by name where that cannot be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RtcrFault } from "../../src/rtcr/index.ts";
import { config, start } from "../support/core-system.ts";
import { init } from "./nested.ts";
import { type ChildSpec, continued, Rig, type RigOptions, undisturbed } from "./rig.ts";

const POINTS = 8;

const provides = (...services: string[]) =>
  `<provides>${services.map((name) => `<service name="${name}"/>`).join("")}</provides>`;
const to = (child: string, service: string, label = "") =>
  `<service name="${service}"${label === "" ? "" : ` label="${label}"`}><child name="${child}"/></service>`;
const route = (...entries: string[]) => `<route>${entries.join("")}<any-service><parent/></any-service></route>`;

/** Reports of an inner init become a module that a client has as configuration; lines and time come by way of the others. */
const SERVERS: readonly ChildSpec[] = [
  {
    name: "reports",
    binary: "report_rom",
    inside: `${provides("Report", "ROM")}${route()}<config verbose="yes"><policy label_prefix="reader" report="sub -> state"/></config>`,
  },
  {
    name: "lines",
    binary: "log_server",
    inside: `${provides("LOG", "ROM")}${route()}<config forward="yes" keep="3"/>`,
  },
  {
    name: "between",
    binary: "interposer",
    inside: `${provides("Timer")}${route()}<config><service name="Timer"/></config>`,
  },
  {
    name: "sub",
    binary: "init",
    inside: `${route(to("reports", "Report"))}${config(
      `<report delay_ms="2" child_ram="yes"/>${start("deep", '<binary name="stack_counter"/><config turns="3" iterations="20"/>', 'caps="120" ram="1M"')}`,
    )}`,
  },
  {
    name: "reader",
    binary: "sheep_counter_async",
    inside: route(to("reports", "ROM", "config"), to("lines", "LOG")),
  },
  {
    name: "sheep",
    binary: "sheep_counter_timer",
    inside: `${route(to("between", "Timer"), to("lines", "LOG"))}<config turns="6" sleep_ms="3"/>`,
  },
];

const QUOTA = 'caps="500" ram="4M"';
const nodes = SERVERS.map(({ name, binary, inside }) => start(name, `<binary name="${binary}"/>${inside}`, QUOTA)).join(
  "",
);
const PROGRAMS = { programs: ["stack_counter", "sheep_counter_timer", "sheep_counter_async"], exits: 2 };

async function goesOn(options: RigOptions): Promise<void> {
  const { lines, points } = await undisturbed(options);
  assert.ok(
    lines.some((line) => line.includes("report '")) && lines.some((line) => /lines\] \[.*sheep\] \d sheep/.test(line)),
    lines.join("; "),
  );
  for (let i = 1; i <= POINTS; i++) {
    const point = Math.floor((points * i) / (POINTS + 1));
    assert.deepEqual(await continued(options, point), lines, `stopped at point ${point} of ${points}`);
  }
}

test("S57, S61, S93-S97: servers in TypeScript go on with their clients in an init", async () => {
  await goesOn({ ...PROGRAMS, children: [init("inner", nodes)], quota: 'caps="5000" ram="48M"' });
});

/** A log server and its client as children of the supervisor. */
const LINES: RigOptions = {
  ...PROGRAMS,
  children: SERVERS.filter(({ name }) => name === "lines" || name === "sheep").map(({ inside = "", ...rest }) => ({
    ...rest,
    inside: inside.replace(to("between", "Timer"), ""),
  })),
  exits: 1,
};

test("S96, S106: a server in TypeScript and its client are refused by name where RTCR stands between them", async () => {
  const rig = new Rig(LINES);
  assert.ok(await rig.run(40));
  assert.throws(() => rig.rtcr.checkpoint("both"), {
    code: "unsaveable",
    message:
      'child "sheep": its LOG session 3 is served by "lines", which is in the checkpoint too: put both into an init',
  });
  const said = rig.lines.length;
  await rig.run();
  assert.ok(rig.lines.length > said, "they run on");
  rig.close();
});

test("S106: a child whose environment another restored child serves is refused by name, not waited for", async () => {
  const first = new Rig(LINES);
  assert.ok(await first.run(40));
  const [lines, sheep] = ["lines", "sheep"].map((name) => first.rtcr.checkpoint(name, [name]).system);
  first.close();
  const both = new Rig({ ...LINES, restore: { ...lines!, children: [...lines!.children, ...sheep!.children] } });
  both.tree.settle();
  const [outcome] = both.outcomes;
  assert.ok(outcome instanceof RtcrFault && outcome.code === "refused");
  assert.match(
    outcome.message,
    /^restore of "sheep": .*LOG session of its environment is served by "lines", which is restored with it$/,
  );
  both.close();
});
