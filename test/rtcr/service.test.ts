// The Rtcr service (spec 2.14): a component beside a supervisor asks for checkpoints, and to go back to them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readXml } from "../../src/init/index.ts";
import {
  CHECKPOINT_PHASES,
  CHECKPOINTABLES,
  type CopyPool,
  LABELS_KEPT,
  PreallocatedProvider,
} from "../../src/rtcr/index.ts";
import { startNodeCopyPool } from "../../src/rtcr/index-node.ts";
import { CHILDREN, NAMES, STEP_US, supervised } from "./controlled.ts";

test("S71, S89, S111: a component beside the supervisor has a child checkpointed, and taken back to it twice", async () => {
  const { tree, session, made, lines, until } = supervised();
  try {
    const child = "sheep_counter_timer";
    await until(child, 2);
    const before = lines(child).length;
    assert.deepEqual(session.checkpoint(child), { ok: true, value: undefined });
    assert.deepEqual(
      made.map(({ children }) => children.map(({ name }) => name)),
      [[child]],
    );
    const next = (count: number) => lines(child).slice(count)[0];
    await until(child, before + 2);
    const expected = next(before);
    for (let time = 0; time < 2; time++) {
      const now = lines(child).length;
      assert.deepEqual(session.restore(child), { ok: true, value: undefined });
      tree.settle();
      await until(child, now + 2);
      assert.equal(next(now), expected);
    }
    assert.deepEqual(
      tree.lines.filter((line) => /error|warning/.test(line)),
      [],
    );
  } finally {
    tree.close();
  }
});

test("S111: all children together; what there is not is refused by name", async () => {
  const { tree, session, made, until } = supervised();
  try {
    await until("sheep_counter_timer", 1);
    assert.deepEqual(session.restore(""), { ok: false, reason: "rom-module-does-not-exist" });
    assert.deepEqual(session.checkpoint("cow"), { ok: false, reason: "no-such-child" });
    assert.deepEqual(session.checkpoint("x".repeat(65)), { ok: false, reason: "no-such-child" });
    assert.deepEqual(session.checkpoint(""), { ok: true, value: undefined });
    assert.equal(made[0]?.name, "all");
  } finally {
    tree.close();
  }
});

test("S111: what is kept is not given back while a restore of it is asked for, though others take its label", async () => {
  const provider = new PreallocatedProvider({ arenas: 3, arenaBytes: 4 << 20 });
  const { tree, session, lines, until } = supervised(undefined, undefined, undefined, provider);
  const [child, another] = NAMES as [string, string];
  try {
    await until(child, 2);
    assert.ok(session.checkpointAs(child, "v1").ok);
    const count = lines(child).length;
    assert.ok(session.restore("v1").ok);
    assert.ok(session.checkpointAs(another, "v1").ok);
    assert.ok(session.checkpointAs(another, "y").ok);
    assert.deepEqual(session.checkpointAs(another, "z"), { ok: false, reason: "failed" }, "there is no third arena");
    tree.settle();
    await until(child, count + 2);
    assert.equal(provider.free, 1);
    assert.ok(session.checkpointAs(another, "z").ok);
    assert.ok(session.restore("v1").ok);
    assert.equal(provider.free, 0);
  } finally {
    tree.close();
  }
  assert.equal(provider.free, 3, "given back, though a restore was asked for");
});

test("S111: labels are each client's own, and neither names' nor as many as a client likes", async () => {
  const { tree, session, other, lines, until } = supervised();
  const [child, another] = NAMES as [string, string];
  try {
    await until(child, 2);
    assert.ok(session.checkpoint(child).ok);
    const before = lines(child).length;
    assert.ok(other.checkpointAs(another, child).ok, "another child under the name of this one");
    assert.deepEqual(session.checkpointAs("", "all"), { ok: false, reason: "failed" });
    for (let count = 0; count < LABELS_KEPT; count++) assert.ok(session.checkpointAs(another, `v${count}`).ok);
    assert.deepEqual(session.checkpointAs(another, "more"), { ok: false, reason: "failed" });
    assert.ok(session.checkpointAs(another, "v0").ok, "one that it has");
    assert.ok(session.checkpoint("").ok, "a plain name");
    assert.ok(other.checkpointAs(another, "v0").ok, "another client's");
    assert.deepEqual(other.restore("v1"), { ok: false, reason: "rom-module-does-not-exist" });
    assert.deepEqual(other.restore("controller\0v1"), { ok: false, reason: "rom-module-does-not-exist" });
    assert.ok(session.restore(child).ok);
    tree.settle();
    await until(child, before + 2);
    assert.deepEqual(
      tree.lines.filter((line) => /error/.test(line)),
      [],
    );
  } finally {
    tree.close();
  }
});

