// What the components that a child keeps itself need before anything can be made in them: their quotas, their parents and
// their programs. Their sessions are there already, as sessions of the child.
import type { ChildInfo, ComponentInfo, FurtherCpuInfo } from "../checkpoint/index.ts";
import { CPU_QUOTA_SCALE, type Dataspace } from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
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
  fundPds(components, parts);
  fundCpus(cpus, parts);
}

function fundPds(components: readonly ComponentInfo[], { tracked, translation, refused }: ComponentParts): void {
  const all = tracked.of(RtcrPd);
  const pds = byId(all);
  const members = components.flatMap(({ name, accountBadge, pd: info }) => {
    const account = translation.get(accountBadge);
    const from = all.find(({ base }) => base.capability === account);
    return from ? [{ name, accountBadge, badge: info.badge, info, from, pd: pds.get(info.id)! }] : [];
  });
  const require = (name: string, done: Attempt<void, string>) => {
    if (!done.ok) throw refused(`the quota of component "${name}"`, done.reason);
  };
  // Without an account a PD says that it has nothing.
  for (const { name, pd, from } of members) require(name, pd.refAccount(from.base.capability));
  const ram = needs(members, ({ info, pd }) => info.ramQuota - pd.ramQuota());
  const caps = needs(members, ({ info, pd }) => info.capQuota - pd.capQuota());
  for (const { name, badge, pd, from } of members) {
    require(name, from.transferRamQuota(pd.base.capability, ram.get(badge)!));
    require(name, from.transferCapQuota(pd.base.capability, caps.get(badge)!));
  }
}

/** Processor time as far as this place has some to give. */
function fundCpus(cpus: readonly FurtherCpuInfo[], { tracked, translation }: ComponentParts): void {
  const time = needs(cpus, ({ quotaUs }) => quotaUs);
  for (const { id, badge, accountBadge, nativeBehindBadge } of cpus) {
    const from = translation.get(accountBadge).object;
    const cpu = tracked.at(id);
    // One that is passed on has what the session behind it is given.
    if (nativeBehindBadge !== undefined || !(from instanceof RtcrCpu) || !(cpu instanceof RtcrCpu)) continue;
    if (cpu.refAccount(from.base.capability) !== 0) continue;
    const available = from.quota().us;
    if (available === 0) continue;
    const amount = Math.round((CPU_QUOTA_SCALE * time.get(badge)!) / available);
    from.transferQuota(cpu.base.capability, Math.min(amount, CPU_QUOTA_SCALE));
  }
}

/** What each must be given, by badge: what it lacks itself, and what those lack whose account it is. */
function needs<T extends { readonly badge: number; readonly accountBadge: number }>(
  infos: readonly T[],
  lacks: (info: T) => number,
): ReadonlyMap<number, number> {
  const needed = new Map(infos.map((info) => [info.badge, Math.max(0, lacks(info))]));
  for (const { badge, accountBadge } of [...infos].reverse()) {
    const account = needed.get(accountBadge);
    if (account !== undefined) needed.set(accountBadge, account + needed.get(badge)!);
  }
  return needed;
}

/** Loads a component's program again, if it had one. */
export function loadComponent(pd: RtcrPd, info: ComponentInfo, { translation, refused }: ComponentParts): void {
  if (info.program === "") return;
  const name = `component "${info.name}"`;
  const { windows, growthRequests } = info;
  const loaded = pd.native.load(translation.get<Dataspace>(info.binaryBadge), { windows, growthRequests });
  if (!loaded.ok) throw refused(`the program of ${name}`, pd.native.problem() || loaded.reason);
  const found = pd.native.program()?.module;
  if (found !== info.program) throw refused(`the program of ${name}`, `expected ${info.program}, found ${found}`);
}

function byId<T extends { readonly base: { readonly id: number } }>(list: readonly T[]): ReadonlyMap<number, T> {
  return new Map(list.map((interposer) => [interposer.base.id, interposer]));
}
