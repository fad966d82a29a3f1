// The pause of an increment (S78, S108): what was written is copied into granules that are there, and nothing is made.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rtcr, RtcrPd, SharedMemoryProvider } from "../../src/rtcr/index.ts";
import { Incremental } from "./increments.ts";
import { measurePauses } from "./pause.ts";
import { type RigOptions, undisturbed } from "./rig.ts";

/** Children that stand, a page of each of whose dataspaces is written before each checkpoint. */
async function open(dataspaces: number, pages: number, marks: boolean) {
  const inside = `<config dataspaces="${dataspaces}" pages="${pages}" turns="8" iterations="50"/>`;
  const options: RigOptions = {
    children: [{ name: "many_dataspaces", inside }],
    provider: new SharedMemoryProvider(),
    quota: 'caps="4000" ram="64M"',
  };
  const { points } = await undisturbed(options);
  const { rig } = new Incremental(options, {}, marks);
  assert.ok(await rig.run(Math.floor(points * 0.8)));
  let time = 0;
  const write = () => {
    time++;
    for (const { capability } of rig.rtcr.child("many_dataspaces")!.of(RtcrPd)[0]!.dataspaces) {
      const size = capability.object?.size() ?? 0;
      capability.object?.write((time * 4096) % size, Uint8Array.of(time, 1));
    }
  };
  const rtcr = {
    checkpoint: (name: string) => {
      write();
      return rig.rtcr.checkpoint(name);
    },
  } as unknown as Rtcr;
  return { rtcr, close: () => rig.close() };
}

for (const marks of [true, false]) {
  const said = marks ? "marked programs" : "programs without marks";
  test(`S75, S78, S108: in the pause of increments of ${said} dataspaces and what was written in them allocate nothing`, async () => {
    await measurePauses((stage) => open(stage === "few" ? 20 : 1500, stage === "few" ? 1 : 3, marks));
  });
}
