// Stack repair of strategy A, counted in bytes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type RepairReport, RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import { continued, Rig, throughImage, undisturbed } from "./rig.ts";

const inside = '<config turns="4" iterations="20"/>';

/** The repairs of a child that is stopped in the middle of its turns and restored by a bootstrap. */
async function repairs(
  name: string,
): Promise<{ readonly reports: readonly RepairReport[]; readonly recorded: number }> {
  const options = { children: [{ name, inside }], strategy: "bootstrap" as const };
  const { points, bootstrapped } = await undisturbed(options);
  const first = new Rig(options);
  await first.run(bootstrapped + Math.floor((points - bootstrapped) / 2));
  const system = await throughImage(first.rtcr.checkpoint("stack").system);
  first.close();
  const second = new Rig({ ...options, restore: system });
  await second.run();
  const [outcome] = second.outcomes;
  second.close();
  assert.ok(outcome && !(outcome instanceof RtcrFault), String(outcome));
  return { reports: outcome, recorded: system.children[0]!.cpu.threads.find((t) => t.name === "ep")!.stackPointer };
}

test("S98-S100: exactly the bytes between the two stack pointers of ep are repaired, and a larger stack costs more", async () => {
  const small = await repairs("stack_counter");
  const large = await repairs("large_stack_counter");
  const ep = ({ reports }: typeof small) => reports.find(({ thread }) => thread === "ep")!;
  const [few, many] = [ep(small), ep(large)];
  assert.ok(few.repaired > 0 && few.repaired < 4096, `${few.repaired} bytes`);
  // 31,650 counters of 16 bits lie on the stack of large_stack_counter and not on the other's (spec 5.1).
  assert.ok(many.repaired - few.repaired >= 63_300 - 1024, `${many.repaired} and ${few.repaired} bytes`);
  assert.equal(
    small.recorded - large.recorded,
    many.repaired - few.repaired,
    "the barrier is at the same place in both",
  );
  for (const { repaired, redZone, kept, replaced } of [few, many]) {
    assert.equal(redZone, 128);
    assert.ok(repaired + redZone + kept + replaced <= 65_536 + 4096);
  }
});

for (const strategy of STRATEGIES) {
  test(`S98, S107: what a function without calls keeps below the stack pointer comes along (${strategy})`, async () => {
    const options = { children: [{ name: "red_zone", inside: '<config turns="2" iterations="20"/>' }], strategy };
    const { lines, points, bootstrapped } = await undisturbed(options);
    const step = Math.floor((points - bootstrapped) / 12);
    assert.ok(step > 0, `${points} safe points`);
    for (let point = bootstrapped; point < points; point += step) {
      assert.deepEqual(await continued(options, point), lines, `at point ${point}`);
    }
  });
}

test("S99: what the bootstrap makes anew above the barrier is kept where it is as recorded", async () => {
  const { reports } = await repairs("stack_counter");
  for (const { thread, kept, replaced } of reports) {
    assert.ok(kept >= replaced, `${thread}: ${kept} bytes kept, ${replaced} replaced`);
  }
});
