// What a restore moves before sessions are taken in again, between real PDs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createCoreContext, createPd, createRootPd } from "../../core/index.ts";
import { NO_QUOTA, type Quota } from "../../session/index.ts";
import { ChildClient } from "../child/client.ts";
import { NO_HOOKS } from "../hooks.ts";
import { Accounts } from "../resources/accounts.ts";
import { Broker } from "./broker.ts";
import { Settlement } from "./settlement.ts";
import { SiblingServer } from "./sibling.ts";

const KIB = 1024;
const DONATED: Quota = { ram: 100 * KIB, caps: 3 };

test("S62, S96: what orphans had is lent out of what nobody needs who is there", () => {
  const core = createCoreContext();
  const root = createRootPd(core, { label: "core", donation: { ram: 1 << 30, caps: 100_000 } });
  const pd = (label: string, account: typeof root, given: Quota) => {
    const made = createPd(core, { label, donation: { ram: 64 * KIB, caps: 20 } });
    assert.ok(made.ok && made.value.refAccount(account.capability).ok);
    assert.ok(account.transferRamQuota(made.value.capability, given.ram).ok);
    assert.ok(account.transferCapQuota(made.value.capability, given.caps).ok);
    return made.value;
  };
  const init = pd("init", root, { ram: 500 * KIB, caps: 1_000 });
  const accounts = new Accounts(init.capability);
  const broker = new Broker({ hooks: NO_HOOKS, warn: () => {}, changed: () => {} });
  const child = (label: string, ram: number) => {
    const own = pd(label, init, { ram, caps: 100 });
    const server = new SiblingServer(label, accounts, broker, () => false);
    assert.ok(server.connect(own.capability).ok);
    return { own, client: new ChildClient(label, accounts, () => own.capability), server };
  };
  const [first, client, server] = [child("first", KIB), child("client", 200 * KIB), child("server", KIB)];
  const left = init.ramQuota() - init.usedRam();
  const none = { paid: NO_QUOTA, received: NO_QUOTA, orphaned: NO_QUOTA };
  const settlement = new Settlement();
  const before = server.own.ramQuota();
  const short = settlement.settle([
    { ...first, ...none, orphaned: { ram: left + DONATED.ram, caps: 0 } },
    { ...client, ...none, paid: DONATED },
    { ...server, ...none, received: DONATED, orphaned: { ram: left + 1, caps: 0 } },
  ]);
  assert.equal(short, undefined, "loans do not come first");
  assert.ok(!settlement.lend(server.server, { ram: left + 1, caps: 0 }).ok);
  assert.ok(settlement.pay(client.client, DONATED).ok);
  assert.ok(settlement.fund(server.server, DONATED).ok, "what was donated is not lent");
  assert.equal(server.own.ramQuota(), before + DONATED.ram);
  settlement.end();
  assert.equal(server.own.ramQuota(), before + DONATED.ram);
  assert.equal(init.ramQuota() - init.usedRam(), left);
});
