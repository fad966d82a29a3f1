// Init's configuration at work (S50-S55): resources, live reconfiguration, state reports, init inside init.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NativeProgram } from "../core/index.ts";
import { logServer } from "../native/index.ts";
import {
  type Capability,
  type KernelObject,
  objectOf,
  PRIORITY_LIMIT,
  type RomSession,
  type ServiceRoot,
} from "../session/index.ts";
import { success } from "../util/index.ts";
import { readXml } from "./config/xml.ts";
import { START_COSTS } from "./resources/amounts.ts";
import { readRom } from "./rom-text.ts";
import { plant, serve, start, system, type Tree } from "./tree.test.ts";

const PROVIDES_S = '<provides><service name="S"/></provides>';

/** Serves "S" and says which label and arguments each session had. */
function serverOf(log: string[], service = "S"): NativeProgram {
  return (env) => {
    const root: ServiceRoot = {
      kind: "root",
      session: (args) => {
        log.push(`session ${args.replace(/^ram_quota=\d+, cap_quota=\d+, /, "")}`);
        return success(env.badges.identify<KernelObject>({ kind: "root" }).capability as Capability);
      },
      upgrade: (_, args) => log.push(`upgrade ${args}`),
      close: () => log.push("close"),
    };
    const served = serve(env, new Map([[service, root]]));
    return { dispose: () => served.dispose() };
  };
}

function openRom(tree: Tree, child: string, id: number, module: string): RomSession {
  const made = tree.parent(child).session(id, "ROM", `label="${module}", ram_quota=6K, cap_quota=3`);
  assert.ok(made.ok, made.ok ? "" : made.reason);
  return objectOf<RomSession>(made.value, "rom")!;
}

function ask(tree: Tree, child: string, id: number, service = "S"): string {
  const made = tree.parent(child).session(id, service, "ram_quota=8K, cap_quota=2");
  tree.settle();
  return made.ok ? "made" : made.reason;
}

test("S50: the label is replaced and diag passed as the route says", () => {
  const log: string[] = [];
  const route =
    '<route><service name="S"><child name="nick" label="new" diag="yes"/></service><any-service><parent/></any-service></route>';
  const tree = plant({
    config: system(`<alias name="nick" child="s"/>${start("s", PROVIDES_S)}${start("c", route)}`),
    probes: ["c"],
    programs: { s: serverOf(log) },
  });
  assert.equal(ask(tree, "c", 6), "made");
  assert.deepEqual(log, ['session label="new", diag=1']);
});

test("S50: two providers are ambiguous for any-child", () => {
  const tree = plant({
    config: system(start("s1", PROVIDES_S) + start("s2", PROVIDES_S) + start("c")),
    probes: ["c"],
    programs: { s1: serverOf([]), s2: serverOf([]) },
  });
  assert.equal(ask(tree, "c", 6), "service-denied");
  assert.ok(tree.lines.some((line) => line.includes("ambiguous, S is provided by s1 and s2")));
});

test("S50: binary, configfile and inline configuration", () => {
  const tree = plant({
    config: system(
      `${start("a", '<binary name="p"/><config x="1"/>')}${start("b", '<binary name="q"/><configfile name="other"/>')}`,
    ),
    probes: ["p", "q"],
    roms: { other: "<config from='other'/>" },
  });
  assert.equal(readRom(openRom(tree, "p", 6, "config")), '<config x="1"/>');
  assert.equal(readRom(openRom(tree, "q", 6, "config")), "<config from='other'/>");
  assert.equal(readRom(openRom(tree, "p", 7, "a")), "rtcr-native:p\n");
});

test("S43: a child cannot make init pay for many sessions of its own modules", () => {
  const tree = plant({ config: system(start("a", "<config/>")), probes: ["a"] });
  const ask = (id: number, args: string) => {
    const made = tree.parent("a").session(id, "ROM", `label="config", ${args}`);
    return made.ok ? "made" : made.reason;
  };
  assert.equal(ask(6, "ram_quota=4K, cap_quota=1"), "insufficient-ram-quota");
  assert.equal(ask(6, "ram_quota=6K, cap_quota=0"), "insufficient-cap-quota");
  const made = Array.from({ length: 20 }, (_, i) => ask(6 + i, "ram_quota=6K, cap_quota=3"));
  assert.deepEqual(made, [...Array(8).fill("made"), ...Array(12).fill("service-denied")]);
  assert.equal(tree.parent("a").close(6), "done");
  assert.equal(ask(6, "ram_quota=6K, cap_quota=3"), "made");
});

