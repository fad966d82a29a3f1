// The torture of a system: the children of its supervisor are frozen at safe points, stored, thrown away with all of their
// system, and continued in a fresh one, again and again. Runs in a worker: guests need a stack.
//
//   leg 0: the system starts         ... point p1: checkpoint -> image
//   leg 1: image -> a fresh system   ... point p2: checkpoint -> image        until the children have ended
//
// In place there is one leg: its supervisor ends the children at each point, and has them anew. In fresh processes
// (system-step.ts) each leg is one.
//
// I1  A child that has exited is not in later checkpoints; it is not started again in later legs.
import { fromCheckpoint, type SystemCheckpoint, toCheckpoint } from "../../checkpoint/index.ts";
import { readXml, type XmlNode } from "../../init/index.ts";
import type { Strategy } from "../../rtcr/index.ts";
import { loadCheckpoint, nodeSha256, openMemoryStore, saveCheckpoint } from "../../store/index-node.ts";
import { SystemLeg } from "./system-leg.ts";
import type { Tree } from "./tree.ts";

export interface SystemJourneySpec {
  readonly config: string;
  readonly modules: ReadonlyMap<string, Uint8Array>;
  /** Of the supervisor whose children are frozen, as `init -> rtcr`. */
  readonly supervisor: string;
  readonly strategy: Strategy;
  /** Safe points at which to freeze, ascending; "none": an uninterrupted run. */
  readonly points: readonly number[] | { readonly every: number } | "none";
  /** Each client of File_system has a directory /data in memory of its own, which goes over with it. */
  readonly memoryFiles?: boolean;
  /** Of the machine: each but the first is a thread of its own. Default: 1 */
  readonly cpus?: number;
  /**
   * Of so many points and one more the last is restored from; at the others the children go on after their checkpoint. All are
   * increments. Default: every point is restored from, and its checkpoint is what the configuration says
   */
  readonly increments?: number | undefined;
  /** With `increments`: what is compared comes from redundant memory (module red) instead. */
  readonly redundant?: boolean;
  /** The supervisor restores its children itself, while the rest of the system stays. Default: all is thrown away */
  readonly inPlace?: boolean;
  /**
   * Each restore stands by, and is told to go on when all is ready: first for the checkpoint before, if that is of the same
   * children, then for its own. Default: as the configuration says, and for its own alone
   */
  readonly standby?: boolean;
}

export interface SystemJourney {
  /** Lines of the supervisor and all below, ends of children included. */
  readonly lines: readonly string[];
  /** Safe points passed. */
  readonly passed: number;
  readonly taken: readonly number[];
  /** Increments that were compared with full checkpoints. */
  readonly increments: number;
  /** Restores that stood by until all was ready. */
  readonly stoodBy: number;
  /** Checkpoints that took the place of the one before in children that stood by. */
  readonly renewed: number;
  /** Lines that there were at each point taken. */
  readonly linesAt: readonly number[];
  /** What each client of File_system had in the end, by label. */
  readonly files: ReadonlyMap<string, Tree>;
}

/** What a leg has come to: plain data, but for what was stored. */
export interface LegResult<Stored>
  extends Pick<SystemJourney, "lines" | "passed" | "taken" | "increments" | "stoodBy" | "renewed" | "linesAt"> {
  readonly files: readonly (readonly [client: string, tree: readonly (readonly [path: string, what: string])[]])[];
  /** The last checkpoint, as `store` gave it: the next leg goes on from it; absent: the children have ended. */
  readonly stored?: Stored;
}

/** Where a leg begins. */
export interface LegStart<Stored> {
  readonly passed: number;
  readonly from?: Stored;
  /** With `standby`: the checkpoint before that. */
  readonly before?: Stored;
}

/** @throws CliFailure when the system does not end, RtcrFault when a checkpoint or a restore is refused */
export function travelSystem(spec: SystemJourneySpec): Promise<SystemJourney> {
  return throughLegs((start: LegStart<SystemCheckpoint>) => travelLeg(spec, start, throughImage));
}

