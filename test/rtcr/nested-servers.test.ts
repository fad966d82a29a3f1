// report_rom, log_server and interposer under a supervisor: in an init, and as its own children, they go on with their clients;
// what cannot be is refused by name.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChildInfo } from "../../src/checkpoint/index.ts";
import { RtcrFault, RtcrPd, STRATEGIES } from "../../src/rtcr/index.ts";
import { ENV_SESSION } from "../../src/session/index.ts";
import { config, start } from "../support/core-system.ts";
import { restoresInPlace } from "./in-place.ts";
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

/** @param shown what is compared of the lines */
async function goesOn(options: RigOptions, shown = (lines: readonly string[]) => lines): Promise<void> {
  const { lines, points } = await undisturbed(options);
  assert.ok(
    lines.some((line) => line.includes("report '")) && lines.some((line) => /lines\] \[.*sheep\] \d sheep/.test(line)),
    lines.join("; "),
  );
  for (let i = 1; i <= POINTS; i++) {
    const point = Math.floor((points * i) / (POINTS + 1));
    assert.deepEqual(shown(await continued(options, point)), shown(lines), `stopped at point ${point} of ${points}`);
  }
}

/** Without the numbers of calls that `interposer` tells: RTCR reads the clocks of Timer sessions besides. */
function uncounted(lines: readonly string[]): readonly string[] {
  return lines.map((line) => line.replace(/ closed after \d+ calls .*/, " closed"));
}

test("S57, S61, S93-S97: servers in TypeScript go on with their clients in an init", async () => {
  await goesOn({ ...PROGRAMS, children: [init("inner", nodes)], quota: 'caps="5000" ram="48M"' });
});

for (const strategy of STRATEGIES) {
  test(`S57, S61, S93-S97: servers in TypeScript go on with their clients as children of the supervisor (${strategy})`, async () => {
    const children = SERVERS.map((child) => ({ ...child, attributes: QUOTA }));
    await goesOn({ ...PROGRAMS, children, strategy }, uncounted);
  });
}

test("S89, S97: servers in TypeScript and their clients go back in place, and the quotas balance", async () => {
  const children = SERVERS.map((child) => ({ ...child, attributes: QUOTA }));
  const options = { ...PROGRAMS, children };
  const { lines, points } = await undisturbed(options);
  const rig = new Rig(options);
  assert.ok(await rig.run(Math.floor(points * 0.8)));
  const { system } = rig.rtcr.checkpoint("then");
  const said = rig.lines.length;
  const restore = restoresInPlace(rig);
  for (let time = 0; time < 2; time++) {
    const at = rig.lines.length;
    await restore(system);
    if (time === 1) await rig.run();
    else
      assert.equal(rig.lines.slice(at).filter((line) => /sheep|report/.test(line)).length, 0, "nothing is said anew");
  }
  const rest = (all: readonly string[]) => uncounted(all).filter((line) => line.startsWith("[lines]"));
  assert.deepEqual(rest(rig.lines.slice(said)), rest(lines.slice(said)));
  rig.close();
});

const SHEEP: ChildSpec = { name: "sheep", binary: "sheep_counter_timer", inside: '<config turns="6" sleep_ms="3"/>' };

async function refused(children: readonly ChildSpec[], message: string): Promise<void> {
  const programs = ["sheep_counter_timer"];
  const rig = new Rig({ children: children.map((child) => ({ ...child, attributes: QUOTA })), programs, exits: 1 });
  assert.ok(await rig.run(60));
  assert.throws(() => rig.rtcr.checkpoint("all"), { code: "unsaveable", message });
  const said = rig.lines.length;
  await rig.run();
  assert.ok(rig.lines.length > said, "they run on");
  rig.close();
}

/** Each of two has a session at the other one; a third has what it works with of one of them. */
const EACH_OTHER: RigOptions = {
  ...{ programs: ["sheep_counter_timer"], exits: 1 },
  children: [
    {
      ...{ name: "far", binary: "interposer", attributes: QUOTA },
      inside: `${provides("Timer", "LOG")}${route(to("near", "Timer"))}<config><service name="Timer"/><service name="LOG"/></config>`,
    },
    {
      ...{ name: "near", binary: "interposer", attributes: QUOTA },
      inside: `${provides("Timer")}${route(to("far", "LOG"))}<config><service name="Timer"/></config>`,
    },
    { ...SHEEP, inside: `${route(to("far", "Timer"), to("far", "LOG"))}${SHEEP.inside}` },
  ],
};