test("S111: what a client writes stands in the log as one line of printable text, cut", async () => {
  const { tree, session, until } = supervised();
  try {
    await until("sheep_counter_timer", 1);
    const forged = `x\n[init -> other] forged ${"y".repeat(200)}`;
    assert.deepEqual(session.checkpointAs(forged, forged), { ok: false, reason: "no-such-child" });
    assert.deepEqual(session.checkpointAs("", forged), { ok: false, reason: "failed" });
    tree.settle();
    const [line = "", ...more] = tree.lines.filter((each) => each.includes("forged"));
    assert.deepEqual(more, []);
    assert.ok(line.startsWith('[init -> rtcr] warning: checkpoint "": label "x\\n[init'), line);
    assert.ok(!line.includes("y".repeat(60)), line);
  } finally {
    tree.close();
  }
});

test("S89, S111: a C++ component keeps two checkpoints of a child, and takes it back to the older, and to the newer one, and forgets it", async () => {
  const control = '<config child="sheep_counter_timer" sleep_ms="2500"/>';
  const { tree, made, lines, until } = supervised(undefined, undefined, control);
  try {
    const own = () => tree.lines.filter((line) => line.startsWith("[init -> controller]"));
    for (let step = 0; own().length < 12; step++) {
      assert.ok(step < 2000, tree.lines.slice(-5).join("; "));
      await until("sheep_counter_timer", 0);
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
      tree.advance(STEP_US);
    }
    await until("sheep_counter_timer", lines("sheep_counter_timer").length + 2);
    assert.deepEqual(
      own(),
      [
        ...["older: ok", "newer: ok", "older: ok", "newer: ok", "by its name: rom-module-does-not-exist"],
        ...["a child that there is not: no-such-child", "a label that is none: failed"],
        ...["kept: older, its own", "kept: newer, its own", "forgets the older: ok"],
        ...["forgets it again: rom-module-does-not-exist", "kept: newer, its own"],
      ].map((line) => `[init -> controller] ${line}`),
    );
    assert.deepEqual(
      made.map(({ name }) => name),
      ["older", "newer"],
    );
    const sheep = (from: number, step: 1 | -1) => {
      for (let at = from; at >= 0 && at < tree.lines.length; at += step) {
        const count = /sheep_counter_timer\] (\d+) sheep/.exec(tree.lines[at] ?? "")?.[1];
        if (count !== undefined) return Number(count);
      }
      return 0;
    };
    const [older, newer, back, forth] = tree.lines.flatMap((line, at) =>
      /controller\] (older|newer): ok/.test(line) ? [at] : [],
    );
    const [atOlder, atNewer] = [sheep(older!, -1), sheep(newer!, -1)];
    assert.ok(atNewer > atOlder && atOlder > 0, tree.lines.join("\n"));
    assert.ok(sheep(back!, -1) > atNewer, "it has gone on");
    assert.deepEqual([sheep(back!, 1), sheep(forth!, 1)], [atOlder + 1, atNewer + 1]);
  } finally {
    tree.close();
  }
});

