// By strategy A the dataspaces that no bootstrap makes are made as soon as it has ended, while nobody else has a part in it;
// unless the restore must take away something before, or there is no quota for them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { RtcrFault, RtcrPd, STRATEGIES, type Strategy } from "../../src/rtcr/index.ts";
import { assemble } from "../assemble.ts";
import { PRELUDE } from "../support/kernel-system.ts";
import { ask } from "./asking.ts";
import { Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

const TURNS = 6;
const PAGES = 64;
const FIRST = 0x2000_0000;
const PD = "(local.get $pd)";
const open = (id: number) => ask("(call $parent)", "parent", "session_cap", [id]);
const context = ask(PD, "pd", "alloc_context", [1], ask(PD, "pd", "alloc_signal_source"));
const dataspace = (at: number) => `
  (drop ${ask("(local.get $space)", "region-map", "attach", [PAGES * 4096, 0, 1, at, 0, 1], ask(PD, "pd", "alloc", [PAGES * 4096, 2]))})`;

/** Two contexts in its bootstrap, one dataspace in it and two behind it; then it counts in all three. */
function program(freesContext: boolean): Uint8Array {
  const places = [0, 1, 2].map((i) => FIRST + i * PAGES * 4096);
  return assemble(`(module ${PRELUDE}
  (func $count (param $at i32) (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1))))
  (func (export "rtcr_component_start")
    (local $pd i32) (local $log i32) (local $space i32) (local $got i32) (local $turn i32) (local $extra i32)
    (local.set $pd ${open(1)})
    (local.set $log ${open(3)})
    (local.set $space ${ask(PD, "pd", "address_space")})
    ${dataspace(places[0]!)}
    (local.set $extra ${context})
    (drop ${ask("(call $parent)", "parent", "heartbeat_sigh", [], context)})
    ${freesContext ? `(drop ${ask(PD, "pd", "free_context", [], "(local.get $extra)")})` : ""}
    ${dataspace(places[1]!)}
    ${dataspace(places[2]!)}
    (loop $next
      ${places.map((at) => `(call $count (i32.const ${at + 4096}))`).join(" ")}
      (drop ${ask("(local.get $log)", "log", "write", [4, 0x61616161])})
      (br_if $next (i32.lt_u (local.tee $turn (i32.add (local.get $turn) (i32.const 1))) (i32.const ${TURNS}))))
    (drop ${ask("(call $parent)", "parent", "exit", [0])})))`);
}

const child = (attributes = 'caps="500" ram="16M"') => [{ name: "ahead", attributes }];

/** In its turns, two before the last; or right behind its bootstrap. */
async function recorded(options: RigOptions, inTurns = true): Promise<SystemCheckpoint> {
  const { points, bootstrapped, lines } = await undisturbed(options);
  assert.equal(lines.length, TURNS);
  const first = new Rig(options);
  assert.ok(await first.run(inTurns ? points - 3 : bootstrapped + 1), "it stands there");
  const { system } = first.rtcr.checkpoint("ahead");
  assert.equal(first.lines.length, inTurns ? TURNS - 2 : 0);
  first.close();
  return throughImage(system);
}

/** A restore that stands by: how many dataspaces are there meanwhile, and what comes of it. */
async function standing(options: RigOptions, system: SystemCheckpoint, strategy: Strategy, next?: SystemCheckpoint) {
  let [ready, count] = [0, 0];
  const again: SystemCheckpoint[] = [];
  const rig = new Rig({
    ...{ ...options, strategy, restore: system, standby: () => true, standingBy: () => ready++ },
    restoredIn: (rtcr) => {
      if (refused()) return;
      again.push(rtcr.checkpoint("again").system);
      count = rtcr.child("ahead")!.context.capture().allocated;
    },
  });
  const refused = () => rig.outcomes[0] instanceof RtcrFault;
  const until = async (wanted: number) => {
    for (let turn = 0; ready < wanted; turn++) {
      assert.ok(turn < 1000 && rig.outcomes.length === 0, `it stands by: ${rig.outcomes}`);
      await rig.rest(() => false);
      rig.tree.advance(1000);
    }
  };
  await until(1);
  const [pd] = rig.rtcr.child("ahead")!.of(RtcrPd);
  const there = Array.from(pd!.dataspaces, ({ allocated }) => allocated);
  const { usedRam, ramQuota } = { usedRam: pd!.usedRam(), ramQuota: pd!.ramQuota() };
  if (next) {
    rig.rtcr.restore(next);
    await until(2);
  }
  rig.rtcr.proceed();
  if (!refused()) await rig.run();
  const { outcomes, lines } = rig;
  rig.close();
  return { there, usedRam, ramQuota, outcome: outcomes[0], lines, count, again: again[0] };
}

const numbers = ({ children: [child] }: SystemCheckpoint) => child!.pd.dataspaces.map(({ allocated }) => allocated);

function requireRestored(found: Awaited<ReturnType<typeof standing>>, system: SystemCheckpoint, left = 2): void {
  assert.ok(!(found.outcome instanceof RtcrFault), String(found.outcome));
  assert.deepEqual(numbers(found.again!), numbers(system));
  for (const [i, { content }] of found.again!.children[0]!.pd.dataspaces.entries())
    assert.deepEqual(content, system.children[0]!.pd.dataspaces[i]!.content);
  assert.equal(found.lines.length, left, "the rest of its turns");
}

for (const strategy of STRATEGIES) {
  test(`S57, S91: what a bootstrap does not allocate is there behind its end (${strategy})`, async () => {
    const options = { children: child(), binaries: { ahead: program(false) } };
    const system = await recorded(options);
    const found = await standing(options, system, strategy);
    const all = numbers(system);
    assert.equal(all.length, 3);
    assert.deepEqual(found.there, strategy === "bootstrap" ? all : []);
    requireRestored(found, system);
  });
}

test("S57, S91: nothing is allocated ahead while something is there that was not recorded", async () => {
  const options = { children: child(), binaries: { ahead: program(true) } };
  const system = await recorded(options);
  const found = await standing(options, system, "bootstrap");
  assert.deepEqual(found.there, numbers(system).slice(0, 1));
  requireRestored(found, system);
});

test("S89, S91: what was allocated ahead for one checkpoint is not there for another that takes its place", async () => {
  const options = { children: child(), binaries: { ahead: program(false) } };
  const [newer, older] = [await recorded(options), await recorded(options, false)];
  assert.equal(numbers(older).length, 2, "the last one is not there yet");
  for (const [first, next, left] of [
    [newer, older, TURNS],
    [older, newer, 2],
    [newer, await throughImage(newer), 2],
  ] as const) {
    const plain = await standing(options, next, "bootstrap");
    const found = await standing(options, first, "bootstrap", next);
    assert.deepEqual(found.there, numbers(first));
    requireRestored(found, next, left);
    assert.equal(found.count, plain.count, "what is allocated from now on has the numbers that it would have");
  }
});

test("S57, S91: as much is allocated ahead as there is quota for; what then lacks is named by the restore", async () => {
  const options = { children: child(), binaries: { ahead: program(false) } };
  const system = await recorded(options);
  const { there, usedRam, ramQuota } = await standing(options, system, "bootstrap");
  assert.equal(there.length, 3);
  const enough = usedRam + (16 << 20) - ramQuota; // its sessions take the rest
  const tight = { ...options, children: child(`caps="500" ram="${enough - PAGES * 2048}"`) };
  const found = await standing(tight, system, "bootstrap");
  assert.deepEqual(found.there, numbers(system).slice(0, 2));
  assert.ok(found.outcome instanceof RtcrFault && found.outcome.code === "refused");
  assert.match(found.outcome.message, /dataspace .* of 262144 bytes: out-of-ram/);
});
