// Redundant memory of components that call each other, on whatever CPUs: while all stand at safe points it has what memory has,
// messages that CPUs have copied without the kernel included; and what a CPU leaves that is no more.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { KernelThread } from "../../src/core/kernel/thread.ts";
import { MIRROR_SLOTS } from "../../src/session/index.ts";
import { counter, machine, until } from "../support/cpus.ts";
import { answerPlus, ask, dispatch, main, SERVES, tableOf } from "../support/guest-code.ts";
import { SLOT } from "../support/kernel-system.ts";
import { auditMirrors } from "../support/mirror-audit.ts";

const LOAD = { mirrorSlots: MIRROR_SLOTS.least };
/** Both mostly stand where a message has come that they have not written. */
const COMPUTES = `(local.set $i (i32.const 0)) (loop $computes
  (br_if $computes (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20000))))`;
const SERVER = `${tableOf("d")} ${SERVES} ${dispatch("d", COMPUTES + answerPlus(7))}`;
/** Calls for ever, and counts at 64. */
const CLIENT = main(`(local $n i32) (loop $l
  (local.set $n (i32.and (i32.add (local.get $n) (i32.const 1)) (i32.const 0xffff)))
  (drop ${ask(SLOT.free, 1, "(local.get $n)")})
  ${COMPUTES}
  (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
  (br $l))`);

for (const [client, server] of [
  [1, 1],
  [1, 2],
  [0, 1],
  [1, 0],
] as const) {
  test(`S76, S109: messages from CPU ${client} to CPU ${server} and back are in both mirrors`, async () => {
    const system = await machine(3);
    const serves = system.component("server", SERVER, { cpu: server, load: LOAD });
    const ep = serves.start("ep") as KernelThread;
    await until(() => ep.idle);
    const calls = system.component("client", CLIENT, { cpu: client, load: LOAD });
    calls.component.table.insert(system.object(serves, ep.capability));
    calls.start("main");
    for (let look = 0; look < 20; look++) {
      const before = counter(calls);
      await until(() => counter(calls) - before > 100);
      system.kernel.cpus!.still(() => assert.equal(auditMirrors(system.kernel.components), 2));
    }
    system.close();
  });
}

test("S14, S109: what a CPU has written that is no more is in the mirror, though it died before it was written twice", async () => {
  const system = await machine(2);
  const { component, start } = system.component("lost", CLIENT, { cpu: 1, load: LOAD });
  start("main");
  await until(() => component.cpu === 1);
  const { kernel } = system;
  kernel.cpus!.still(() => {
    auditMirrors(kernel.components); // what moving it has written
    component.view.setInt32(4096, 7, true);
    assert.throws(() => auditMirrors(kernel.components), /byte 4096 of \d+: memory has 7, its mirror 0/);
    kernel.cpus!.at(1).link.lose("CPU 1 has ended");
    assert.equal(auditMirrors(kernel.components), 1);
  });
  system.close();
});
