// Servers that live on what their clients have donated are restored with it: before their objects are made. Whatever comes
// of the restore, the quotas balance.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { RESTORE_PHASES, Rtcr, RtcrFault, type RtcrOptions, STRATEGIES } from "../../src/rtcr/index.ts";
import type { Env } from "../../src/session/index.ts";
import { required } from "../../src/util/index.ts";
import { Drivers, GUESTS, type Guest, textWords } from "./driver.ts";
import { Pair, prepare, Scene } from "./pair.ts";

const SERVICES = { a: "Back", b: "Slow" };
const GIVING = { services: SERVICES, bootstraps: true };
const SESSION = 200;
const CLOSED = 1;
/** More than b has of its own is what it donates to a: out of what a donates to it. */
const [TO_B, MORE_TO_B, TO_A] = ["ram_quota=500K, cap_quota=20", "ram_quota=40K, cap_quota=4", "ram_quota=1600K"];

/** What each leaves of its quota, at most: less than it has been donated. */
const LEFT = { ram: 8 << 10, caps: 10 };

function availableOf({ tree: { core } }: Drivers, guest: Guest) {
  const label = `init -> rtcr -> ${guest}`;
  const pd = required(
    [...core.pds].find((each) => each.label === label),
    guest,
  );
  return { ram: pd.ramQuota() - pd.usedRam(), caps: pd.capQuota() - pd.usedCaps() };
}

async function open(scene: Scene, [client, server]: readonly [Guest, Guest], quota: string): Promise<void> {
  const args = [SESSION, ...textWords(SERVICES[server]), ...textWords(`${quota}, label="x"`), 0, 0, 0, 0];
  await scene.call(client, "parent", "session", args);
  await scene.call(server, "parent", "deliver_session_cap", [1], [scene.slot(server, "rpc-object")]);
  await scene.call(client, "parent", "session_cap", [SESSION]);
}

/** Each guest has a session at the other, and both have used up all that they have. */
async function begin(pair: Pair): Promise<Scene> {
  const scene = new Scene(pair);
  await prepare(pair);
  await open(scene, ["a", "b"], TO_B);
  await open(scene, ["b", "a"], `${TO_A}, cap_quota=1`);
  await scene.call("a", "parent", "upgrade", [SESSION, ...textWords(MORE_TO_B)]);
  await scene.call("b", "parent", "session_response", [1, 0]);
  for (const guest of GUESTS) {
    const left = () => availableOf(pair.plain, guest);
    await scene.call(guest, "pd", "alloc", [(left().ram - LEFT.ram) & ~4095, 0]);
    const thread = scene.slot(guest, "cpu-thread");
    for (let i = left().caps; i > LEFT.caps; i--) await scene.call(guest, "pd", "alloc_rpc_cap", [], [thread]);
    assert.ok(left().ram < 2 * LEFT.ram && left().caps <= LEFT.caps, `${guest} has used what it was given`);
  }
  return scene;
}

/** Quotas of all PDs, by their labels. */
const accounts = ({ tree: { core } }: Drivers) =>
  Array.from(core.pds, (pd) => [pd.label, pd.ramQuota(), pd.usedRam(), pd.capQuota(), pd.usedCaps()]);

function supervised(options: RtcrOptions) {
  const outcomes: unknown[] = [];
  let rtcr: Rtcr | undefined;
  const keeper = (env: Env) => (rtcr = new Rtcr(env, { ...options, restored: (outcome) => outcomes.push(outcome) }));
  const side = new Drivers(keeper, GIVING);
  return { side, outcomes, again: () => required(rtcr, "a supervisor").checkpoint("again").system };
}

/** How sessions at siblings were opened, and what they were upgraded by. */
const openedOf = ({ children }: SystemCheckpoint) =>
  children.map(({ foreign }) =>
    foreign.map(({ service, creationArgs, upgradeArgs }) => [service, creationArgs, upgradeArgs]),
  );