test("S42: a server of environment sessions may come later; when it is replaced, its clients are", () => {
  const log = (version: number) =>
    start(
      "log",
      '<binary name="log_server"/><provides><service name="LOG"/></provides><route><any-service><parent/></any-service></route>',
      `caps="200" ram="4M" version="${version}"`,
    );
  const hello: NativeProgram = (env) => {
    env.log.write("hello");
    return { dispose: () => {} };
  };
  const config = (version: number) =>
    `<config><parent-provides><service name="PD"/><service name="CPU"/><service name="ROM"/><service name="LOG"/></parent-provides>
     <default-route><service name="LOG"><child name="log"/></service><any-service><parent/></any-service></default-route>
     ${start("c")}${start("d")}${log(version)}</config>`;
  const tree = plant({ config: config(1), programs: { c: hello, d: hello, log_server: logServer } });
  const total = tree.total();
  const heard = () => tree.lines.filter((line) => line.startsWith("[init -> log]")).sort();
  assert.deepEqual(heard(), ["[init -> log] [c] hello", "[init -> log] [d] hello"]);
  tree.configure(config(2));
  assert.equal(heard().length, 4);
  assert.deepEqual(tree.total(), total);
  tree.close();
});

test("S51: quota is clamped to what init has beyond what it preserves, with a warning", () => {
  const tree = plant({
    config: system(
      `<resource name="RAM" preserve="1M"/><resource name="CAP" preserve="50"/>${start("a", "", 'caps="100" ram="1G"')}${start("b", "", 'caps="100" ram="1M"')}`,
    ),
    probes: ["a", "b"],
    initQuota: { ram: 8 << 20, caps: 400 },
  });
  const available = tree.initPd.ramQuota() - tree.initPd.usedRam();
  assert.ok(available >= 1 << 20 && available < (1 << 20) + (64 << 10), String(available));
  assert.ok(tree.lines.some((line) => /child "a": 1073741824 bytes of RAM wanted, \d+ are left/.test(line)));
  assert.ok(tree.lines.some((line) => /child "b": not started, its start costs/.test(line)));
  assert.equal(tree.starts("b"), 0);
});

test("S51: defaults, and 20 caps and 320 KiB that init keeps unless told otherwise", () => {
  const tree = plant({
    config: system(`<default caps="70" ram="1M"/>${start("a", "", "")}${start("b", "", 'caps="1000" ram="1G"')}`),
    probes: ["a", "b"],
    initQuota: { ram: 8 << 20, caps: 200 },
  });
  const { initPd: pd } = tree;
  assert.equal(tree.pd("a")!.capQuota() - 13, 70 - START_COSTS.caps - 6);
  const [ram, caps] = [pd.ramQuota() - pd.usedRam(), pd.capQuota() - pd.usedCaps()];
  assert.ok(ram >= 320 << 10 && ram < 350 << 10, String(ram));
  assert.ok(caps >= 20 && caps <= 28, String(caps));
});

test("S52: priorities, affinity and CPU quota reach core", () => {
  const tree = plant({
    config: system(
      `<affinity-space width="2" height="1"/>
       ${start("a", '<affinity xpos="1"/><resource name="CPU" quantum="75"/>', 'caps="100" ram="1M" priority="-1"')}
       ${start("b", '<resource name="CPU" quantum="50"/>')}`,
      'prio_levels="2"',
    ),
    probes: ["a", "b"],
    cpus: 4,
  });
  const [a, b] = ["init -> a", "init -> b"].map((name) => tree.cpus.find(({ label }) => label === name)!);
  assert.deepEqual(a!.affinity, { x: 2, y: 0, width: 2, height: 1 });
  assert.deepEqual(b!.affinity, { x: 0, y: 0, width: 4, height: 1 });
  assert.match(a!.args, new RegExp(`priority=${PRIORITY_LIMIT / 2}$`));
  assert.match(b!.args, /priority=0$/);
  assert.deepEqual([a!.session.quota().us, b!.session.quota().us], [750_000, 250_000]);
  assert.ok(tree.lines.some((line) => /child "b": 50 % CPU time wanted, 25 % are left/.test(line)));
});

