// A program whose threads are on several CPUs is checkpointed as one and goes on where its CPUs are then.
import assert from "node:assert/strict";
import { test } from "node:test";
import { STRATEGIES, type Strategy } from "../../src/rtcr/index.ts";
import { continued, Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

const ARGS = '<config><arg value="2"/><arg value="3"/><arg value="2"/></config>';
/** Points at which each is stopped, spread over its run. */
const POINTS = 4;
const SLICE = 20;

/** Two workers and a first thread that waits for them, on as many CPUs as there are. */
function options(strategy: Strategy, cpus: number): RigOptions {
  const children = [{ name: "workers", inside: `<affinity xpos="0" width="${cpus}"/>${ARGS}` }];
  return { children, strategy, slice: SLICE, cpus };
}

const cpusOf = ({ tree: { core } }: Rig): readonly number[] =>
  core.kernel.components.find(({ label }) => label.endsWith("workers"))!.threads.map(({ cpu }) => cpu);

for (const [from, to] of [
  [3, 1],
  [1, 2],
  [3, 3],
] as const) {
  for (const strategy of STRATEGIES) {
    test(`S24, S28, S82: threads on ${from} CPUs, wherever they are stopped, go on on ${to} (${strategy})`, async () => {
      const { lines } = await undisturbed(options(strategy, 1));
      const { points, bootstrapped, lines: found } = await undisturbed(options(strategy, from));
      assert.deepEqual(found, lines);
      for (let i = 1; i <= POINTS; i++) {
        const point = bootstrapped + Math.floor(((points - bootstrapped) * i) / (POINTS + 1));
        const went = await continued(options(strategy, from), point, options(strategy, to));
        assert.deepEqual(went, lines, `stopped at point ${point} of ${points}`);
      }
    });
  }
}

for (const strategy of STRATEGIES) {
  test(`S28, S95: after a restore threads are where their affinities and the CPUs that there are say (${strategy})`, async () => {
    const { points, bootstrapped } = await undisturbed(options(strategy, 1));
    const point = bootstrapped + Math.floor((points - bootstrapped) / 2);
    const first = new Rig(options(strategy, 1));
    assert(await first.run(point));
    assert.deepEqual(cpusOf(first), [0, 0, 0]);
    let system = await throughImage(first.rtcr.checkpoint("now").system);
    first.close();
    for (const [cpus, expected] of [
      [3, [0, 1, 2]],
      [2, [0, 1, 0]],
      [1, [0, 0, 0]],
      [3, [0, 1, 2]],
    ] as const) {
      const rig = new Rig({ ...options(strategy, cpus), restore: system });
      assert(await rig.run(3));
      assert.deepEqual(cpusOf(rig), expected);
      system = await throughImage(rig.rtcr.checkpoint("again").system);
      rig.close();
    }
  });
}