/** Leg after leg, until the children have ended. */
export async function throughLegs<Stored>(
  travel: (start: LegStart<Stored>) => Promise<LegResult<Stored>>,
): Promise<SystemJourney> {
  const [lines, taken, linesAt]: [string[], number[], number[]] = [[], [], []];
  const files = new Map<string, Tree>();
  let [increments, stoodBy, renewed] = [0, 0, 0];
  let start: LegStart<Stored> = { passed: 0 };
  for (;;) {
    const leg = await travel(start);
    for (const at of leg.linesAt) linesAt.push(lines.length + at);
    for (const line of leg.lines) lines.push(line);
    taken.push(...leg.taken);
    increments += leg.increments;
    stoodBy += leg.stoodBy;
    renewed += leg.renewed;
    for (const [client, tree] of leg.files) files.set(client, new Map(tree));
    const { passed, stored } = leg;
    if (stored === undefined) return { lines, passed, taken, increments, stoodBy, renewed, linesAt, files };
    start = { passed, from: stored, ...(start.from === undefined ? {} : { before: start.from }) };
  }
}

/**
 * One leg, to the next point that is restored from in another one.
 *
 * @param store keeps a checkpoint whose system is about to be closed
 * @throws as `travelSystem`
 */
export async function travelLeg<Stored>(
  spec: SystemJourneySpec,
  { passed, from, before }: LegStart<SystemCheckpoint>,
  store: (system: SystemCheckpoint) => Promise<Stored>,
): Promise<LegResult<Stored>> {
  const [taken, linesAt]: [number[], number[]] = [[], []];
  const goesOn = spec.increments ?? 0;
  const leg = new SystemLeg(from ? { ...spec, config: withoutExited(spec, from) } : spec, { passed, from, before });
  let increments = 0;
  try {
    let starting = false;
    while (await leg.run(starting ? leg.passed + 1 : nextPoint(spec, leg.passed))) {
      const checkpoint = leg.checkpoint();
      starting = !checkpoint;
      if (!checkpoint) {
        leg.goOn();
        continue;
      }
      const { taken: made, compared } = checkpoint;
      taken.push(leg.passed);
      increments += compared;
      linesAt.push(leg.lines.length);
      if (taken.length % (goesOn + 1) !== 0) leg.goOn();
      else if (spec.inPlace) await leg.restore(await throughImage(made));
      else return result(await store(made));
    }
    return result();
  } finally {
    leg.close();
  }

  function result(stored?: Stored): LegResult<Stored> {
    const files = Array.from(leg.files, ([client, tree]) => [client, [...tree]] as const);
    const { lines, passed, stoodBy, renewed } = leg;
    return {
      lines,
      passed,
      taken,
      increments,
      stoodBy,
      renewed,
      linesAt,
      files,
      ...(stored === undefined ? {} : { stored }),
    };
  }
}

function nextPoint({ points }: SystemJourneySpec, passed: number): number {
  if (points === "none") return Number.POSITIVE_INFINITY;
  if (!listLike(points)) return passed + points.every;
  return points.find((point) => point > passed) ?? Number.POSITIVE_INFINITY;
}

/** Lists have a method `every`. */
function listLike(points: readonly number[] | { readonly every: number }): points is readonly number[] {
  return Array.isArray(points);
}

/** As it comes back from a store. */
async function throughImage(system: SystemCheckpoint): Promise<SystemCheckpoint> {
  const store = openMemoryStore({ sha256: nodeSha256 });
  const { root } = await saveCheckpoint(store, toCheckpoint(system), { sha256: nodeSha256 });
  return fromCheckpoint(await loadCheckpoint(store, root.id, { sha256: nodeSha256 }));
}

/** The configuration without children of the supervisor that have ended: they would be started again. */
function withoutExited({ config, supervisor }: SystemJourneySpec, { children }: SystemCheckpoint): string {
  const [, ...path] = supervisor.split(" -> ");
  let node: XmlNode | undefined = readXml(config);
  for (const name of path) {
    node = node
      ?.childrenNamed("start")
      .find(({ attributes }) => attributes.get("name") === name)
      ?.child("config");
  }
  const lives = new Set(children.map(({ name }) => name));
  const gone = (node?.children ?? []).filter(({ name, attributes }) => {
    return (name === "start" || name === "child") && !lives.has(attributes.get("name") ?? "");
  });
  // From the last one on, so that places in front stay what they are.
  return gone.reduceRight(
    (text, { offset, source }) => text.slice(0, offset) + text.slice(offset + source.length),
    config,
  );
}
