// Stack repair of strategy A, counted in bytes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { wholeBytes } from "../../src/checkpoint/index.ts";
import { type RepairReport, RtcrCpu, RtcrFault, RtcrPd, STRATEGIES } from "../../src/rtcr/index.ts";
import { continued, Rig, throughImage, undisturbed } from "./rig.ts";

/** Bytes below a stack pointer that functions without calls may use. */
const RED_ZONE = 128;

const inside = '<config turns="4" iterations="20"/>';

/** The stack of `ep` of a child that is restored by a bootstrap. */
interface Repaired {
  readonly report: RepairReport;
  /** Distances from the stack's upper end, downwards: of the stack pointers recorded and at the barrier. */
  readonly recorded: number;
  readonly barrier: number;
  /** The stack's bytes as they were recorded, when the bootstrap stood at the barrier, and when the child goes on. */
  readonly record: Uint8Array;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

async function repaired(name: string): Promise<Repaired> {
  const options = { children: [{ name, inside }], strategy: "bootstrap" as const };
  const { points, bootstrapped } = await undisturbed(options);
  const first = new Rig(options);
  await first.run(bootstrapped + Math.floor((points - bootstrapped) / 2));
  const system = await throughImage(first.rtcr.checkpoint("stack").system);
  const base = first.rtcr.child(name)!.of(RtcrPd)[0]!.native.program()!.stackArea;
  first.close();
  const [info] = system.children;
  const thread = info!.cpu.threads.find((each) => each.name === "ep")!;
  const region = info!.pd.stackArea.regions.find(
    ({ address, size }) => thread.stackPointer > base + address && thread.stackPointer <= base + address + size,
  )!;
  const seen = new Map<string, Uint8Array>();
  let barrier = 0;
  const atPhase = (phase: string) => {
    if (phase !== "bytes" && phase !== "go-on") return;
    const tracked = second.rtcr.child(name)!;
    const [pd] = tracked.of(RtcrPd);
    const attached = pd!.maps.stackArea.regions().find(({ address }) => address === region.address)!;
    const bytes = new Uint8Array(region.size);
    attached.dataspace.object!.read(0, bytes);
    seen.set(phase, bytes);
    if (phase === "go-on") return;
    for (const each of tracked.of(RtcrCpu)[0]!.threads) {
      const state = each.state();
      if (each.name === "ep" && state.ok) barrier = state.value.stackPointer;
    }
  };
  const second = new Rig({ ...options, restore: system, atPhase });
  await second.run();
  const [outcome] = second.outcomes;
  second.close();
  assert.ok(outcome && !(outcome instanceof RtcrFault), String(outcome));
  const top = base + region.address + region.size;
  return {
    report: outcome.find((each) => each.thread === "ep")!,
    ...{ recorded: top - thread.stackPointer, barrier: top - barrier },
    record: wholeBytes(info!.pd.dataspaces.find(({ badge }) => badge === region.dataspaceBadge)!.content),
    ...{ before: seen.get("bytes")!, after: seen.get("go-on")! },
  };
}

/** Places of bytes that are different. */
function differences(one: Uint8Array, other: Uint8Array): readonly number[] {
  return Array.from(one.keys()).filter((at) => one[at] !== other[at]);
}

/** Bytes of `ep` in front of its first call, at most; where its locals lie is the compiler's to say. */
const OUTERMOST_FRAME = 128;

for (const name of ["stack_counter", "large_stack_counter", "small_dataspaces", "large_dataspaces", "sheep_counter"]) {
  test(`S98, S99: of the stack of ep what lies between the stack pointers is written, and what differs above: ${name}`, async () => {
    const { report, recorded, barrier, record, before, after } = await repaired(name);
    const size = record.length;
    assert.ok(recorded > barrier && barrier > 1000, `${recorded}, ${barrier}`);
    assert.deepEqual([report.repaired, report.redZone], [recorded - barrier, RED_ZONE]);
    const lower = size - recorded - RED_ZONE;
    const above = differences(before, record).filter((at) => at >= size - barrier);
    // The frame in which ep dispatches the call that constructs: nothing else is written there behind the barrier.
    assert.equal(above.length, 1, `${above} of ${size}`);
    assert.ok(above[0]! >= size - OUTERMOST_FRAME, `${above} of ${size}`);
    assert.deepEqual([report.replaced, report.kept], [above.length, barrier - above.length]);
    assert.equal(report.written, report.repaired + report.redZone + report.replaced);
    assert.deepEqual(after.subarray(lower), record.subarray(lower));
    // Below nothing is written, whatever is recorded there.
    assert.deepEqual(after.subarray(0, lower), before.subarray(0, lower));
    assert.ok(
      differences(before, record).some((at) => at >= size - recorded && at < size - barrier),
      "there is a repair",
    );
  });
}

test("S99, S100: a larger stack is repaired with as many bytes more, and only below it something is left", async () => {
  const [few, many] = [await repaired("stack_counter"), await repaired("large_stack_counter")];
  // 31,650 counters of 16 bits lie on the stack of large_stack_counter and not on the other's (spec 5.1).
  assert.ok(many.report.repaired - few.report.repaired >= 63_300 - 1024);
  assert.equal(many.report.repaired - few.report.repaired, many.recorded - few.recorded);
  assert.equal(few.barrier, many.barrier);
  assert.ok(few.report.written < 1024, `${few.report.written} of ${few.record.length} bytes`);
  const unused = few.record.length - few.recorded - RED_ZONE;
  assert.ok(
    differences(few.after, few.record).some((at) => at < unused),
    "what is recorded below is no part of the restore",
  );
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
