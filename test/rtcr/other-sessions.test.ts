// Sessions that are there when a child is restored and that it did not have, or that were others under their numbers: those
// of its bootstrap, and those that a WASI program has had opened when it was loaded. They are closed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rtcr, RtcrTerminal, RtcrTimer } from "../../src/rtcr/index.ts";
import { BOOTSTRAP_SESSION, textWords } from "./driver.ts";
import { Pair, prepare, Scene } from "./pair.ts";
import { continued, type RigOptions, undisturbed } from "./rig.ts";

const CLOSE = (scene: Scene) => scene.call("a", "parent", "close", [BOOTSTRAP_SESSION]);
const open = (scene: Scene, service: string, args: string) =>
  scene.call("a", "parent", "session", [BOOTSTRAP_SESSION, ...textWords(service), ...textWords(args), 0, 0, 0, 0]);

/** What the child has made of the session that its bootstrap has opened. */
const LATER: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  "was closed": CLOSE,
  "is one of another service": async (scene) => {
    await CLOSE(scene);
    await open(scene, "RM", 'ram_quota=64K, cap_quota=6, label=""');
  },
  "is another of the service": async (scene) => {
    await CLOSE(scene);
    await open(scene, "Timer", 'ram_quota=16K, cap_quota=3, label="other"');
  },
};

for (const [what, later] of Object.entries(LATER)) {
  test(`S84, S97: a bootstrap opens a session that ${what} when it was recorded`, async () => {
    const pair = new Pair("bootstrap", true, { bootstraps: true });
    try {
      const scene = new Scene(pair);
      await prepare(pair);
      await later(scene);
      for (let time = 0; time < 2; time++) await pair.checkpoint();
      await scene.call("a", "parent", "session_cap", [BOOTSTRAP_SESSION]);
      await open(scene, "LOG", 'ram_quota=8K, cap_quota=2, label="x"'); // the number is free, or it is not
      await pair.checkpoint();
    } finally {
      pair.close();
    }
  });
}

const WITHOUT = (...services: string[]) =>
  `<route>${services.map((name) => `<service name="${name}"><child name="nobody"/></service>`).join("")}
    <any-service><parent/></any-service></route>`;

test("S88, S97: a WASI program has the sessions that it had, whatever more it was given when it was loaded", async () => {
  const options: RigOptions = { children: [{ name: "memory64", inside: WITHOUT("Timer", "Terminal") }] };
  const { lines, points } = await undisturbed(options);
  const point = Math.floor(points / 2);
  let found: readonly number[] = [];
  const elsewhere = {
    children: [{ name: "memory64" }],
    restoredIn: (rtcr: Rtcr) => {
      const child = rtcr.child("memory64");
      found = [child?.of(RtcrTimer).length ?? 0, child?.of(RtcrTerminal).length ?? 0];
    },
  };
  assert.deepEqual(await continued(options, point, elsewhere), lines);
  assert.deepEqual(found, [0, 0]);
});
