// Donations of sessions that are going to be taken in again (`Broker.adopt`). They move before that, all at once: a server
// that is restored may need them for its objects, and who is server and client need not have both amounts at a time.
//
// I1  What has moved is a credit of client and server, which `pay` and `fund` use up before they move anything.
// I2  What orphans had is lent when everything else has moved, and is a credit of theirs alone.
// I3  What is left of it goes back by `end`. Without `end` nothing is lost: it is in accounts that go to init.
import { addQuota, NO_QUOTA, type OutOf, type Quota, subtractQuota } from "../../session/index.ts";
import type { Attempt } from "../../util/index.ts";
import type { SessionClient, SessionServer } from "./session.ts";

/** One component, and what it has donated and been donated. */
export interface Donations {
  readonly client: SessionClient;
  readonly server: SessionServer;
  /** For its sessions, records included. */
  readonly paid: Quota;
  /** For those that it serves. */
  readonly received: Quota;
  /** For those that it serves for nobody who is there: comes from init, if that has as much. */
  readonly orphaned: Quota;
}

interface Credit {
  readonly of: Pick<Donations, "client" | "server">;
  paid: Quota;
  received: Quota;
  /** For orphans. */
  lent: Quota;
}

export class Settlement {
  readonly #credits: Credit[] = [];

  /** @returns who has too little, if somebody has; some has moved then */
  settle(all: readonly Donations[]): { readonly name: string; readonly why: OutOf } | undefined {
    for (const { client, paid, received } of all) {
      const moved = client.pay(subtractQuota(paid, received));
      if (!moved.ok) return { name: client.name, why: moved.reason };
    }
    for (const { client, server, paid, received } of all) {
      const moved = server.fund(subtractQuota(received, paid));
      if (!moved.ok) return { name: server.name, why: moved.reason };
      this.#credits.push({ of: { client, server }, paid, received, lent: NO_QUOTA });
    }
    for (const [i, { server, orphaned }] of all.entries()) {
      if (server.fund(orphaned).ok) this.#credits[i]!.lent = orphaned;
    }
    return undefined;
  }

  /** As the client's `pay`. */
  pay(client: SessionClient, quota: Quota): Attempt<void, OutOf> {
    const credit = this.#credits.find(({ of }) => of.client === client);
    const paid = client.pay(subtractQuota(quota, credit?.paid ?? NO_QUOTA));
    if (paid.ok && credit) credit.paid = subtractQuota(credit.paid, quota);
    return paid;
  }

  /** As the server's `fund`. */
  fund(server: SessionServer, quota: Quota): Attempt<void, OutOf> {
    const credit = this.#credits.find(({ of }) => of.server === server);
    const funded = server.fund(subtractQuota(quota, credit?.received ?? NO_QUOTA));
    if (funded.ok && credit) credit.received = subtractQuota(credit.received, quota);
    return funded;
  }

  /** As `fund`, for a session whose client is not there. */
  lend(server: SessionServer, quota: Quota): Attempt<void, OutOf> {
    const credit = this.#credits.find(({ of }) => of.server === server);
    const lent = server.fund(subtractQuota(quota, credit?.lent ?? NO_QUOTA));
    if (lent.ok && credit) credit.lent = subtractQuota(credit.lent, quota);
    return lent;
  }

  /** Nobody is taken in any more. */
  end(): void {
    for (const { of, paid, received, lent } of this.#credits.splice(0)) {
      of.client.refund(subtractQuota(paid, received));
      of.server.reclaim(addQuota(subtractQuota(received, paid), lent));
    }
  }
}
