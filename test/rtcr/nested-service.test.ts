// A supervisor among the children that is asked by its own `Rtcr` session: checkpoints that it keeps, restores that were asked
// of it and its reports are part of the outer checkpoint.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { Connections } from "../../src/native/index.ts";
import {
  type CopyPool,
  type Phase,
  type RepairReport,
  type RtcrComponent,
  type RtcrFault,
  rtcrProgram,
  STRATEGIES,
  type Strategy,
} from "../../src/rtcr/index.ts";
import { startNodeCopyPool } from "../../src/rtcr/index-node.ts";
import {
  type Capability,
  type Env,
  objectOf,
  type PdSession,
  type Quota,
  type RtcrSession,
  type SavedComponent,
  type SessionState,
  type SlotWriter,
} from "../../src/session/index.ts";
import { type CoreSystem, config, start, startSystem } from "../support/core-system.ts";
import { component, throughImage } from "./rig.ts";

const STEP_US = 50_000;
const SHEEP = "sheep_counter_timer";

interface SavedController {
  readonly connections: ReturnType<Connections["state"]>;
  readonly id: number;
}

/** A system whose supervisor keeps another one, of a counter, and a component that has that one's session. */
class Controlled {
  readonly tree: CoreSystem;
  readonly reports: string[] = [];
  /** The outer one first. */
  readonly supervisors: RtcrComponent[] = [];
  readonly outcomes: (readonly RepairReport[] | RtcrFault)[] = [];
  /** Checkpoints that somebody stores are read until these are called. */
  readonly stored: (() => void)[] = [];
  #session: Capability | undefined;

  /**
   * @param pool starts copy workers, which the inner one wants; absent: none does
   * @param stores whether checkpoints that a component asks for are stored
   * @param atPhase of the inner one
   */
  constructor(
    restore?: SystemCheckpoint,
    strategy: Strategy = "direct",
    pool?: () => CopyPool,
    stores = false,
    atPhase: (phase: Phase, system: Controlled) => void = () => {},
  ) {
    let begun = 0;
    const watched = { atPhase: (phase: Phase) => atPhase(phase, this) };
    const restored = (outcome: readonly RepairReport[] | RtcrFault) => this.outcomes.push(outcome);
    const host = {
      begin: () => (begun++ > 0 ? watched : restore ? { restore, strategy, restored } : { restored }),
      began: (began: RtcrComponent) =>
        void (began.env === this.#outer ? this.supervisors.unshift(began) : this.supervisors.push(began)),
      made: (_: RtcrComponent, __: SystemCheckpoint, hold: () => () => void) => {
        if (stores) this.stored.push(hold());
      },
      ended: () => {},
      ...(pool ? { startCopyPool: pool } : {}),
    };
    const program = rtcrProgram(host);
    const parallel = pool ? '<checkpoint parallel="yes"/>' : "";
    const inner = `<config>${parallel}<module name="base" report="yes"/><service name="Rtcr"/><child name="${SHEEP}" quota="8M" caps="300"/></config>`;
    const routed =
      '<route><service name="Rtcr"><child name="inner"/></service><any-service><parent/></any-service></route>';
    const children =
      start(
        "inner",
        `<binary name="rtcr"/><provides><service name="Rtcr"/></provides>${inner}`,
        'caps="2000" ram="40M"',
      ) + start("controller", routed, 'caps="200" ram="4M"');
    this.tree = startSystem({
      config: config(start("rtcr", config(children), 'caps="6000" ram="96M"')),
      binaries: { [SHEEP]: component(SHEEP) },
      natives: {
        rtcr: (env, saved) => {
          this.#outer ??= env;
          return program(env, saved);
        },
        controller: (env, saved) => this.#controller(env, saved),
      },
      reported: (label, report) => this.reports.push(`${label}: ${new TextDecoder().decode(report)}`),
    });
  }

  #outer: Env | undefined;

  #controller(env: Env, again?: SavedComponent) {
    const saved = again && (again.state as unknown as SavedController);
    const connections = new Connections(env, saved && again && { saved: saved.connections, slots: again.slots });
    const events = {
      ready: (given: Capability) => {
        this.#session = given;
      },
      refused: (why: string) => assert.fail(why),
    };
    const request = { service: "Rtcr", label: "", donation: { ram: 8192, caps: 4 } };
    const id = saved?.id ?? connections.open(request, events);
    if (saved) this.#session = connections.resume(id, events);
    const capture = (slots: SlotWriter) => ({ connections: connections.state(slots), id }) as unknown as SessionState;
    return { capture, dispose: () => connections.dispose() };
  }

