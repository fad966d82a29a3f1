// Upgrades of sessions over a restore: paid once, by whoever paid for them, and refused by name where they cannot be.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { Rtcr, STRATEGIES } from "../../src/rtcr/index.ts";
import { ENV_SESSION } from "../../src/session/index.ts";
import { required } from "../../src/util/index.ts";
import { BOOTSTRAP_SESSION, Drivers, textWords } from "./driver.ts";
import { Pair, prepare, Scene } from "./pair.ts";

const MORE = textWords("ram_quota=12K, cap_quota=3");

for (const strategy of STRATEGIES) {
  test(`S66, S97: sessions that were upgraded are upgraded once (${strategy})`, async () => {
    const pair = new Pair(strategy, true, { bootstraps: true });
    try {
      const scene = new Scene(pair);
      await prepare(pair);
      for (const id of [ENV_SESSION.cpu, ENV_SESSION.log, ENV_SESSION.binary, BOOTSTRAP_SESSION, 101]) {
        await scene.call("a", "parent", "upgrade", [id, ...MORE]);
        await scene.call("a", "parent", "upgrade", [id, ...MORE]);
      }
      for (let time = 0; time < 2; time++) await pair.checkpoint();
    } finally {
      pair.close();
    }
  });
}

test("S66, S106: an upgrade that cannot be paid here refuses the restore by the session's name", async () => {
  const pair = new Pair();
  try {
    const scene = new Scene(pair);
    await prepare(pair);
    for (const id of [ENV_SESSION.cpu, 100]) await scene.call("a", "parent", "upgrade", [id, ...MORE]);
    let system: SystemCheckpoint | undefined;
    await pair.supervised((rtcr) => {
      system = rtcr.checkpoint("upgraded").system;
    });
    const { children, ...rest } = required(system, "a checkpoint");
    const more = { upgradeArgs: "ram_quota=64M, cap_quota=3" };
    const forged = (change: (child: (typeof children)[number]) => object) => {
      const outcomes: unknown[] = [];
      const restore = { ...rest, children: children.map((child) => ({ ...child, ...change(child) })) };
      const side = new Drivers((env) => new Rtcr(env, { restore, restored: (outcome) => outcomes.push(outcome) }));
      side.close();
      return outcomes.map(String);
    };
    assert.deepEqual(
      forged(({ timers }) => ({ timers: timers.map((timer) => ({ ...timer, ...more })) })),
      ['RtcrFault: restore of "a": the upgrade of Timer session 100 by ram_quota=67108864, cap_quota=3: out-of-ram'],
    );
    assert.deepEqual(
      forged(({ cpu }) => ({ cpu: { ...cpu, ...more } })),
      ['RtcrFault: restore of "a": the upgrade of CPU session 2 by ram_quota=67108864, cap_quota=3: out-of-ram'],
    );
  } finally {
    pair.close();
  }
});