test("S28, S52: an affinity space that has more places than there are CPUs is said once", () => {
  const config = (width: number, version: number) =>
    system(
      `<affinity-space width="${width}"/>${start("a", '<affinity xpos="1"/>', `caps="100" ram="1M" version="${version}"`)}`,
    );
  const tree = plant({ config: config(2, 1), probes: ["a"], cpus: 2 });
  const said = () => tree.lines.filter((line) => line.includes("affinity space"));
  assert.deepEqual(said(), []);
  for (const version of [2, 3]) tree.configure(config(4, version));
  assert.deepEqual(said(), [
    "[init] warning: an affinity space of 4 x 1 on 2 x 1 CPUs: some of its places share a CPU",
  ]);
  assert.deepEqual(tree.cpus.at(-1)!.affinity, { x: 0, y: 0, width: 1, height: 1 });
});

test("S52: a child that is restarted gets its CPU percentage again", () => {
  const config = (version: number) =>
    system(start("a", '<resource name="CPU" quantum="75"/>', `caps="100" ram="1M" version="${version}"`));
  const tree = plant({ config: config(1), probes: ["a"] });
  for (const version of [2, 3]) tree.configure(config(version));
  const [first, second, third] = tree.cpus.filter(({ label }) => label === "init -> a");
  assert.equal(third!.session.quota().us, 750_000);
  assert.ok(first && second);
});

test("S52: phys_start is taken out of PD requests unless constrain_phys", () => {
  for (const constrain of ["no", "yes"]) {
    const tree = plant({
      config: system(start("a", `<resource name="RAM" quantum="4M" constrain_phys="${constrain}"/>`, 'caps="200"')),
      probes: ["a"],
    });
    tree.parent("a").session(6, "PD", "ram_quota=200K, cap_quota=20, phys_start=0x1000, phys_size=0x2000");
    assert.equal(tree.asked.at(-1)!.includes("phys_start"), constrain === "yes");
  }
});

test("S53: a changed inline configuration is updated in place, without a restart", () => {
  const config = (text: string) => system(start("a", `<config n="${text}"/>`));
  const tree = plant({ config: config("1"), probes: ["a"] });
  const rom = openRom(tree, "a", 6, "config");
  let signals = 0;
  rom.sigh(tree.env("a").signalHandler(() => signals++).context);
  assert.equal(readRom(rom), '<config n="1"/>');
  tree.configure(config("2"));
  assert.equal(signals, 1);
  assert.equal(readRom(rom), '<config n="2"/>');
  tree.configure(config("2").replace("<default-route>", "\n<default-route>"));
  assert.equal(signals, 1, "nothing changed for the child");
  assert.equal(tree.starts("a"), 1);
});

/** Whether children are restarted by the change from one configuration to another: `name` -> starts. */
const CHANGES: readonly [name: string, before: string, after: string, starts: Record<string, number>][] = [
  ["nothing", start("a") + start("b"), start("a") + start("b"), { a: 1, b: 1 }],
  ["order", start("a") + start("b"), start("b") + start("a"), { a: 1, b: 1 }],
  ["a new child", start("a"), start("a") + start("b"), { a: 1, b: 1 }],
  ["version", start("a") + start("b"), start("a", "", 'caps="200" ram="4M" version="2"') + start("b"), { a: 2, b: 1 }],
  ["binary", start("a", '<binary name="b"/>'), start("a", '<binary name="a"/>'), { a: 1, b: 1 }],
  [
    "a route of the environment",
    start("a"),
    start("a", '<route><service name="LOG"><parent label="x"/></service><any-service><parent/></any-service></route>'),
    { a: 2 },
  ],
  [
    "the default route",
    start("a"),
    `${start("a")}<!-- -->`.replace("<!-- -->", '<alias name="q" child="a"/>'),
    { a: 1 },
  ],
  [
    "a route that is not used",
    start("a"),
    start("a", '<route><service name="X"><parent/></service><any-service><parent/></any-service></route>'),
    { a: 1 },
  ],
  ["priority", start("a"), start("a", "", 'caps="200" ram="4M" priority="-1"'), { a: 1 }],
  ["more quota", start("a"), start("a", "", 'caps="250" ram="5M"'), { a: 1 }],
  ["less quota", start("a"), start("a", "", 'caps="150" ram="3M"'), { a: 1 }],
  ["a configuration that nobody reads appears", start("a"), start("a", "<config/>"), { a: 1 }],
];

