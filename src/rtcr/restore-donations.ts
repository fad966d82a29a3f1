// What children have donated to each other moves before any of their objects is made: a server may live on it.
import type { ForeignSessionInfo } from "../checkpoint/index.ts";
import { type Donations, isOver } from "../init/index.ts";
import {
  addQuota,
  FIRST_FREE_SESSION,
  NO_QUOTA,
  type Quota,
  quotaArgs,
  readQuota,
  readSessionArgs,
} from "../session/index.ts";
import { addQuotas } from "./creation-args.ts";
import type { RestoredChild } from "./restore.ts";

export interface Adopting {
  readonly child: RestoredChild;
  /** Sessions at other children that are going to be taken in. */
  readonly adopted: readonly ForeignSessionInfo[];
}

export function donationsOf(all: readonly Adopting[]): readonly Donations[] {
  return all.map(({ child, adopted }) => {
    const { name, serves: { sessions } = { sessions: [] } } = child.info;
    const awaited = awaitedOf(name, all);
    return {
      ...child.account,
      paid: sum(adopted.filter((info) => goesOn(info, child)).map(paidFor)),
      received: sum(sessions.filter(({ id }) => awaited.has(id)).map(({ args }) => quotaOf(args))),
      orphaned: sum(sessions.filter(({ id }) => !awaited.has(id)).map(({ args }) => quotaOf(args))),
    };
  });
}

/** Numbers of the sessions of a server that are going to be taken in. */
export function awaitedOf(server: string, all: readonly Adopting[]): ReadonlySet<number> {
  const open = all.flatMap(({ child, adopted }) => adopted.filter((info) => goesOn(info, child)));
  return new Set(open.filter((info) => info.server === server).map(({ serverId }) => serverId));
}

function goesOn({ server, phase }: ForeignSessionInfo, { together }: RestoredChild): boolean {
  return !isOver(phase) && together.includes(server);
}

/** By the child: init pays for its environment, but for upgrades. */
function paidFor({ id, creationArgs, upgradeArgs }: ForeignSessionInfo): Quota {
  return id < FIRST_FREE_SESSION ? readQuota(upgradeArgs) : quotaOf(addQuotas(creationArgs, upgradeArgs));
}

function quotaOf(args: string): Quota {
  const read = readSessionArgs(args);
  return read.ok ? quotaArgs(read.value) : NO_QUOTA;
}

function sum(quotas: readonly Quota[]): Quota {
  return quotas.reduce(addQuota, NO_QUOTA);
}
