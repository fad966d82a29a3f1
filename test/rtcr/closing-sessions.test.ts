// Sessions between children that are restored while they are opened, used and closed: client and server see what they would
// have seen, whatever the point. A server that is restored without its clients is told that their sessions are closed.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { textWords } from "./driver.ts";
import { Pair, requests, type Scene, withRequests } from "./pair.ts";

const SESSION = 200;
const ARGS = 'ram_quota=16K, cap_quota=3, label="x"';
const CLOSED = 1;

/** What a can do with a session at b, and b with the request: each as one call. */
const STEPS = {
  open: (scene) =>
    scene.call("a", "parent", "session", [SESSION, ...textWords("Slow"), ...textWords(ARGS), 0, 0, 0, 0]),
  "pick up": (scene) => scene.call("a", "parent", "session_cap", [SESSION]),
  upgrade: (scene) => scene.call("a", "parent", "upgrade", [SESSION, ...textWords("ram_quota=4K")]),
  close: (scene) => scene.call("a", "parent", "close", [SESSION]),
  deliver: (scene) => scene.call("b", "parent", "deliver_session_cap", [1], [scene.slot("b", "rpc-object")]),
  upgraded: (scene) => scene.call("b", "parent", "session_response", [1, 0]),
  closed: (scene) => scene.call("b", "parent", "session_response", [1, CLOSED]),
  "end of the object": (scene) => scene.call("b", "pd", "free_rpc_cap", [], [scene.slot("b", "rpc-object")]),
  "b looks": (scene) => scene.call("b", "rom", "update"),
} satisfies Record<string, (scene: Scene) => Promise<void>>;
type Step = keyof typeof STEPS;

/** Whoever waits is answered, then a opens the session anew, under its number. */
const LIVES: readonly (readonly Step[])[] = [
  ["open", "close", "deliver", "closed", "open"],
  ["open", "close", "b looks", "closed", "open"],
  ["open", "deliver", "close", "closed", "open"],
  ["open", "deliver", "pick up", "close", "b looks", "closed", "open"],
  ["open", "deliver", "pick up", "close", "end of the object", "closed", "open"],
  ["open", "deliver", "pick up", "closed", "pick up", "close", "open"],
  ["open", "deliver", "closed", "pick up", "open"],
  ["open", "closed", "pick up", "open"],
  ["open", "deliver", "pick up", "upgrade", "close", "closed", "open"],
  ["open", "deliver", "pick up", "upgrade", "upgraded", "close", "closed", "open"],
];

/** What both see of the module after b has looked at it. */
async function compareRequests(scene: Scene): Promise<string> {
  await scene.call("b", "rom", "dataspace");
  const [plain, interposed] = scene.pair.sides.map(({ tree }) => requests(tree));
  assert.ok(plain?.startsWith("<session_requests"));
  assert.equal(interposed, plain);
  return plain ?? "";
}

for (const strategy of STRATEGIES) {
  for (const life of LIVES) {
    test(`S55, S62, S96: ${life.join(", ")}: and a restore after each (${strategy})`, async () => {
      const pair = new Pair(strategy, true);
      try {
        const scene = await withRequests(pair);
        for (const step of life) {
          await STEPS[step](scene);
          await pair.checkpoint();
        }
        assert.match(await compareRequests(scene), /<create id="2" service="Slow"/);
        await scene.call("a", "parent", "session_cap", [SESSION]);
      } finally {
        pair.close();
      }
    });
  }

  for (const [what, steps, expected] of [
    ["was only asked for", ["open"], /<create id="1" service="Slow"/],
    ["is there", ["open", "deliver", "pick up"], /<close id="1"\/>/],
    ["is being closed", ["open", "deliver", "pick up", "close"], /<close id="1"\/>/],
  ] as const) {
    test(`S55, S96: a server restored without the client of a session that ${what} is asked to close it (${strategy})`, async () => {
      const pair = new Pair(strategy, true);
      try {
        const scene = await withRequests(pair);
        for (const step of steps) await STEPS[step](scene);
        let system: SystemCheckpoint | undefined;
        await pair.supervised((rtcr) => {
          system = rtcr.checkpoint("b alone", ["b"]).system;
        });
        for (const side of pair.sides) await side.keep(["b"]);
        await pair.supervised((rtcr) => rtcr.restore(system!));
        assert.match(await compareRequests(scene), expected);
        await STEPS.deliver(scene);
        await STEPS.closed(scene);
        assert.match(await compareRequests(scene), /^<session_requests *\/>\s*$/);
      } finally {
        pair.close();
      }
    });
  }
}
