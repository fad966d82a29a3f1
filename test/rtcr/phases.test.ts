// A child that crashes, exits, ends, has no quota left or is configured anew in any phase of its checkpoint or restore
// leaves the supervisor as it should be (S106). Where a child cannot do something by itself, the reason is asserted.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CHECKPOINT_PHASES,
  type Phase,
  RESTORE_PHASES,
  type RestorePhase,
  RtcrFault,
  STRATEGIES,
  type Strategy,
} from "../../src/rtcr/index.ts";
import { EVENTS, type EventName, Scene } from "./phases.ts";
import { throughImage } from "./rig.ts";

/** One of each kind, for children on further CPUs, and for other modules. */
const OF_EACH_KIND: readonly EventName[] = [
  ...(["crash", "exit", "the end of its PD", "no RAM left"] as const),
  "another version of its start node",
];
const NAMES = Scene.cpus > 1 || Scene.module ? OF_EACH_KIND : (Object.keys(EVENTS) as EventName[]);
/** One of each kind, for restores of several children. */
const OF_TWO: readonly EventName[] = [
  "crash",
  "exit",
  "no capabilities left",
  "removal from the configuration",
  "another route",
];
/** What only a thread of the child can do. */
const ACTS: readonly EventName[] = ["crash", "exit"];

/** Why no thread of the child does anything in a phase; undefined: it may. */
function still(phase: Phase): string | undefined {
  if (phase === "create" || phase === "bootstrap") return "there is no thread yet";
  if (phase === "match" || phase === "barrier") return undefined; // the phase is in a call that the child makes
  if (phase === "hold" || phase === "release" || phase === "information") return "it is the supervisor's turn";
  return "all its threads are held, or have not been started";
}

/** Raises an event at a phase, or asserts that it cannot happen there. @returns whether it was raised */
function raiseAt(scene: Scene, event: EventName, phase: Phase): () => boolean {
  let raised = false;
  const times = scene.once(phase, () => {
    const why = ACTS.includes(event) ? still(phase) : undefined;
    if (why === undefined) {
      raised = true;
      return EVENTS[event](scene);
    }
    const activity = scene.activity();
    if (why === "it is the supervisor's turn") assert.notEqual(activity, "running", phase);
    else assert.equal(activity, "still", `${phase}: ${why}`);
  });
  return () => {
    assert.equal(times(), 1, `there is a phase "${phase}"`);
    return raised;
  };
}

/** "made", "restored", or the fault's code. */
function outcomeOf(result: unknown): string {
  if (!(result instanceof RtcrFault)) return "done";
  assert.match(result.message, /victim|other/, "the child is named");
  return result.code;
}

/** What comes of a checkpoint. */
function ofCheckpoint(event: EventName, phase: Phase): string {
  const middle = ["hold", "held", "contents", "records", "release"].includes(phase);
  return event === "the end of its PD" && middle ? "gone" : "done";
}

for (const event of NAMES) {
  test(`S106: checkpoint: ${event} at each phase`, async () => {
    for (const phase of CHECKPOINT_PHASES) {
      const scene = await Scene.open("direct");
      const raised = raiseAt(scene, event, phase);
      let outcome: unknown;
      try {
        outcome = scene.rig.rtcr.checkpoint("now").system;
      } catch (thrown) {
        outcome = thrown;
      }
      raised();
      assert.equal(outcomeOf(outcome), ofCheckpoint(event, phase), phase);
      await scene.aftermath();
    }
  });
}

test("S106: a child that has crashed is checkpointed and restored as it is", async () => {
  const scene = await Scene.open("direct");
  scene.crash();
  const { system } = scene.rig.rtcr.checkpoint("crashed");
  assert.equal(scene.stopped(), 'thread "wild"', "a checkpoint lets nothing go that an exception has stopped");
  assert.equal(outcomeOf(await scene.restore(system)), "done");
  const names = system.children.at(-1)!.cpu.threads.map(({ name }) => name); // the victim is the last
  assert.deepEqual(names.slice(-1), ["wild"]);
  assert.equal(scene.stopped(), 'thread "wild"', "and stands as it stood");
  await scene.aftermath();
});

for (const event of NAMES) {
  test(`S74, S106: ${event} while the image of a checkpoint is stored`, async () => {
    const scene = await Scene.open("direct");
    const plain = await throughImage(scene.earlier);
    const storing = throughImage(scene.earlier);
    EVENTS[event](scene);
    scene.rig.tree.settle();
    assert.deepEqual(await storing, plain);
    await scene.aftermath();
  });
}

/** What comes of a restore of the victim alone. */
function ofRestore(event: EventName, phase: RestorePhase, strategy: Strategy): string {
  const halfway = phase === "match" || phase === "barrier";
  const bootstraps = strategy === "bootstrap" && (phase === "create" || phase === "bootstrap" || phase === "match");
  switch (event) {
    case "crash":
    case "exit":
      return halfway ? "gone" : "done";
    case "the end of its PD":
      return "gone";
    case "no RAM left":
    case "no capabilities left":
      if (phase === "bootstrap" || phase === "match") return "gone"; // its bootstrap gives up, and exits
      return phase === "barrier" || phase === "objects" ? "refused" : "done";
    case "removal from the configuration":
      return bootstraps ? "refused" : "done"; // else it is the turn of the restore, which ends first
    default:
      return "done"; // who is started anew by a configuration is restored once more
  }
}

