// What random calls with restores in between (differential.test.ts) have found, each as the fewest calls that show it:
// objects of one child that another one knows, and objects that outlive what they were made with.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rtcr, RtcrReport, STRATEGIES } from "../../src/rtcr/index.ts";
import { type Capability, ENV_SESSION, type Env, type SignalContext } from "../../src/session/index.ts";
import { callOf, Drivers, FUNCTION, MAILBOXES, textWords } from "./driver.ts";
import { Pair, prepare, Scene } from "./pair.ts";

const CASES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  "a signal context whose source was freed, and one of the next source": async (scene) => {
    const { pair } = scene;
    await scene.call("a", "pd", "alloc_signal_source");
    await scene.call("a", "pd", "alloc_context", [7], [scene.slot("a", "signal-source")]);
    const orphan = scene.slot("a", "signal-context");
    await scene.call("a", "pd", "free_signal_source", [], [scene.slot("a", "signal-source")]);
    await pair.checkpoint();
    await scene.call("a", "pd", "alloc_signal_source");
    const source = scene.slot("a", "signal-source");
    await scene.call("a", "pd", "alloc_context", [8], [source]);
    const context = scene.slot("a", "signal-context");
    await pair.checkpoint();
    await scene.call("a", "pd", "submit", [3], [orphan]);
    await scene.call("a", "pd", "submit", [1], [context]);
    await pair.checkpoint();
    await scene.call("a", "signal-source", "wait_for_signal");
    assert.deepEqual(scene.result("a").words.slice(0, 3), [0, 8, 1], "that of the first source has no effect");
    await scene.call("a", "pd", "free_context", [], [orphan]);
  },
  "a resource request that was not granted": async (scene) => {
    await scene.call("a", "pd", "alloc_signal_source");
    await scene.call("a", "pd", "alloc_context", [7], [scene.slot("a", "signal-source")]);
    await scene.call("a", "parent", "resource_avail_sigh", [], [scene.slot("a", "signal-context")]);
    const request = textWords("ram_quota=64K");
    await scene.call("a", "parent", "resource_request", request);
    const { lines } = scene.pair.plain.tree;
    assert.equal(lines.at(-1), '[init -> rtcr] child "a" requests resources: ram_quota=64K');
    await scene.pair.checkpoint();
    await scene.call("a", "parent", "resource_request", request); // is known
    await scene.call("a", "signal-source", "wait_for_signal"); // there is none: nothing has come
    await scene.pair.checkpoint();
  },
  "a report buffer of b in the hands of a": async (scene) => {
    await scene.call("b", "report", "dataspace");
    await scene.give("b", scene.slot("b", "dataspace"), "a");
    await scene.pair.checkpoint();
    await scene.call("a", "dataspace", "size");
    assert.deepEqual(scene.result("a").words.slice(0, 2), [0, 4096]);
  },
  "an RPC object of a that b serves": async (scene) => {
    await scene.give("b", scene.slot("b", "cpu-thread"), "a"); // the newest of b: it serves
    await scene.call("a", "pd", "alloc_rpc_cap", [], [scene.slot("a", "cpu-thread")]);
    await scene.pair.checkpoint();
    await scene.rpc("a", scene.slot("a", "rpc-object"), 0, 41);
    assert.deepEqual(scene.result("a").words.slice(0, 1), [42]);
  },
  "an RPC object whose thread was killed, and another thread that has got its number": async (scene) => {
    const { pair } = scene;
    const make = async () => {
      await scene.call("a", "cpu", "create_thread", [1, 0x74, 0, 0, 0, 0, 10, 0], [scene.slot("a", "pd")]);
      return scene.slot("a", "cpu-thread");
    };
    const badge = () => pair.sides[1].component("a")!.table.lookup(scene.slot("a", "cpu-thread")).badge;
    const thread = await make();
    const old = badge();
    await scene.call("a", "pd", "alloc_rpc_cap", [], [thread]);
    const object = scene.slot("a", "rpc-object");
    await scene.call("a", "cpu", "kill_thread", [], [thread]);
    for (let i = 0; i < 400; i++) {
      const again = await make();
      if (badge() === old) break;
      await scene.call("a", "cpu", "kill_thread", [], [again]);
      await pair.both("forget", (side) =>
        side.order("a", MAILBOXES[0], { order: "cap_release", words: [again, 0, 0] }),
      );
    }
    assert.equal(badge(), old);
    await scene.call("a", "cpu-thread", "start", [FUNCTION.drive, MAILBOXES[3]]);
    await pair.checkpoint();
    await scene.rpc("a", object, 0, 41);
    assert.notEqual(scene.result("a").result, 0, "there is no thread");
  },
  "a thread that goes in single steps": async (scene) => {
    const { pair } = scene;
    await scene.call("a", "parent", "upgrade", [ENV_SESSION.cpu, ...textWords("ram_quota=4K, cap_quota=1")]);
    const before = pair.plain.slots("a");
    await scene.call("a", "cpu", "create_thread", [1, 0x74, 0, 0, 0, 0, 10, 0], [scene.slot("a", "pd")]);
    const thread = [...pair.plain.slots("a").keys()].find((slot) => !before.has(slot)) ?? 0;
    /** What it does, and how often it was stopped. */
    const state = async () => {
      await scene.call("a", "native-cpu", "thread_state", [], [thread]);
      const [, ...words] = scene.result("a").words;
      const text = String.fromCharCode(...new Uint8Array(new Uint32Array(words.slice(1, 3)).buffer));
      return [text.slice(0, words[0]), words[4]];
    };
    await scene.on("a", thread, "cpu-thread", "single_step", [1]);
    await scene.on("a", thread, "cpu-thread", "start", [FUNCTION.drive, MAILBOXES[3]]);
    await pair.both("a yields", (side) => side.order("a", MAILBOXES[3], { order: "yield", words: [0, 0, 0] }));
    for (let step = 1; step <= 3; step++) {
      assert.deepEqual(await state(), ["faulted", step]);
      await pair.checkpoint();
      await scene.on("a", thread, "cpu-thread", "resume");
    }
    await scene.on("a", thread, "cpu-thread", "single_step", [0]);
    await pair.checkpoint();
    await scene.on("a", thread, "cpu-thread", "resume");
    assert.equal((await state())[0], "blocked", "it goes on without");
  },
};