test("S89, S97: programs in TypeScript that serve each other go back in place, and the quotas balance", async () => {
  const { lines, points } = await undisturbed(EACH_OTHER);
  const rig = new Rig(EACH_OTHER);
  assert.ok(await rig.run(Math.floor(points / 2)));
  const restore = restoresInPlace(rig);
  const badges: number[] = [];
  for (let time = 0; time < 3; time++) {
    await restore(rig.rtcr.checkpoint("then").system);
    badges.push(rig.tree.core.kernel.badges.live);
  }
  assert.deepEqual(badges, [badges[0], badges[0], badges[0]], "nothing is left over");
  await rig.run();
  assert.deepEqual(uncounted(rig.lines), uncounted(lines));
  rig.close();
});

for (const [what, forge, why] of [
  [
    "of another kind",
    ({ timers, logs }) => ({ timers: [], logs: [...logs, ...timers] }),
    /^restore of "near": the state of "interposer" \(expected a log, found a timer\) does not fit/,
  ],
  [
    "that its server does not have",
    ({ foreign }) => ({
      foreign: foreign.map((each) => (each.service === "Timer" ? { ...each, badge: 999_999 } : each)),
    }),
    /^restore of "far": Timer session \d+: its server "near" is not restored with it$/,
  ],
] as const satisfies readonly (readonly [string, (far: ChildInfo) => Partial<ChildInfo>, RegExp])[]) {
  test(`F9, S96: a session ${what}, at a program in TypeScript that is served by its client, is refused by name`, async () => {
    const { points } = await undisturbed(EACH_OTHER);
    const first = new Rig(EACH_OTHER);
    assert.ok(await first.run(Math.floor(points / 2)));
    const { system } = first.rtcr.checkpoint("then");
    first.close();
    const children = system.children.map((child) => (child.name === "far" ? { ...child, ...forge(child) } : child));
    const second = new Rig({ ...EACH_OTHER, restore: { ...system, children } });
    second.tree.settle();
    const [outcome] = second.outcomes;
    assert.ok(outcome instanceof RtcrFault, String(outcome));
    assert.match(outcome.message, why);
    second.close();
  });
}

/** Something between children and core, and a child that goes through it. */
function wrapped(service: string, client: ChildSpec): readonly ChildSpec[] {
  const between: ChildSpec = {
    ...{ name: "between", binary: "interposer" },
    inside: `${provides(service)}${route()}<config><service name="${service}"/></config>`,
  };
  return [between, { ...client, inside: `${route(to("between", service))}${client.inside ?? ""}` }];
}

const STRESS: ChildSpec = { name: "stress", binary: "stress_rm" };

test("S96, S106: a PD session is refused by name where another child serves it", async () => {
  await refused(
    [...wrapped("PD", { ...SHEEP, name: "stress" }), SHEEP],
    'child "stress": its PD session 1 is served by "between", which is in the checkpoint too: put both into an init',
  );
});

for (const [service, client] of [
  ["CPU", { ...SHEEP, name: "stress" }],
  ["RM", STRESS],
] as const) {
  test(`S57, S93-S97: in an init, a component that wraps core's ${service} goes on with who goes through it`, async () => {
    const inside = [...wrapped(service, client), SHEEP].map(({ name, binary, inside = "" }) =>
      start(name, `<binary name="${binary}" windows="yes"/>${inside}`, QUOTA),
    );
    const options: RigOptions = {
      ...{ children: [init("inner", inside.join(""))], quota: 'caps="3000" ram="32M"' },
      ...{ programs: ["stress_rm", "sheep_counter_timer"], exits: 2 },
    };
    const { lines, points } = await undisturbed(options);
    assert.ok(
      lines.some((line) => /between\] .* session "stress" closed after/.test(line)),
      lines.join("; "),
    );
    for (let i = 1; i <= POINTS; i++) {
      const point = Math.floor((points * i) / (POINTS + 1));
      assert.deepEqual(await continued(options, point), lines, `stopped at point ${point} of ${points}`);
    }
  });
}

/** A log server and its client as children of the supervisor. */
const LINES: RigOptions = {
  ...PROGRAMS,
  children: SERVERS.filter(({ name }) => name === "lines" || name === "sheep").map(({ inside = "", ...rest }) => ({
    ...rest,
    inside: inside.replace(to("between", "Timer"), ""),
  })),
  exits: 1,
};

test("S57, S66, S97: an environment's session at a child has its upgrades again, of the client's quota", async () => {
  const { points } = await undisturbed(LINES);
  const rig = new Rig(LINES);
  assert.ok(await rig.run(Math.floor(points / 2)));
  const [pd] = rig.rtcr.child("sheep")?.of(RtcrPd) ?? [];
  const upgraded = pd?.parent?.upgrade(ENV_SESSION.log, "ram_quota=12K, cap_quota=3");
  assert.ok(upgraded?.ok);
  rig.tree.settle();
  const restore = restoresInPlace(rig);
  for (let time = 0; time < 2; time++) {
    await restore(rig.rtcr.checkpoint("then").system);
  }
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
