// CPU and RM sessions that a child has of a sibling, which passes them on, one in TypeScript (native/interposer.ts) or a guest:
// the supervisor stands in front of both, twice in front of each object. A child works with them as with those of its parent;
// what it makes is recorded once, with the sibling.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChildInfo, SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import { restoresInPlace } from "./in-place.ts";
import { type ChildSpec, continued, Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

const SETTINGS = '<config child="stack_counter" turns="4" iterations="20" sleep_ms="3"/>';
const programs = ["stack_counter"];
const POINTS = 2;
const routed = (service: string) =>
  `<route><service name="${service}"><child name="between"/></service><any-service><parent/></any-service></route>`;
const provides = (service: string) => `<provides><service name="${service}"/></provides>`;
const SERVERS = {
  "a program in TypeScript": (service: string): ChildSpec => ({
    ...{ name: "between", binary: "interposer" },
    inside: `${provides(service)}<config><service name="${service}"/></config>`,
  }),
  "a guest": (service: string): ChildSpec => ({
    ...{ name: "between", binary: "passes_on" },
    inside: `${provides(service)}<config service="${service}"/>`,
  }),
} as const;
const windows = () => true;

function passedOn(name: string, service: string, server: keyof typeof SERVERS): RigOptions {
  const children = [{ name, inside: SETTINGS + routed(service) }, SERVERS[server](service)];
  return { windows, children, programs, exits: 1 };
}

/** What the server says of a client's end is said when that has exited already. */
const own = (lines: readonly string[]) => lines.filter((line) => !line.startsWith("[between]"));

for (const [name, service] of [
  ["sheep_counter_threaded", "CPU"],
  ["as-stack_counter", "CPU"],
  ["managed_dataspace", "RM"],
  ["fault_handler", "RM"],
  ["sheep_counter_threaded", "PD"],
  ["managed_dataspace", "PD"],
  ["arbitrary_child", "PD"],
] as const) {
  for (const server of ["a program in TypeScript", "a guest"] as const) {
    if (service === "PD" && server !== "a guest") continue; // it could not be funded
    test(`S38, S64, S96: ${name} works, and goes on, with a ${service} session that ${server} passes on`, async () => {
      const alone = await undisturbed({ windows, programs, children: [{ name, inside: SETTINGS }] });
      const options = passedOn(name, service, server);
      const { lines, points } = await undisturbed(options);
      assert.deepEqual(own(lines), alone.lines);
      const begun = await firstPoint(options);
      for (const strategy of STRATEGIES) {
        for (let i = 0; i < POINTS; i++) {
          const point = begun + Math.floor(((points - begun) * i) / POINTS);
          const found = await continued({ ...options, strategy }, point);
          assert.deepEqual(own(found), alone.lines, `${strategy}, stopped at point ${point} of ${points}`);
        }
      }
    });
  }
}

/** The first safe point at which all children can be taken. */
async function firstPoint(options: RigOptions): Promise<number> {
  const rig = new Rig(options);
  try {
    for (let point = 1; ; point++) {
      assert.ok(await rig.run(point));
      if (rig.rtcr.children.length < options.children.length) continue;
      try {
        rig.rtcr.checkpoint("first").lease.release();
        return point;
      } catch (thrown) {
        const message = /child "[\w-]+" is being started: its (CPU|PD) session is asked of "(between|nearer)"$/;
        assert.ok(
          thrown instanceof RtcrFault && thrown.code === "busy" && message.test(thrown.message),
          String(thrown),
        );
      }
    }
  } finally {
    rig.close();
  }
}

/** A checkpoint when both are in the midst of it. */
async function taken(
  options: RigOptions,
  share = 0.7,
): Promise<{ readonly rig: Rig; readonly system: SystemCheckpoint }> {
  const { points } = await undisturbed(options);
  const begun = await firstPoint(options);
  const rig = new Rig(options);
  assert.ok(await rig.run(begun + Math.floor((points - begun) * share)));
  return { rig, system: rig.rtcr.checkpoint("then").system };
}

for (const [name, service] of [
  ["sheep_counter_threaded", "CPU"],
  ["fault_handler", "RM"],
  ["arbitrary_child", "PD"],
] as const) {
  for (const server of ["a program in TypeScript", "a guest"] as const) {
    if (service === "PD" && server !== "a guest") continue;
    test(`S89, S96: ${service} sessions that ${server} passes on go back in place, and the quotas balance`, async () => {
      const { rig, system } = await taken(passedOn(name, service, server));
      const restore = restoresInPlace(rig);
      const badges: number[] = [];
      for (let time = 0; time < 3; time++) {
        await restore(time === 2 ? rig.rtcr.checkpoint("again").system : system);
        badges.push(rig.tree.core.kernel.badges.live);
      }
      assert.deepEqual(badges, [badges[0], badges[0], badges[0]], "nothing is left over");
      const said = own(rig.lines).length;
      await rig.run();
      assert.ok(own(rig.lines).length > said);
      rig.close();
    });
  }
}

test("S62, S96: a thread that is passed on is recorded once, with who has made it", async () => {
  const { rig, system } = await taken(passedOn("sheep_counter_threaded", "CPU", "a guest"));
  const [client, server] = ["sheep_counter_threaded", "between"].map((name) => childOf(system, name));
  const made = server!.cpus!.flatMap(({ threads }) => threads);
  assert.ok(client!.cpu.threads.length > 1);
  for (const { behindBadge, nativeBadge, state, name } of client!.cpu.threads) {
    const behind = made.find(({ badge }) => badge === behindBadge);
    assert.deepEqual([behind?.name, behind?.nativeBadge, state], [name, nativeBadge, null]);
    assert.ok(behind?.state !== null && behind?.paused === false);
  }
  const alone = rig.rtcr.checkpoint("alone", ["sheep_counter_threaded"]).system;
  for (const { behindBadge, state } of childOf(alone, "sheep_counter_threaded").cpu.threads) {
    assert.ok(behindBadge === undefined && state !== null, "without its server it is the client's");
  }
  rig.close();
});

function childOf(system: SystemCheckpoint, name: string): ChildInfo {
  const found = system.children.find((child) => child.name === name);
  assert.ok(found);
  return found;
}

/** A restore of `system` elsewhere, until it has ended. */
function begunAgain(options: RigOptions, system: SystemCheckpoint): Rig {
  const rig = new Rig({ ...options, restore: system });
  for (let turn = 0; turn < 100 && rig.outcomes.length === 0; turn++) rig.tree.settle();
  return rig;
}

/** Restored elsewhere without its client, a server has a new one, which says what it would say alone. */
async function servesNewClient(options: RigOptions, system: SystemCheckpoint): Promise<void> {
  const second = begunAgain(options, await throughImage(system));
  assert.ok(Array.isArray(second.outcomes[0]), String(second.outcomes[0]));
  await second.run();
  const alone = await undisturbed({ windows, children: [{ name: "sheep_counter_threaded", inside: SETTINGS }] });
  assert.deepEqual(own(second.lines), alone.lines);
  second.close();
}

for (const server of ["a program in TypeScript", "a guest"] as const) {
  test(`S96: ${server} goes on without a client that it has passed a CPU session on to, and serves a new one`, async () => {
    const options = passedOn("sheep_counter_threaded", "CPU", server);
    const { rig } = await taken(options);
    const { system } = rig.rtcr.checkpoint("alone", ["between"]);
    assert.ok(
      childOf(system, "between").cpus!.every(({ threads }) => threads.length === 0),
      "they end with it",
    );
    rig.close();
    await servesNewClient(options, system);
  });
}

test("S96: a guest goes on without a client that it has passed a PD session on to, and serves a new one", async () => {
  const options = passedOn("sheep_counter_threaded", "PD", "a guest");
  const { rig } = await taken(options);
  const { system } = rig.rtcr.checkpoint("alone", ["between"]);
  const [kept] = childOf(system, "between").components!;
  assert.deepEqual([kept!.program, kept!.pd.dataspaces, kept!.capabilities], ["", [], []]);
  rig.close();
  await servesNewClient(options, system);
});

test("S62, S96: what a PD session that is passed on has made is recorded once, with who has made it", async () => {
  const { rig, system } = await taken(passedOn("arbitrary_child", "PD", "a guest"), 0.8);
  const [client, server] = ["arbitrary_child", "between"].map((name) => childOf(system, name));
  const [own, ...further] = [client!.pd, ...(client!.components ?? []).map(({ pd }) => pd)];
  assert.ok(own!.dataspaces.length > 0 && further.length > 0);
  for (const pd of [own!, ...further]) {
    const behind = server!.components!.find((each) => each.pd.nativeBadge === pd.nativeBehindBadge);
    assert.deepEqual([behind?.program, behind?.capabilities, behind?.pd.data.length], ["", [], 0]);
    const badges = (info: typeof pd | undefined) => info?.dataspaces.map(({ badge, size }) => [badge, size]);
    assert.deepEqual(badges(pd), badges(behind?.pd));
    assert.ok(pd.dataspaces.every(({ content }) => content.length === 0));
    assert.ok(behind?.pd.dataspaces.every(({ content, size }) => content.length >= size));
  }
  const alone = rig.rtcr.checkpoint("alone", ["arbitrary_child"]).system;
  const { pd, program } = childOf(alone, "arbitrary_child");
  assert.ok(program !== "" && pd.nativeBehindBadge === undefined, "without its server it is the client's");
  assert.ok(pd.dataspaces.every(({ content, size }) => content.length >= size));
  rig.close();
});

test("S96: a child that passes on what is passed on to it goes on without its client", async () => {
  const nearer = SERVERS["a program in TypeScript"]("CPU");
  const children = [
    { name: "sheep_counter_threaded", inside: SETTINGS + routed("CPU").replace("between", "nearer") },
    { ...nearer, name: "nearer", inside: nearer.inside + routed("CPU") },
    SERVERS["a guest"]("CPU"),
  ];
  const options: RigOptions = { windows, children, exits: 1 };
  const { rig } = await taken(options);
  const { system } = rig.rtcr.checkpoint("both", ["nearer", "between"]);
  assert.ok(childOf(system, "nearer").cpus!.every(({ threads }) => threads.length === 0));
  rig.close();
  const second = begunAgain(options, await throughImage(system));
  assert.ok(Array.isArray(second.outcomes[0]), String(second.outcomes[0]));
  second.close();
});

for (const [what, service, change, why] of [
  [
    "thread",
    "CPU",
    ({ cpu }) => void delete cpu!.threads[1]!.behindBadge,
    /a cpu-thread that no other child has made,/,
  ],
  [
    "region map",
    "RM",
    ({ rms }) => void delete rms![0]!.regionMaps[0]!.behindBadge,
    /a region-map that no other child has made,/,
  ],
] as const satisfies readonly (readonly [string, string, (child: Partial<Mutable<ChildInfo>>) => void, RegExp])[]) {
  for (const server of ["a program in TypeScript", "a guest"] as const) {
    test(`F9, S96: a ${what} of a session that ${server} passes on, with nothing behind it, is refused by name`, async () => {
      await refused(service, server, change, why);
    });
  }
}

for (const [what, service, change, why] of [
  [
    "a thread",
    "CPU",
    ({ cpu }) => void (cpu!.threads[0]!.behindBadge = 999_999),
    /what object \d+, a cpu-thread, stands before/,
  ],
  [
    "a thread of its server's own",
    "CPU",
    ({ cpu }, server) => void (cpu!.threads[0]!.behindBadge = server.cpu!.threads[0]!.badge),
    /what object \d+, a cpu-thread, stands before/,
  ],
  [
    "a thread of another one's",
    "CPU",
    ({ cpu }) => void (cpu!.threads[0]!.behindBadge = cpu!.threads[1]!.behindBadge),
    /what object \d+, a cpu-thread, stands before/,
  ],
  [
    "a thread in a PD that there is not",
    "CPU",
    ({ cpu }) => void (cpu!.threads[0]!.pdBadge = 999_999),
    /what object \d+, a cpu-thread, stands before/,
  ],
  [
    "a thread of its server's, in a PD that there is not,",
    "CPU",
    (_, server) => void (server.cpu!.threads[0]!.pdBadge = 999_999),
    /^restore of "between": the PD of thread "between" does not fit/,
  ],
  [
    "a thread of another kind",
    "CPU",
    ({ cpu, pd }) => void (cpu!.threads[0]!.behindBadge = pd!.badge),
    /a cpu-thread, stands before/,
  ],
  ["a session", "CPU", ({ cpu }) => void delete cpu!.nativeBehindBadge, /what object \d+, a cpu-thread, stands before/],
  [
    "a region map",
    "RM",
    ({ rms }) => void (rms![0]!.regionMaps[0]!.behindBadge = 999_999),
    /what object \d+, a region-map, stands before/,
  ],
  [
    "a session of another kind",
    "RM",
    ({ foreign, pd }) => void (foreign![0]!.badge = pd!.badge),
    /what RM session 7 at "between" stands before/,
  ],
  [
    "a PD",
    "PD",
    ({ pd }) => void (pd!.nativeBehindBadge = 999_999),
    /^restore of "arbitrary_child": what PD session 1 stands before/,
  ],
  [
    "a component's PD",
    "PD",
    ({ components }) => void (components![0]!.pd.nativeBehindBadge = 999_999),
    /what PD session 9 stands before/,
  ],
  [
    "a dataspace",
    "PD",
    ({ pd }) => void (pd!.dataspaces[0]!.badge = 999_999),
    /object \d+, of a PD session that another child passes on,/,
  ],
  [
    "a context of another kind",
    "PD",
    ({ pd }) => void (pd!.signalContexts[0]!.badge = pd!.dataspaces[0]!.badge),
    /object \d+, of a PD session that another child passes on,/,
  ],
  [
    "an area of another kind",
    "PD",
    ({ pd }) => void (pd!.dataspaces[0]!.badge = pd!.addressSpace.badge),
    /object \d+, of a PD session that another child passes on,/,
  ],
] as const satisfies readonly (readonly [string, string, (...of: Forged) => void, RegExp])[]) {
  test(`F9, S96: ${what} that stands before nothing is refused by name`, async () => {
    await refused(service, "a guest", change, why);
  });
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends object | undefined ? Mutable<T[K]> : T[K] };

/** Clients, and when they are in the midst of it. */
const FORGED = {
  CPU: ["sheep_counter_threaded", 0.7],
  RM: ["fault_handler", 0.9],
  PD: ["arbitrary_child", 0.8],
} as const;

/** A client, and who passes something on to it. */
type Forged = readonly [client: Partial<Mutable<ChildInfo>>, server: Partial<Mutable<ChildInfo>>];

/** A checkpoint of a client whose record was changed is refused, for the reason that is given. */
async function refused(
  service: keyof typeof FORGED,
  server: Parameters<typeof passedOn>[2],
  change: (...of: Forged) => void,
  why: RegExp,
): Promise<void> {
  const [name, share] = FORGED[service];
  const options = passedOn(name, service, server);
  const { rig, system } = await taken(options, share);
  const forged = structuredClone(system) as SystemCheckpoint;
  const [client, passing] = [name, "between"].map((each) => childOf(forged, each) as unknown as Forged[0]);
  change(client!, passing!);
  const { children } = rig.rtcr;
  assert.throws(() => rig.rtcr.restore(forged), { code: "mismatch", message: why });
  rig.tree.settle();
  assert.deepEqual(rig.rtcr.children, children, "nobody was ended for it");
  rig.close();
  const second = begunAgain(options, forged);
  const [outcome] = second.outcomes;
  assert.ok(outcome instanceof RtcrFault, String(outcome));
  assert.match(outcome.message, why);
  assert.equal(second.outcomes.length, 1);
  assert.deepEqual(second.rtcr.children, []);
  second.close();
}
