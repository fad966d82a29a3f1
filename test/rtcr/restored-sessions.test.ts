// Sessions after a restore: whom an interposer tells is known to an inner supervisor, too, and a session is taken in at who
// served it, or not at all.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rtcr, RtcrFault, RtcrPd, RtcrReport, STRATEGIES } from "../../src/rtcr/index.ts";
import { required } from "../../src/util/index.ts";
import { supervisor, TIMER } from "./nested.ts";
import { type ChildSpec, Rig, type RigOptions, throughImage } from "./rig.ts";

const SESSION = 200;
const INNER: RigOptions = { children: [supervisor("inner", TIMER)], programs: ["sheep_counter_timer"] };

test("S62, S106: an inner supervisor still knows after a restore of it whom a child has told of responses to its report", async () => {
  const first = new Rig(INNER);
  await first.run(120);
  const pdOf = (rtcr: Rtcr | undefined) => required(rtcr?.child("timer")?.of(RtcrPd)[0], "its PD");
  const pd = pdOf(first.inner[0]);
  const opened = pd.parent?.session(SESSION, "Report", 'ram_quota=20K, cap_quota=3, label="r", buffer_size=4K');
  assert.ok(opened?.ok);
  const source = pd.allocSignalSource();
  assert.ok(source.ok);
  const context = pd.allocContext(source.value, 7);
  assert.ok(context.ok);
  const [report] = required(first.inner[0]?.child("timer"), "the child").of(RtcrReport);
  report?.responseSigh(context.value);
  const handlerOf = (rtcr: Rtcr | undefined) => {
    const [child] = required(rtcr, "the inner one").checkpoint("own").system.children;
    const made = required(
      child?.pd.signalContexts.find(({ imprint }) => imprint === 7),
      "the context",
    );
    assert.equal(child?.reports[0]?.handlerBadge, made.badge);
  };
  handlerOf(first.inner[0]);
  const system = await throughImage(first.rtcr.checkpoint("outer").system);
  first.close();
  const second = new Rig({ ...INNER, restore: system });
  second.tree.settle();
  assert.ok(Array.isArray(second.outcomes[0]), String(second.outcomes[0]));
  handlerOf(second.inner[0]);
  second.close();
});

/** A client of one of two servers. */
function clientOf(chosen: string): readonly ChildSpec[] {
  const provides = '<provides><service name="Adder"/></provides>';
  const servers = ["first", "second"].map((name) => ({ name, binary: "adder_server", inside: provides }));
  const route = `<route><service name="Adder"><child name="${chosen}"/></service><any-service><parent/></any-service></route>`;
  return [...servers, { name: "client", binary: "adder_client", inside: `${route}<config numbers="400"/>` }];
}

for (const strategy of STRATEGIES) {
  test(`S96: a session whose route leads to another child than who served it is refused by name (${strategy})`, async () => {
    const first = new Rig({ children: clientOf("first"), exits: 1 });
    while (!first.rtcr.child("client")?.foreign.some(({ server }) => server === "first")) {
      assert.ok(await first.run(first.points + 20));
    }
    const { system } = first.rtcr.checkpoint("taken");
    first.close();
    for (const chosen of ["first", "second"]) {
      const again = new Rig({ children: clientOf(chosen), exits: 1, strategy, restore: system });
      for (let turn = 0; again.outcomes.length === 0; turn++) {
        assert.ok(turn < 10_000, "the restore ends");
        await new Promise((resolve) => setImmediate(resolve));
        again.tree.advance(1_000);
      }
      const [outcome] = again.outcomes;
      if (chosen === "first") assert.ok(Array.isArray(outcome), String(outcome));
      else {
        assert.ok(outcome instanceof RtcrFault && outcome.code === "refused", String(outcome));
        assert.match(outcome.message, /Adder session \d+ at "first": its route leads to child "second" now$/);
      }
      again.close();
    }
  });
}