for (const [name, before, after, starts] of CHANGES) {
  test(`S53: change of ${name} restarts only whom it must`, () => {
    const tree = plant({ config: system(before), probes: ["a", "b"] });
    const total = tree.total();
    tree.configure(system(after));
    for (const [child, count] of Object.entries(starts)) assert.equal(tree.starts(child), count, child);
    tree.configure(system(""));
    assert.deepEqual(tree.total(), total);
    assert.equal(tree.pd("a"), undefined);
  });
}

test("S53: a configuration that vanishes while the child reads it restarts the child", () => {
  const tree = plant({ config: system(start("a", "<config/>")), probes: ["a"], roms: {} });
  openRom(tree, "a", 6, "config");
  tree.configure(system(start("a")));
  assert.equal(tree.starts("a"), 2);
});

test("S53: abandoning a server restarts its clients, and theirs, and nobody else", () => {
  const both = (version: string) =>
    system(
      start("s", PROVIDES_S, `caps="200" ram="4M" version="${version}"`) +
        start("t", '<provides><service name="T"/></provides>') +
        start("c") +
        start("d") +
        start("e"),
    );
  const log: string[] = [];
  let tStarts = 0;
  const t: NativeProgram = (env) => {
    tStarts++;
    assert.ok(env.session(7, "S", "ram_quota=8K, cap_quota=2").ok);
    return serverOf([], "T")(env);
  };
  const tree = plant({ config: both("1"), probes: ["c", "d", "e"], programs: { s: serverOf(log), t } });
  const total = tree.total();
  assert.equal(ask(tree, "c", 6), "made");
  assert.equal(ask(tree, "d", 6, "T"), "made");
  tree.configure(both("2"));
  assert.deepEqual([tree.starts("c"), tree.starts("d"), tree.starts("e"), tStarts], [2, 2, 1, 2]);
  assert.equal(ask(tree, "c", 6), "made");
  assert.deepEqual(
    log.filter((line) => line.startsWith("session")),
    ['session label="t"', 'session label="c"', 'session label="t"', 'session label="c"'],
  );
  tree.parent("c").close(6);
  tree.settle();
  tree.configure(system(""));
  assert.equal(tree.total().caps, total.caps);
  assert.deepEqual(tree.total(), total);
});

test("S53: a session whose route leads elsewhere restarts its client; a service that is no longer provided too", () => {
  const to = (server: string, provides = PROVIDES_S) =>
    system(
      start("s1", provides) +
        start("s2", PROVIDES_S) +
        start(
          "c",
          `<route><service name="S"><child name="${server}"/></service><any-service><parent/></any-service></route>`,
        ),
    );
  const tree = plant({ config: to("s1"), probes: ["c", "s1", "s2"] });
  ask(tree, "c", 6);
  tree.configure(to("s2"));
  assert.equal(tree.starts("c"), 2);
  tree.configure(to("s1"));
  assert.equal(tree.starts("c"), 2, "it has no session now");
  ask(tree, "c", 6);
  tree.configure(to("s1", ""));
  assert.equal(tree.starts("c"), 3);
  assert.deepEqual([tree.starts("s1"), tree.starts("s2")], [1, 1]);
});

test("S53: downgrades come before upgrades: what one child loses another can get at once", () => {
  const quotas = (a: number, b: number) =>
    system(
      `<resource name="RAM" preserve="512K"/>${start("a", "", `caps="100" ram="${a}M"`)}${start("b", "", `caps="100" ram="${b}M"`)}`,
    );
  const tree = plant({ config: quotas(1, 6), probes: ["a", "b"], initQuota: { ram: 8 << 20, caps: 400 } });
  const before = ["a", "b"].map((name) => tree.pd(name)!.ramQuota());
  const total = tree.total();
  tree.configure(quotas(5, 2));
  const after = ["a", "b"].map((name) => tree.pd(name)!.ramQuota());
  assert.deepEqual(after, [before[0]! + (4 << 20), before[1]! - (4 << 20)]);
  assert.deepEqual([tree.starts("a"), tree.starts("b")], [1, 1]);
  tree.configure(quotas(7, 2));
  assert.ok(tree.lines.some((line) => /child "a": \d+ bytes and 0 caps more are wanted than are left/.test(line)));
  assert.deepEqual(tree.total(), total);
});