/** A PD session is ended by its client only, which is the supervisor's init: what is told then is tested as "exit". */
const ENDED_BY_INIT: readonly Phase[] = ["create", "bootstrap", "match"];

function phasesOf(event: EventName, strategy: Strategy): readonly RestorePhase[] {
  const all = strategy === "bootstrap" ? RESTORE_PHASES : RESTORE_PHASES.filter((phase) => !BOOTSTRAP.includes(phase));
  return event === "the end of its PD" ? all.filter((phase) => !ENDED_BY_INIT.includes(phase)) : all;
}
const BOOTSTRAP: readonly Phase[] = ["bootstrap", "match", "barrier"];

for (const strategy of STRATEGIES) {
  for (const event of NAMES) {
    test(`S106: restore (${strategy}): ${event} at each phase`, async () => {
      for (const phase of phasesOf(event, strategy)) {
        const scene = await Scene.open(strategy);
        const raised = raiseAt(scene, event, phase);
        const outcome = outcomeOf(await scene.restore(scene.own));
        raised();
        assert.equal(outcome, ofRestore(event, phase, strategy), phase);
        await scene.aftermath();
      }
    });
  }

  for (const event of Scene.cpus > 1 ? [] : OF_TWO) {
    test(`S106: restore of two children (${strategy}): ${event} of one at each phase`, async () => {
      for (const phase of phasesOf(event, strategy)) {
        const scene = await Scene.open(strategy);
        const raised = raiseAt(scene, event, phase);
        const outcome = outcomeOf(await scene.restore(scene.earlier));
        raised();
        // A configuration may come while the one waits for the other.
        const possible = [ofRestore(event, phase, strategy), ...(/removal/.test(event) ? ["refused"] : [])];
        assert.ok(possible.includes(outcome), `${phase}: ${outcome}, expected ${possible}`);
        await scene.aftermath();
      }
    });
  }
}

test("S106: a child that dies while another is checkpointed is none of its business", async () => {
  for (const phase of CHECKPOINT_PHASES) {
    const scene = await Scene.open("direct");
    const times = scene.once(phase, () => scene.corePd()?.destroy());
    const { system } = scene.rig.rtcr.checkpoint("now", ["other"]);
    assert.equal(times(), 1);
    assert.equal(outcomeOf(await scene.restore(system)), "done");
    await scene.aftermath();
  }
});

for (const strategy of STRATEGIES) {
  test(`S106: a restore that is asked for while another is under way is refused by name (${strategy})`, async () => {
    for (const phase of [undefined, ...phasesOf("crash", strategy)]) {
      const scene = await Scene.open(strategy);
      const refused = () =>
        assert.throws(() => scene.rig.rtcr.restore(scene.earlier), {
          ...{ code: "busy", message: "restore of other, victim: that of victim is under way" },
        });
      const times = phase && scene.once(phase, refused);
      const restored = scene.restore(scene.own);
      if (!phase) refused();
      assert.equal(outcomeOf(await restored), "done");
      assert.equal(times?.() ?? 1, 1);
      await scene.aftermath();
    }
  });

  // A further CPU may be so slow that the other child has ended when the victim has bootstrapped.
  if (Scene.cpus === 1) {
    test(`S106: a child that is being restored is not checkpointed, and others are (${strategy})`, async () => {
      for (const phase of phasesOf("crash", strategy)) {
        const scene = await Scene.open(strategy);
        const times = scene.once(phase, () => {
          const message = 'checkpoint "now": child "victim" is being restored';
          assert.throws(() => scene.rig.rtcr.checkpoint("now", ["victim"]), { code: "busy", message });
          assert.equal(scene.rig.rtcr.checkpoint("now", ["other"]).system.children.length, 1);
        });
        assert.equal(outcomeOf(await scene.restore(scene.own)), "done");
        assert.equal(times(), 1);
        await scene.aftermath();
      }
    });
  }

  test(`S106: a configuration between the request of a restore and its beginning (${strategy})`, async () => {
    for (const event of NAMES.filter((name) => name.includes("another") || name.includes("quota"))) {
      const scene = await Scene.open(strategy);
      EVENTS[event](scene);
      assert.equal(outcomeOf(await scene.restore(scene.own)), "done", event);
      await scene.aftermath();
    }
    const scene = await Scene.open(strategy);
    const restored = scene.restore(scene.own);
    EVENTS["removal from the configuration"](scene);
    scene.rig.tree.settle(); // the request comes first: the child has bootstrapped no step then
    assert.equal(outcomeOf(await restored), strategy === "bootstrap" ? "refused" : "done");
    await scene.aftermath();
  });
}
