// Whether children that were made ready for one checkpoint can become another one: a standby copy takes up each new checkpoint
// of its primary, with its environment and its program as they are.
import type { ChildInfo, SystemCheckpoint } from "../checkpoint/index.ts";
import { ENV_SESSION } from "../session/index.ts";
import { beforeBarrier } from "./parent.ts";

/** Of an environment, those that a child restored with it may serve: then they are taken in later. Its PD is given to it (given-pds.ts). */
export const TAKEN_IN_LATER: readonly number[] = [ENV_SESSION.cpu, ENV_SESSION.log];

/** What is there before a restore of either is the same. */
export function renews(before: SystemCheckpoint, next: SystemCheckpoint): boolean {
  if (before.children.length !== next.children.length) return false;
  return next.children.every((child) => {
    const old = before.children.find(({ name }) => name === child.name);
    return old !== undefined && alike(old, child);
  });
}

function alike(a: ChildInfo, b: ChildInfo): boolean {
  const program = a.program === b.program && a.native === b.native && a.windows === b.windows;
  const given = [a, b].some(({ pd }) => pd.nativeBehindBadge !== undefined); // under numbers that the other may not have
  return program && !given && beforeBarrier(a.parent) === beforeBarrier(b.parent) && servers(a) === servers(b);
}

function servers({ foreign }: ChildInfo): string {
  return TAKEN_IN_LATER.map((id) => foreign.find((info) => info.id === id)?.server ?? "").join("\0");
}
