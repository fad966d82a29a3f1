// CPU and RM sessions that a child has of a sibling, which passes them on (native/interposer.ts): the supervisor stands in
// front of both, twice in front of each object. A child works with them as with those of its parent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RtcrFault } from "../../src/rtcr/index.ts";
import { type ChildSpec, Rig, type RigOptions, undisturbed } from "./rig.ts";

const SETTINGS = '<config turns="4" iterations="20" sleep_ms="3"/>';
const routed = (service: string) =>
  `<route><service name="${service}"><child name="between"/></service><any-service><parent/></any-service></route>`;
const between = (service: string): ChildSpec => ({
  ...{ name: "between", binary: "interposer" },
  inside: `<provides><service name="${service}"/></provides><config><service name="${service}"/></config>`,
});
const windows = () => true;

for (const [name, service] of [
  ["stack_counter", "CPU"],
  ["sheep_counter_timer", "CPU"],
  ["sheep_counter_threaded", "CPU"],
  ["as-stack_counter", "CPU"],
  ["managed_dataspace", "RM"],
  ["fault_handler", "RM"],
] as const) {
  test(`S38, S64: ${name} works with a ${service} session that a sibling passes on; a checkpoint names it`, async () => {
    const alone = await undisturbed({ windows, children: [{ name, inside: SETTINGS }] });
    const children = [{ name, inside: SETTINGS + routed(service) }, between(service)];
    const options: RigOptions = { windows, children, exits: 1 };
    const rig = new Rig(options);
    await rig.run();
    const own = rig.lines.filter((line) => !line.startsWith("[between]"));
    assert.deepEqual(own, alone.lines);
    const points = rig.points;
    rig.close();

    const stopped = new Rig(options);
    assert.ok(await stopped.run(Math.floor(points * 0.9)));
    const named = new RegExp(`^child "${name}": its ${service} session \\d+ is served by "between"`);
    assert.throws(
      () => stopped.rtcr.checkpoint("with both"),
      (fault) => fault instanceof RtcrFault && fault.code === "unsaveable" && named.test(fault.message),
    );
    await stopped.run();
    assert.deepEqual(stopped.lines, rig.lines, "it goes on");
    stopped.close();
  });
}
