// The objects of a PD that a restore makes or finds again: the generic step, and signals and RPC objects by it.
import type { ObjectInfo, PdInfo, SignalContextInfo } from "../checkpoint/index.ts";
import type { Capability, CpuThread, SignalSource } from "../session/index.ts";
import { type Attempt, required } from "../util/index.ts";
import type { RtcrPd } from "./pd.ts";
import type { TrackedContext } from "./pd-objects.ts";
import type { ChildContext } from "./tracked.ts";
import type { Translation } from "./translation.ts";

/** One kind of objects. */
export interface Kind<Info extends ObjectInfo, T extends { readonly allocated: number }> {
  readonly infos: readonly Info[];
  readonly there: Iterable<T>;
  readonly make: (info: Info) => T;
  /** Gives the recorded object its present capability. */
  readonly name: (info: Info, object: T) => void;
  readonly end: (object: T) => void;
}

/** Those that are there already by allocation number, the others made, surplus ones ended. */
export function restoreObjects<Info extends ObjectInfo, T extends { readonly allocated: number }>(
  context: ChildContext,
  { infos, there, make, name, end }: Kind<Info, T>,
): void {
  const live = new Map(Array.from(there, (object) => [object.allocated, object]));
  for (const info of infos) {
    const found = live.get(info.allocated);
    live.delete(info.allocated);
    name(info, found ?? context.as([info], () => make(info)));
  }
  for (const surplus of live.values()) end(surplus);
}

export interface SignalParts {
  readonly pd: RtcrPd;
  readonly info: PdInfo;
  readonly context: ChildContext;
  readonly translation: Translation;
  /** The value, or a fault that names what was refused. */
  readonly require: <T>(attempt: Attempt<T, string>, what: string) => T;
}

/** Signal sources, contexts and RPC objects. */
export function restoreSignals(parts: SignalParts): void {
  const { pd, info, context, translation, require } = parts;
  const name = (info: ObjectInfo, object: { readonly capability: Capability }) =>
    translation.add(info.badge, object.capability);
  const orphans = makeOrphans(parts);
  restoreObjects(context, {
    infos: info.signalSources,
    there: pd.sources,
    make: () => required(pd.sources.get(require(pd.allocSignalSource(), "a signal source")), "the source"),
    name,
    end: (source) => pd.endSource(source),
  });
  restoreObjects(context, {
    infos: info.signalContexts,
    there: pd.contexts,
    make: (context) => makeContext(parts, context, translation.get<SignalSource>(context.sourceBadge)),
    name,
    end: ({ capability }) => pd.freeContext(capability),
  });
  if (orphans) pd.contexts.sort((a, b) => a.allocated - b.allocated);
  restoreObjects(context, {
    infos: info.rpcObjects,
    there: pd.rpcObjects,
    make: ({ entrypointBadge }) => {
      const made = pd.allocRpcCap(translation.get<CpuThread>(entrypointBadge));
      return required(pd.rpcObjects.get(require(made, "an RPC object")), "the object");
    },
    name,
    end: ({ capability }) => pd.freeRpcCap(capability),
  });
}

/**
 * Contexts whose source was freed live on without effect: they get a source that is freed as well. If a bootstrap has made
 * one, that is it: contexts of the PD's source are younger than those of one that was freed before.
 *
 * @returns whether there are any
 */
function makeOrphans(parts: SignalParts): boolean {
  const { pd, info, context, require } = parts;
  const sources = new Set(info.signalSources.map(({ badge }) => badge));
  const orphans = info.signalContexts.filter(({ sourceBadge }) => !sources.has(sourceBadge));
  if (orphans.length === 0) return false;
  const there = new Set(Array.from(pd.contexts, ({ allocated }) => allocated));
  const noObject = { badge: 0, allocated: 0, bootstrapped: false };
  const source = context.as([noObject], () => require(pd.allocSignalSource(), "a signal source"));
  for (const orphan of orphans) {
    if (!there.has(orphan.allocated)) context.as([orphan], () => makeContext(parts, orphan, source));
  }
  const recorded = new Set(info.signalSources.map(({ allocated }) => allocated));
  for (const each of pd.sources) if (!recorded.has(each.allocated)) pd.endSource(each);
  return true;
}

function makeContext(
  { pd, require }: SignalParts,
  { imprint }: SignalContextInfo,
  source: Capability<SignalSource>,
): TrackedContext {
  const made = require(pd.allocContext(source, imprint), "a signal context");
  return required(pd.contexts.get(made), "the context");
}