test("S81: the report rtcr_state has the times of each child by the thesis's parts, and when phases began", async () => {
  const worker = '<checkpointable name="ram_dataspaces" xpos="3" ypos="1"/>';
  const inside = `<module name="base" report="yes"/>${worker}<service name="Rtcr"/>${CHILDREN}`;
  const { tree, session, reports, until } = supervised(inside);
  try {
    await until("sheep_counter_timer", 1);
    for (let time = 1; time <= 2; time++) {
      assert.ok(session.checkpoint("").ok);
      tree.settle();
      assert.equal(reports.length, time, tree.lines.join("\n"));
    }
    const report = reports[1] ?? "";
    const label = "init -> rtcr -> rtcr_state: ";
    assert.ok(report.startsWith(label), report);
    const root = readXml(report.slice(label.length));
    assert.equal(root.name, "rtcr_state");
    const children = root.childrenNamed("child");
    assert.deepEqual(
      children.map(({ attributes }) => attributes.get("name")),
      NAMES,
    );
    let sum = 0;
    for (const { attributes } of children) {
      assert.deepEqual([...attributes.keys()], ["name", ...CHECKPOINTABLES]);
      const times = CHECKPOINTABLES.map((part) => Number(attributes.get(part)));
      for (const part of ["cpu_session", "pd_session", "ram_dataspaces"] as const) {
        assert.ok(times[CHECKPOINTABLES.indexOf(part)]! > 0, `${part}: ${report}`);
      }
      sum += times.reduce((all, each) => all + each, 0);
    }
    assert.ok(sum <= Number(root.attributes.get("us")) + 1, report);
    assert.match(report, /<checkpointable name="ram_dataspaces" xpos="3" ypos="1"\/>/);
    const phases = Array.from(report.matchAll(/<phase name="(\w+)" at_us="([\d.]+)"\/>/g));
    assert.deepEqual(
      phases.map(([, name]) => name),
      [...CHECKPOINT_PHASES],
    );
    const times = phases.map(([, , at]) => Number(at));
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  } finally {
    tree.close();
  }
});

test("S76: dataspaces are copied by the worker at the place of <checkpointable>, in the affinity space", async () => {
  const space = '<affinity-space width="2" height="2"/>';
  for (const [before, place, worker] of [
    ["", 'xpos="1"', 0],
    ["", 'xpos="2"', 1],
    [space, 'ypos="1"', 1],
  ] as const) {
    const pool = startNodeCopyPool({ workers: 2, helps: false, patienceMs: 600_000 });
    const places = `${before}<checkpointable name="ram_dataspaces" ${place}/><checkpointable name="rom_session" ${place}/>`;
    const inside = `<checkpoint parallel="yes"/>${places}<service name="Rtcr"/>${CHILDREN}`;
    const { tree, session, until } = supervised(inside, () => pool);
    try {
      await until("sheep_counter_timer", 1);
      assert.ok(session.checkpoint("").ok);
      assert.ok(pool.copiedBy(worker) > 0);
      assert.equal(pool.copied, pool.copiedBy(worker));
    } finally {
      tree.close();
    }
  }
});

test("S75: <checkpoint parallel> starts copy workers before any pause, and its checkpoints are the same", async () => {
  const pools: CopyPool[] = [];
  const startCopyPool = () => {
    const pool = startNodeCopyPool({ workers: 1, helps: false, patienceMs: 600_000 });
    pools.push(pool);
    return pool;
  };
  const nodes = `<module name="base" report="yes"/><service name="Rtcr"/>${CHILDREN}`;
  const { tree, session, supervisor, reports, made, until } = supervised(
    `<checkpoint parallel="yes"/>${nodes}`,
    startCopyPool,
  );
  try {
    assert.equal(pools.length, 1, "with the configuration");
    await until("sheep_counter_timer", 2);
    assert.ok(session.checkpoint("").ok);
    const plain = supervisor.rtcr.checkpoint("all").system.children;
    assert.deepEqual(made[0]!.children, plain);
    assert.ok(pools[0]!.copied > 0, "by the worker");
    tree.settle();
    assert.match(reports[0] ?? "", /<rtcr_state name="all" module="base" parallel="yes" us="[\d.]+" joined_us="/);
    assert.ok(session.restore("").ok);
    await until("sheep_counter_timer", 4);
    assert.equal(pools.length, 1);
  } finally {
    tree.close();
  }
});

test("S75: <checkpoint parallel> where there are no workers copies one after the other, and the report says so", async () => {
  const { tree, session, reports, until } = supervised(
    `<module name="base" report="yes"/><checkpoint parallel="yes"/><service name="Rtcr"/>${CHILDREN}`,
  );
  try {
    await until("sheep_counter_timer", 1);
    assert.ok(session.checkpoint("").ok);
    tree.settle();
    assert.match(reports[0] ?? "", /<rtcr_state name="all" module="base" parallel="no" us="/);
  } finally {
    tree.close();
  }
});