for (const strategy of STRATEGIES) {
  for (const [what, run] of Object.entries(CASES)) {
    test(`S2, S62, S94: after a restore as ever: ${what} (${strategy})`, async () => {
      const pair = new Pair(strategy, true);
      try {
        await prepare(pair);
        await run(new Scene(pair));
      } finally {
        pair.close();
      }
    });
  }
}

test("S62, S97: who is told of responses to a report is told by the session that a restore opens", async () => {
  const told: Capability<SignalContext>[] = [];
  class WatchedReport extends RtcrReport {
    override responseSigh(context: Capability<SignalContext>): void {
      told.push(context);
      super.responseSigh(context);
    }
  }
  let rtcr: Rtcr | undefined;
  const outcomes: unknown[] = [];
  const side = new Drivers((env: Env) => {
    rtcr = new Rtcr(env, {
      interposers: { report: (context, opened) => new WatchedReport(context, opened) },
      restored: (outcome) => outcomes.push(outcome),
    });
    return rtcr;
  });
  const call = (kind: string, name: string, words: readonly number[] = [], slots: readonly string[] = []) => {
    const command = callOf(
      side.slotOf("a", kind),
      kind,
      name,
      words,
      slots.map((each) => side.slotOf("a", each)),
    );
    return side.order("a", MAILBOXES[0], command);
  };
  await side.order("a", MAILBOXES[0], { order: "parent", words: [0, 0, 0] });
  const report = [...textWords("Report"), ...textWords('ram_quota=20K, cap_quota=3, label="r", buffer_size=4K')];
  await call("parent", "session_cap", [1]);
  await call("parent", "session", [100, ...report, 0, 0, 0, 0]);
  await call("pd", "alloc_signal_source");
  await call("pd", "alloc_context", [7], ["signal-source"]);
  await call("report", "response_sigh", [], ["signal-context"]);
  const context = () => side.component("a")?.table.lookup(side.slotOf("a", "signal-context"));
  assert.deepEqual(told, [context()]);
  const { system } = rtcr!.checkpoint("now", ["a"]);
  assert.equal(system.children[0]?.reports[0]?.handlerBadge, context()?.badge);
  rtcr!.restore(system);
  await side.rest();
  assert.ok(Array.isArray(outcomes[0]), String(outcomes[0]));
  assert.deepEqual(told.slice(1), [context()]);
  assert.ok(told[1]?.valid);
  side.close();
});