/** Both guests as `begin` leaves them, and the accounts that there are then. */
async function checkpointed(): Promise<{ readonly system: SystemCheckpoint; readonly before: unknown }> {
  const pair = new Pair(undefined, false, GIVING);
  try {
    await begin(pair);
    let system: SystemCheckpoint | undefined;
    await pair.supervised((rtcr) => {
      system = rtcr.checkpoint("before").system;
    });
    return { system: required(system, "a checkpoint"), before: accounts(pair.sides[1]) };
  } finally {
    pair.close();
  }
}

for (const strategy of STRATEGIES) {
  test(`S57, S89, S97: servers that have used their clients' donations are restored in place (${strategy})`, async () => {
    const pair = new Pair(strategy, true, GIVING);
    try {
      const scene = await begin(pair);
      const before = accounts(pair.sides[1]);
      for (let time = 0; time < 2; time++) {
        await pair.checkpoint();
        assert.deepEqual(accounts(pair.sides[1]), before);
      }
      await scene.call("a", "parent", "close", [SESSION]);
      await scene.call("b", "parent", "session_response", [1, CLOSED]);
    } finally {
      pair.close();
    }
  });

  test(`S57, S97: servers that have used their clients' donations are restored in another supervisor (${strategy})`, async () => {
    const { system, before } = await checkpointed();
    const { side, outcomes, again } = supervised({ strategy, restore: system });
    await side.rest();
    assert.ok(Array.isArray(outcomes[0]), String(outcomes[0]));
    assert.deepEqual(accounts(side), before);
    assert.match(JSON.stringify(openedOf(system)), /"Slow","[^"]*(\\"[^"]*)*","ram_quota=40960, cap_quota=4"/);
    assert.deepEqual(openedOf(again()), openedOf(system));
    side.close();
  });
}

test("S96, S97: a server that has used the donation of a client that is not restored has it until it has closed the session", async () => {
  const pair = new Pair("direct", true);
  try {
    const scene = new Scene(pair);
    await prepare(pair);
    await open(scene, ["a", "b"], TO_B);
    await scene.call("b", "pd", "alloc", [(availableOf(pair.plain, "b").ram - LEFT.ram) & ~4095, 0]);
    let system: SystemCheckpoint | undefined;
    await pair.supervised((rtcr) => {
      system = rtcr.checkpoint("b alone", ["b"]).system;
    });
    for (const side of pair.sides) await side.keep(["b"]);
    const before = accounts(pair.sides[1]);
    await pair.supervised((rtcr) => rtcr.restore(required(system, "a checkpoint")));
    assert.deepEqual(accounts(pair.sides[1]), before);
    await scene.call("b", "pd", "free", [], [scene.slot("b", "dataspace")]);
    await scene.call("b", "parent", "session_response", [1, CLOSED]);
  } finally {
    pair.close();
  }
});

test("S97, S106: a restore that is refused leaves the quotas of donations where they were", async () => {
  const { system } = await checkpointed();
  const empty = supervised({}).side;
  await empty.keep([]);
  const plain = accounts(empty);
  empty.close();
  for (const at of RESTORE_PHASES.slice(RESTORE_PHASES.indexOf("objects"))) {
    const { side, outcomes } = supervised({
      restore: system,
      atPhase: (phase) => {
        if (phase === at) throw new RtcrFault("refused", at, {});
      },
    });
    await side.rest();
    assert.deepEqual(outcomes.map(String), [`RtcrFault: ${at}`]);
    await side.keep([]);
    assert.deepEqual(accounts(side), plain, at);
    side.close();
  }
});

test("S57, S106: donations that a client cannot make here are refused by name", async () => {
  const { system } = await checkpointed();
  const children = system.children.map((child) => ({
    ...child,
    foreign: child.foreign.map((info) => ({ ...info, creationArgs: 'ram_quota=64M, label="x"' })),
  }));
  const { side, outcomes } = supervised({ restore: { ...system, children } });
  await side.rest();
  const message = 'restore of "a": what it and the others have donated to each other: out-of-ram';
  assert.deepEqual(outcomes.map(String), [`RtcrFault: ${message}`]);
  side.close();
});