  get session(): RtcrSession {
    const object = this.#session && objectOf<RtcrSession>(this.#session, "rtcr");
    assert.ok(object, "the session is there");
    return object;
  }

  /** What the controller has for its session. */
  get held(): Capability | undefined {
    return this.#session;
  }

  get outer() {
    return this.supervisors[0]!.rtcr;
  }

  /** What the inner one uses. */
  get used(): Quota {
    const pd = objectOf<PdSession>(this.supervisors[1]!.env.pd, "pd");
    assert.ok(pd);
    return { ram: pd.usedRam(), caps: pd.usedCaps() };
  }

  get lines(): readonly string[] {
    return this.tree.lines.filter((line) => line.startsWith(`[init -> rtcr -> inner -> ${SHEEP}]`));
  }

  /** Lets virtual time pass until the counter has written so many lines. */
  async until(count: number): Promise<void> {
    for (let step = 0; this.lines.length < count; step++) {
      assert.ok(step < 2_000, `the counter logs: ${this.tree.lines.slice(-3).join("; ")}`);
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
      this.tree.advance(STEP_US);
    }
  }
}

for (const strategy of STRATEGIES) {
  test(`S71, S89, S97, S111: what an inner supervisor keeps for its clients goes over with it (${strategy})`, async () => {
    const first = new Controlled();
    await first.until(2);
    assert.ok(first.session.checkpoint(SHEEP).ok);
    const kept = first.lines.length;
    await first.until(kept + 3);
    const expected = first.lines.slice(kept, kept + 2);
    const outer = await throughImage(first.outer.checkpoint("outer").system);
    const next = first.lines.length;
    await first.until(next + 2);
    const goesOn = first.lines.slice(next);
    first.tree.close();
    const second = new Controlled(outer, strategy);
    await second.until(2);
    assert.ok(Array.isArray(second.outcomes[0]), String(second.outcomes[0]));
    assert.deepEqual(second.lines.slice(0, 2), goesOn.slice(0, 2));
    for (let time = 0; time < 2; time++) {
      const now = second.lines.length;
      assert.deepEqual(second.session.restore(SHEEP), { ok: true, value: undefined });
      second.tree.settle();
      await second.until(now + 2);
      assert.deepEqual(second.lines.slice(now, now + 2), expected);
    }
    const reported = second.reports.length;
    assert.ok(second.session.checkpoint(SHEEP).ok, "and it makes others");
    second.tree.settle();
    assert.match(second.reports[reported] ?? "", /^init -> rtcr -> inner -> rtcr_state: <rtcr_state name="sheep/);
    assert.deepEqual(
      second.tree.lines.filter((line) => /error|warning/.test(line)),
      [],
    );
    second.tree.close();
  });

  test(`S97, S111: a restore that was asked of an inner supervisor, and had not begun, is done after the outer one (${strategy})`, async () => {
    const first = new Controlled();
    await first.until(2);
    assert.ok(first.session.checkpointAs(SHEEP, "v1").ok);
    const kept = first.lines.length;
    await first.until(kept + 3);
    const expected = first.lines.slice(kept, kept + 2);
    assert.ok(first.session.restore("v1").ok);
    const outer = await throughImage(first.outer.checkpoint("outer").system);
    first.tree.close();
    const second = new Controlled(outer, strategy);
    await second.until(2);
    assert.deepEqual(second.lines.slice(0, 2), expected);
    assert.ok(second.session.restore("v1").ok, "it has its label still");
    second.tree.close();
  });

  test(`S14, S97, S111: what is forgotten while such a restore is asked for is charged until that has ended (${strategy})`, async () => {
    const first = new Controlled();
    await first.until(2);
    const before = first.used;
    assert.ok(first.session.checkpointAs(SHEEP, "v1").ok);
    assert.ok(first.session.restore("v1").ok);
    const outer = await throughImage(first.outer.checkpoint("outer").system);
    first.tree.close();
    let forgotten: readonly Quota[] = [];
    const second = new Controlled(outer, strategy, undefined, false, (phase, system) => {
      if (phase !== "create") return;
      const { used } = system;
      assert.ok(system.session.forget("v1").ok);
      forgotten = [used, system.used];
    });
    await second.until(2);
    assert.ok(Array.isArray(second.outcomes[0]), String(second.outcomes[0]));
    assert.ok(forgotten.length > 0);
    assert.deepEqual(forgotten[1], forgotten[0]);
    assert.deepEqual(second.used, before, "all of it is given back");
    second.tree.close();
  });
}

test("S4, S106: a session of an inner supervisor ends with it, when it goes back in place without its client", async () => {
  const system = new Controlled();
  await system.until(2);
  const before = system.held;
  assert.ok(before?.valid);
  const { system: inner } = system.outer.checkpoint("inner alone", ["inner"]);
  system.outer.restore(inner);
  system.tree.settle();
  await system.until(system.lines.length + 1);
  assert.ok(Array.isArray(system.outcomes[0]), String(system.outcomes[0]));
  assert.ok(!before.valid, "it denotes nothing any more");
  system.tree.close();
});

for (const strategy of STRATEGIES) {
  test(`S14, S97, S111: what an inner supervisor keeps is charged to it after a restore as before (${strategy})`, async () => {
    const first = new Controlled();
    await first.until(1);
    const without = first.used;
    for (const label of ["v1", "v2"]) assert.ok(first.session.checkpointAs(SHEEP, label).ok);
    const charged = first.used;
    const outer = await throughImage(first.outer.checkpoint("outer").system);
    first.tree.close();
    const second = new Controlled(outer, strategy);
    await second.until(1);
    assert.ok(Array.isArray(second.outcomes[0]), String(second.outcomes[0]));
    assert.deepEqual(second.used, charged);
    for (const label of ["v1", "v2"]) assert.ok(second.session.forget(label).ok);
    assert.deepEqual(second.used, without);
    second.tree.close();
  });
}

/** The inner supervisor as another image has it. */
function changed(system: SystemCheckpoint, change: (kept: { charge?: number }) => void): SystemCheckpoint {
  const other = structuredClone(system) as typeof system;
  const inner = other.children.find(({ name }) => name === "inner");
  const { program } = inner!.pd.instance as unknown as { program: { kept: { charge?: number }[] } };
  change(program.kept[0]!);
  return other;
}

test("S14, S111: what was kept before there were charges is charged when it is taken up", async () => {
  const first = new Controlled();
  await first.until(1);
  assert.ok(first.session.checkpointAs(SHEEP, "v1").ok);
  const { system } = first.outer.checkpoint("outer");
  first.tree.close();
  const second = new Controlled(changed(system, (kept) => delete kept.charge));
  await second.until(1);
  assert.ok(Array.isArray(second.outcomes[0]), String(second.outcomes[0]));
  const { used } = second;
  const kept = second.session.kept(0);
  assert.ok(kept.ok && kept.value.bytes > 0);
  assert.ok(second.session.forget("v1").ok);
  assert.equal(second.used.ram, used.ram - kept.value.bytes);
  second.tree.close();
});

test("S14, S111: who goes on from a checkpoint is not charged for what was only read still", async () => {
  const first = new Controlled(undefined, "direct", undefined, true);
  await first.until(2);
  assert.ok(first.session.checkpoint(SHEEP).ok);
  assert.ok(first.session.checkpoint(SHEEP).ok, "it replaces one that is being stored");
  const { ram } = first.used;
  const storing = await throughImage(first.outer.checkpoint("outer").system);
  for (const stored of first.stored) stored();
  assert.ok(first.used.ram < ram, "its storage is given back");
  const all = await throughImage(first.outer.checkpoint("outer").system);
  first.tree.close();
  const used: Quota[] = [];
  for (const system of [storing, all]) {
    const again = new Controlled(system);
    await again.until(1);
    assert.ok(Array.isArray(again.outcomes[0]), String(again.outcomes[0]));
    used.push(again.used);
    assert.deepEqual(again.session.forget(SHEEP), { ok: true, value: undefined });
    again.tree.close();
  }
  assert.deepEqual(used[0], used[1]);
});

test("S111, F9: a kept checkpoint that is not charged for what it holds is refused", async () => {
  const first = new Controlled();
  await first.until(1);
  assert.ok(first.session.checkpointAs(SHEEP, "v1").ok);
  const { system } = first.outer.checkpoint("outer");
  first.tree.close();
  for (const [charge, why] of [
    [0, /of \d+ bytes is charged by a dataspace of 0/],
    [1, /slot 1|charged by/],
    [1e6, /slot 1000000|charged by/],
  ] as const) {
    const second = new Controlled(
      changed(system, (kept) => {
        kept.charge = charge;
      }),
    );
    assert.match(String(second.outcomes[0]), why);
    second.tree.close();
  }
});

test("S111, F9: checkpoints that an inner supervisor keeps under what can be no name or label are refused", async () => {
  const first = new Controlled();
  await first.until(1);
  assert.ok(first.session.checkpoint(SHEEP).ok);
  const { system } = first.outer.checkpoint("outer");
  first.tree.close();
  const again: Readonly<Record<string, RegExp>> = {
    [SHEEP]: /it is there twice/,
    ["x".repeat(65)]: /expected at most 64 characters/,
    "controller\0../x": /expected 1 to 64 of A-Z/,
    "controller\0all": /what checkpoints of all children are called/,
  };
  for (const [name, why] of Object.entries(again)) {
    const forged = structuredClone(system) as typeof system;
    const inner = forged.children.find((child) => child.name === "inner");
    const { program } = inner!.pd.instance as unknown as { program: { kept: { name: string; checkpoint: unknown }[] } };
    program.kept.push({ name, checkpoint: program.kept[0]!.checkpoint });
    const second = new Controlled(forged);
    assert.match(String(second.outcomes[0]), why);
    second.tree.close();
  }
});

test("S75, F9: copy workers end with an inner supervisor whose state is refused", async () => {
  const pools: CopyPool[] = [];
  const startPool = () => {
    const pool = startNodeCopyPool({ workers: 1, helps: false });
    pools.push(pool);
    return pool;
  };
  const first = new Controlled(undefined, "direct", startPool);
  await first.until(1);
  const { system } = first.outer.checkpoint("outer");
  first.tree.close();
  const forged = structuredClone(system) as typeof system;
  const inner = forged.children.find(({ name }) => name === "inner");
  assert.ok(inner);
  const { program } = inner.pd.instance as unknown as { program: { rtcr: { upward?: unknown } } };
  assert.ok(program.rtcr.upward);
  delete program.rtcr.upward; // what comes after the configuration
  const second = new Controlled(forged, "direct", startPool);
  assert.match(String(second.outcomes[0]), /restore of "inner": the state of "rtcr"/);
  assert.ok(pools.length > 1, "its configuration had begun others");
  second.tree.close();
  assert.deepEqual(
    pools.filter(({ living }) => living > 0),
    [],
  );
});