test("S49, S53: a configuration that cannot be read leaves the one before in force; unknown parts are warnings", () => {
  const tree = plant({ config: system(start("a")), probes: ["a", "b"] });
  tree.configure("<config><start");
  assert.equal(tree.starts("a"), 1);
  assert.ok(tree.pd("a"));
  assert.ok(tree.lines.some((line) => /warning: config:1:\d+: .*; the configuration before stays in force/.test(line)));
  tree.configure(system(`${start("a")}${start("b")}<future/>`));
  assert.equal(tree.starts("b"), 1);
  assert.ok(tree.lines.some((line) => /warning: config:2:\d+: unknown element <future> in <config>/.test(line)));
});

/** The last state report. */
function state(tree: Tree) {
  return readXml(tree.reports.filter(({ label }) => label === "init -> state").at(-1)!.text);
}

test("S54: reports in all levels of detail", () => {
  const plain = (attributes: string) => system(`<report ${attributes}/>${start("a")}${start("b")}`, 'version="v3"');
  const tree = plant({ config: plain(""), probes: ["a"] });
  const root = state(tree);
  assert.equal(root.attributes.get("version"), "v3");
  assert.equal(
    root.source.replace(/\s+/g, " "),
    '<state version="v3"> <child name="a" binary="a"/> <child name="b" binary="b" state="incomplete"/> </state>',
  );
  tree.configure(
    plain(
      'ids="yes" requested="yes" provided="yes" session_args="yes" child_ram="yes" child_caps="yes" init_ram="yes" init_caps="yes" buffer="16K"',
    ),
  );
  const full = state(tree);
  assert.deepEqual([...full.child("ram")!.attributes.keys()], ["quota", "used", "avail"]);
  assert.deepEqual([...full.child("caps")!.attributes.keys()], ["quota", "used", "avail"]);
  const [a] = full.childrenNamed("child");
  assert.equal(a!.attributes.get("id"), "1");
  assert.equal(a!.child("ram")!.attributes.get("assigned"), "4M");
  assert.equal(a!.child("caps")!.attributes.get("assigned"), "200");
  const pd = tree.pd("a")!;
  assert.equal(a!.child("caps")!.attributes.get("quota"), String(pd.capQuota()));
  const sessions = a!.child("requested")!.children;
  assert.deepEqual(
    sessions.map(({ attributes }) => [attributes.get("service"), attributes.get("label"), attributes.get("state")]),
    [
      ["PD", "a", "CAP_HANDED_OUT"],
      ["CPU", "a", "CAP_HANDED_OUT"],
      ["LOG", "a", "CAP_HANDED_OUT"],
      ["ROM", "a -> a", "CAP_HANDED_OUT"],
      ["ROM", "a -> a", "CAP_HANDED_OUT"],
    ],
  );
  assert.deepEqual([sessions[0]!.attributes.get("ram"), sessions[0]!.attributes.get("caps")], ["192K", "13"]);
  assert.equal(sessions[1]!.child("args")!.text, "priority=0");
  assert.deepEqual(a!.child("provided")!.children, []);
  tree.parent("a").resourceRequest("ram_quota=1M, cap_quota=7");
  tree.settle();
  const [asking] = state(tree).childrenNamed("child");
  assert.equal(asking!.child("ram")!.attributes.get("requested"), "1M");
  assert.equal(asking!.child("caps")!.attributes.get("requested"), "7");
});

