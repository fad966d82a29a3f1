// What the components that a child keeps itself need before anything can be made in them: their quotas, their parents and
// their programs. Their sessions are there already, as sessions of the child.
import type { ChildInfo, ComponentInfo } from "../checkpoint/index.ts";
import { CPU_QUOTA_SCALE, type Dataspace } from "../session/index.ts";
import { componentName } from "./components.ts";
import { RtcrCpu } from "./cpu.ts";
import type { RtcrFault } from "./faults.ts";
import { RtcrPd } from "./pd.ts";
import type { TrackedChild } from "./tracked-child.ts";
import type { Translation } from "./translation.ts";

export interface ComponentParts {
  readonly tracked: TrackedChild;
  readonly translation: Translation;
  readonly refused: (what: string, why: string) => RtcrFault;
}

/** Moves quota from account to account until every component has what it had, and what those have that it had given to. */
export function fundComponents({ components = [], cpus = [] }: ChildInfo, parts: ComponentParts): void {
  const { tracked, translation, refused } = parts;
  const pds = byId(tracked.of(RtcrPd));
  const ram = needs(
    components,
    ({ pd }) => pd.badge,
    ({ pd }) => pd.ramQuota - pds.get(pd.id)!.ramQuota(),
  );
  const caps = needs(
    components,
    ({ pd }) => pd.badge,
    ({ pd }) => pd.capQuota - pds.get(pd.id)!.capQuota(),
  );
  for (const { pd: info, accountBadge } of components) {
    const account = translation.get(accountBadge);
    const from = tracked.of(RtcrPd).find(({ base }) => base.capability === account);
    const pd = pds.get(info.id)!;
    const to = pd.base.capability;
    const name = `component "${componentName(info.creationArgs)}"`;
    if (!from) continue;
    const moved = [
      pd.refAccount(from.base.capability),
      from.transferRamQuota(to, ram.get(info.badge)!),
      from.transferCapQuota(to, caps.get(info.badge)!),
    ];
    for (const done of moved) if (!done.ok) throw refused(`the quota of ${name}`, done.reason);
  }
  const sessions = byId(tracked.of(RtcrCpu));
  const time = needs(
    cpus,
    ({ badge }) => badge,
    ({ quotaUs }) => quotaUs,
  );
  for (const { id, badge, accountBadge } of cpus) {
    const account = translation.get(accountBadge);
    const from = tracked.of(RtcrCpu).find(({ base }) => base.capability === account);
    const cpu = sessions.get(id)!;
    if (!from || cpu.refAccount(from.base.capability) !== 0) continue;
    const available = from.quota().us;
    if (available === 0) continue; // this place has none to give
    const amount = Math.round((CPU_QUOTA_SCALE * time.get(badge)!) / available);
    from.transferQuota(cpu.base.capability, Math.min(amount, CPU_QUOTA_SCALE));
  }
}

/** What each must be given, by badge: what it lacks itself, and what those lack whose account it is. */
function needs<T extends { readonly accountBadge: number }>(
  infos: readonly T[],
  badgeOf: (info: T) => number,
  lacks: (info: T) => number,
): ReadonlyMap<number, number> {
  const needed = new Map(infos.map((info) => [badgeOf(info), Math.max(0, lacks(info))]));
  for (const info of [...infos].reverse()) {
    const account = needed.get(info.accountBadge);
    if (account !== undefined) needed.set(info.accountBadge, account + needed.get(badgeOf(info))!);
  }
  return needed;
}

/** Loads a component's program again, if it had one. */
export function loadComponent(pd: RtcrPd, info: ComponentInfo, { translation, refused }: ComponentParts): void {
  if (info.program === "") return;
  const name = `component "${componentName(info.pd.creationArgs)}"`;
  const { windows, growthRequests } = info;
  const loaded = pd.native.load(translation.get<Dataspace>(info.binaryBadge), { windows, growthRequests });
  if (!loaded.ok) throw refused(`the program of ${name}`, pd.native.problem() || loaded.reason);
  const found = pd.native.program()?.module;
  if (found !== info.program) throw refused(`the program of ${name}`, `expected ${info.program}, found ${found}`);
}

function byId<T extends { readonly base: { readonly id: number } }>(list: readonly T[]): ReadonlyMap<number, T> {
  return new Map(list.map((interposer) => [interposer.base.id, interposer]));
}
