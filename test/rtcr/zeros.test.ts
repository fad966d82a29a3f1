// What was recorded as zero is zero after a restore, though a program begins with something else there, or a bootstrap has
// written there: only where it is zero already may a restore leave it alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { componentsOf, type SystemCheckpoint, usedRuns, wholeBytes } from "../../src/checkpoint/index.ts";
import type { NativeProgram } from "../../src/core/index.ts";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { type Dataspace, objectOf, type PdSession } from "../../src/session/index.ts";
import { assemble } from "../assemble.ts";
import { PRELUDE } from "../support/kernel-system.ts";
import { ask } from "./asking.ts";
import { Rig, throughImage, undisturbed } from "./rig.ts";

const PAGES = 4;
const TURNS = 20;
const [BOOTSTRAPPED, OWN] = [0x2000_0000, 0x3000_0000];

const PD = "(local.get $pd)";
const open = (id: number) => ask("(call $parent)", "parent", "session_cap", [id]);
const attached = (at: number) => `
  (drop ${ask("(local.get $space)", "region-map", "attach", [PAGES * 4096, 0, 1, at, 0, 1], ask(PD, "pd", "alloc", [PAGES * 4096, 2]))})`;
const fill = (at: number, value: number, bytes: number) =>
  `(memory.fill (i32.const ${at}) (i32.const ${value}) (i32.const ${bytes}))`;

/** Its bootstrap and its data fill what it clears before its turns, in which it counts in two dataspaces. */
const PROGRAM = assemble(`(module ${PRELUDE}
  (data (i32.const 0x8000) "${"\\55".repeat(0x3000)}")
  (func $count (param $at i32) (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1))))
  (func (export "rtcr_component_start") (local $pd i32) (local $log i32) (local $space i32) (local $got i32) (local $turn i32)
    (local.set $pd ${open(1)})
    (local.set $log ${open(3)})
    (local.set $space ${ask(PD, "pd", "address_space")})
    ${attached(BOOTSTRAPPED)}
    ${fill(BOOTSTRAPPED, 0x66, PAGES * 4096)}
    ${fill(0xc000, 0x77, 0x2000)}
    (drop ${ask("(call $parent)", "parent", "heartbeat_sigh", [], ask(PD, "pd", "alloc_context", [1], ask(PD, "pd", "alloc_signal_source")))})
    ${attached(OWN)}
    ${fill(OWN, 0x88, PAGES * 4096)}
    ${[BOOTSTRAPPED, OWN].map((at) => fill(at, 0, PAGES * 4096)).join(" ")}
    ${fill(0x8000, 0, 0x6000)}
    (loop $next
      (call $count (i32.const ${BOOTSTRAPPED + 4096 + 80}))
      (call $count (i32.const ${OWN + 2 * 4096}))
      (drop ${ask("(local.get $log)", "log", "write", [4, 0x61616161])})
      (br_if $next (i32.lt_u (local.tee $turn (i32.add (local.get $turn) (i32.const 1))) (i32.const ${TURNS}))))
    (drop ${ask("(call $parent)", "parent", "exit", [0])})))`);

const OPTIONS = { children: [{ name: "zeros" }], binaries: { zeros: PROGRAM } };

function contents({ children: [child] }: SystemCheckpoint): readonly (readonly [string, Uint8Array])[] {
  const [{ pd }] = componentsOf(child!) as [ReturnType<typeof componentsOf>[number]];
  return [
    ...pd.dataspaces.map(({ role, content }) => [role, wholeBytes(content)] as const),
    ["data", wholeBytes(pd.data)],
  ];
}

for (const strategy of STRATEGIES) {
  for (const stored of [false, true]) {
    const how = `${strategy}${stored ? ", from a store" : ""}`;
    test(`S82, S91, S97: zeros are restored over what a bootstrap and data segments have written (${how})`, async () => {
      const { points, lines } = await undisturbed(OPTIONS);
      assert.equal(lines.length, TURNS);
      const first = new Rig(OPTIONS);
      assert.ok(await first.run(points - 5), "it stands in its turns");
      const { system } = first.rtcr.checkpoint("zeros");
      first.close();
      const recorded = contents(system);
      assert.equal(recorded.length, 3);
      const used = recorded.map(([, content]) => usedRuns(content));
      assert.deepEqual(
        used.slice(0, 2),
        [
          [4096 + 64, 4096 + 128],
          [2 * 4096, 2 * 4096 + 64],
        ],
        "two lines of 32 KiB",
      );
      assert.ok(
        used[2]!.every((at) => at <= 0x8000 || at >= 0xe000),
        `the program's data: ${used[2]}`,
      );
      const again: SystemCheckpoint[] = [];
      const restoredIn = (rtcr: Rig["rtcr"]) => again.push(rtcr.checkpoint("again").system);
      const second = new Rig({
        ...OPTIONS,
        strategy,
        restore: stored ? await throughImage(system) : system,
        restoredIn,
      });
      await second.run();
      second.close();
      assert.equal(again.length, 1, `restored: ${second.outcomes}`);
      for (const [i, [role, content]] of contents(again[0]!).entries()) {
        const at = content.findIndex((byte, k) => byte !== recorded[i]![1][k]);
        assert.equal(at, -1, `${role}: byte ${at} is ${content[at]}`);
      }
    });
  }
}

/** A program in TypeScript with a dataspace of two pages. One that is restored writes into it when it begins to be again. */
const scribbler: NativeProgram = (env, saved) => {
  const { dataspace } = (saved?.state ?? {}) as { readonly dataspace?: number };
  const allocated = saved ? undefined : objectOf<PdSession>(env.pd, "pd")?.alloc(2 * 4096);
  const own = allocated?.ok ? allocated.value : saved!.slots.held<Dataspace>(dataspace!, "dataspace");
  own.object?.write(saved ? 10 : 5000, Uint8Array.of(9));
  return { capture: ({ held }) => ({ dataspace: held(own) }), dispose: () => {} };
};

test("S82, S97: zeros are restored over what a program in TypeScript has written while it was made again", async () => {
  const options = { children: [{ name: "scribbler" }], natives: { scribbler } };
  const first = new Rig(options);
  await first.rest();
  const { system } = first.rtcr.checkpoint("zeros");
  first.close();
  const again: SystemCheckpoint[] = [];
  const second = new Rig({
    ...options,
    restore: system,
    restoredIn: (rtcr) => again.push(rtcr.checkpoint("again").system),
  });
  for (let turn = 0; turn < 20 && again.length === 0; turn++) await second.rest();
  second.close();
  for (const each of [system, ...again]) {
    const [[, content]] = contents(each) as [[string, Uint8Array], ...unknown[]];
    assert.deepEqual([content[10], content[5000], content.length], [0, 9, 8192]);
  }
  assert.equal(again.length, 1, `restored: ${second.outcomes}`);
});