test("S54: provided sessions are listed at the server with their phase", () => {
  const tree = plant({
    config: system(`<report provided="yes"/>${start("s", PROVIDES_S)}${start("c")}`),
    probes: ["s", "c"],
  });
  ask(tree, "c", 6);
  tree.advance(101);
  const [server] = state(tree).childrenNamed("child");
  const [session] = server!.child("provided")!.children;
  assert.deepEqual(
    ["service", "label", "state", "caps"].map((name) => session!.attributes.get(name)),
    ["S", "c", "CREATE_REQUESTED", "2"],
  );
});

test("S54: ordinary changes are reported once in delay_ms, figures of children periodically", () => {
  const tree = plant({ config: system(`<report requested="yes" delay_ms="200"/>${start("a")}`), probes: ["a"] });
  tree.advance(300);
  const before = tree.reports.length;
  for (let id = 6; id < 16; id++) openRom(tree, "a", id, "a");
  tree.settle();
  assert.equal(tree.reports.length, before);
  tree.advance(199);
  assert.equal(tree.reports.length, before);
  tree.advance(2);
  assert.equal(tree.reports.length, before + 1);
  assert.equal(state(tree).child("child")!.child("requested")!.children.length, 15);
  tree.advance(5000);
  assert.equal(tree.reports.length, before + 1, "nothing changes");
  tree.configure(system(`<report child_ram="yes" delay_ms="200"/>${start("a")}`));
  const periodic = tree.reports.length;
  tree.advance(3001);
  assert.equal(tree.reports.length, periodic + 3);
  tree.configure(system(start("a")));
  const off = tree.reports.length;
  tree.advance(3000);
  assert.equal(tree.reports.length, off);
});

test("S54: a report that does not fit is replaced by an error", () => {
  const children = Array.from({ length: 40 }, (_, i) =>
    start(`child-number-${i}`, '<binary name="a"/>', 'caps="80" ram="600K"'),
  ).join("");
  const tree = plant({ config: system(`<report requested="yes" buffer="4K"/>${children}`), probes: ["a"] });
  assert.equal(state(tree).attributes.get("error"), "report buffer exceeded");
  assert.ok(tree.lines.some((line) => /the state report has \d+ bytes, its buffer 4096/.test(line)));
  tree.configure(system(`<report requested="yes" buffer="64K"/>${children}`));
  assert.equal(state(tree).childrenNamed("child").length, 40);
});

test("S55: init inside init: children two levels down, with the inner init's quota", () => {
  const inner = system(start("x", "", 'caps="100" ram="1M"'));
  const tree = plant({
    config: system(start("inner", `<binary name="init"/>${inner}`, 'caps="1000" ram="16M"')),
    probes: ["x"],
  });
  assert.deepEqual(tree.warnings, []);
  assert.equal(tree.starts("x"), 1);
  assert.ok(tree.asked.some((line) => line.startsWith("LOG") && line.includes('label="init -> inner -> x"')));
  const total = tree.total();
  const figures = () => [tree.initPd.ramQuota(), tree.pd("inner")!.ramQuota(), tree.pd("inner -> x")!.ramQuota()];
  const before = figures();
  openRom(tree, "x", 6, "x");
  assert.equal(tree.parent("x").close(6), "done");
  assert.deepEqual(figures(), before);
  tree.configure(system(start("inner", `<binary name="init"/>${system("")}`, 'caps="1000" ram="16M"')));
  assert.equal(tree.pd("inner -> x"), undefined);
  tree.configure(system(""));
  assert.deepEqual(tree.total(), total);
});

test("S55: an inner child uses a server of the outer init: both make and close sessions in their own time", () => {
  const log: string[] = [];
  const inner = system(start("x", "", 'caps="100" ram="1M"')).replace(
    "<parent-provides>",
    '<parent-provides><service name="S"/>',
  );
  const tree = plant({
    config: system(start("inner", `<binary name="init"/>${inner}`, 'caps="1000" ram="16M"') + start("s", PROVIDES_S)),
    probes: ["x"],
    programs: { s: serverOf(log) },
  });
  const figures = () =>
    ["inner", "inner -> x", "s"].map((name) => [tree.pd(name)!.ramQuota(), tree.pd(name)!.capQuota()]);
  const before = figures();
  let signals = 0;
  tree.parent("x").sessionSigh(tree.env("x").signalHandler(() => signals++).context);
  const made = tree.parent("x").session(6, "S", "ram_quota=8K, cap_quota=2");
  assert.deepEqual([made.ok && made.value.valid, signals], [false, 0]);
  tree.settle();
  assert.equal(signals, 1);
  assert.deepEqual(log, ['session label="inner -> x"']);
  const picked = tree.parent("x").sessionCap(6);
  assert.ok(picked.ok && picked.value.valid);
  assert.equal(tree.parent("x").close(6), "pending");
  tree.settle();
  assert.deepEqual([signals, log.at(-1), tree.parent("x").close(6)], [2, "close", "done"]);
  assert.deepEqual(figures(), before);
});

