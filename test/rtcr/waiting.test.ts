// What a child waits for when it is restored, and where its stack ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig, undisturbed } from "./rig.ts";

test("S93, S106: a child that waits for more quota goes on where there is more", async () => {
  const of = { children: [{ name: "memory_eater", inside: '<config mib="6"/>' }], strategy: "direct" as const };
  const first = new Rig({ ...of, quota: 'caps="500" ram="4M"' });
  const pass = async (rig: Rig) => {
    for (let i = 0; i < 100; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      rig.tree.advance(1000);
    }
  };
  await pass(first);
  const { system } = first.rtcr.checkpoint("hungry");
  first.close();
  const second = new Rig({ ...of, restore: system });
  await pass(second);
  assert.deepEqual(second.lines.slice(0, 1), ["[memory_eater] ate 4 MiB"]);
  second.close();
});

test("S83: the stack pointer of large_stack_counter stays within its stack", async () => {
  const of = { children: [{ name: "large_stack_counter", inside: '<config turns="4" iterations="20"/>' }] };
  const { points } = await undisturbed(of);
  const rig = new Rig(of);
  await rig.run(Math.floor(points * 0.8));
  const [child] = rig.rtcr.checkpoint("deep").system.children;
  const ep = child!.cpu.threads.find(({ name }) => name === "ep")!;
  const [, stack] = child!.pd.stackArea.regions; // of ep: slots of 1 MiB from 160 MiB on
  const bottom = (160 << 20) + stack!.address;
  assert.ok(ep.stackPointer > bottom && ep.stackPointer < bottom + stack!.size, `0x${ep.stackPointer.toString(16)}`);
  rig.close();
});