test("S44, S55: an inner init that gets more quota gives it to its children, and starts those that it could not", () => {
  const inner = system(`${start("x", "", 'caps="100" ram="6M"')}${start("y", "", 'caps="100" ram="2M"')}`);
  const config = (ram: number) => system(start("inner", `<binary name="init"/>${inner}`, `caps="1000" ram="${ram}M"`));
  const tree = plant({ config: config(4), probes: ["x", "y"] });
  let woken = 0;
  tree.parent("x").resourceAvailSigh(tree.env("x").signalHandler(() => woken++).context);
  assert.deepEqual([tree.starts("x"), tree.starts("y"), tree.pd("inner -> x")!.ramQuota() < 4 << 20], [1, 0, true]);
  const before = tree.pd("inner -> x")!.ramQuota();
  tree.configure(config(10));
  assert.deepEqual([tree.starts("inner"), tree.starts("x"), tree.starts("y"), woken], [0, 1, 1, 1]);
  assert.ok(tree.pd("inner -> x")!.ramQuota() > before);
  tree.close();
});

test("S47, S55: an init inside answers heartbeats", () => {
  const inner = `<binary name="init"/><heartbeat restart_after_skipped="2"/>${system(start("x"))}`;
  const tree = plant({
    config: system(`<heartbeat rate_ms="100"/><report/>${start("inner", inner, 'caps="1000" ram="16M"')}`),
    probes: ["x"],
  });
  tree.advance(1000);
  assert.equal(tree.starts("x"), 1);
  assert.doesNotMatch(tree.reports.at(-1)!.text, /skipped/);
});

test("S55: services of inner children are offered to the outside, sessions go both ways through two inits", () => {
  const log: string[] = [];
  const inner = system(
    `<service name="S"><policy label_prefix="c"><child name="s" label="from c"/></policy></service>${start("s", PROVIDES_S, 'caps="100" ram="1M"')}`,
  );
  const config = (more: string) =>
    system(start("inner", `<binary name="init"/>${PROVIDES_S}${inner}`, 'caps="1000" ram="16M"') + more);
  const tree = plant({ config: config(start("c") + start("d")), probes: ["c", "d"], programs: { s: serverOf(log) } });
  const pds = ["c", "inner", "inner -> s"].map((name) => tree.pd(name)!);
  const figures = () => [tree.initPd, ...pds].map((pd) => [pd.ramQuota(), pd.capQuota()]);
  const before = figures();
  const total = tree.total();
  assert.equal(ask(tree, "c", 6), "made");
  const picked = tree.parent("c").sessionCap(6);
  assert.ok(picked.ok && picked.value.valid);
  assert.deepEqual(log, ['session label="from c"']);
  assert.equal(pds[2]!.ramQuota(), before[3]![0]! + 8192 - 512, "the whole donation is with the server");
  assert.deepEqual(tree.parent("c").upgrade(6, "ram_quota=1K, cap_quota=1"), success("pending"));
  tree.settle();
  assert.equal(log.at(-1), "upgrade ram_quota=1024, cap_quota=1");
  assert.equal(ask(tree, "d", 6), "made");
  assert.deepEqual(tree.parent("d").sessionCap(6), { ok: false, reason: "service-denied" }, "no policy for d");
  tree.parent("c").close(6);
  tree.settle();
  assert.equal(tree.parent("c").close(6), "done");
  assert.equal(log.at(-1), "close");
  assert.deepEqual(figures(), before);
  assert.equal(ask(tree, "c", 7), "made");
  tree.configure(system(start("c")));
  assert.equal(tree.starts("c"), 2, "its server is gone");
  assert.deepEqual(tree.total(), total);
  tree.close();
});
