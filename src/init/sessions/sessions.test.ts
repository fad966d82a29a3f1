// Sessions between real PDs: donation, upgrade, closing, the death of either side (S38-S43). Servers are siblings, whose
// answers the test gives, or init's ROM modules.
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../../test/random.ts";
import { type CorePd, createCoreContext, createPd, createRootPd } from "../../core/index.ts";
import { type Capability, type Quota, SESSION_RESPONSES } from "../../session/index.ts";
import { ChildClient } from "../child/client.ts";
import { NO_HOOKS } from "../hooks.ts";
import { Accounts } from "../resources/accounts.ts";
import { SESSION_RECORD_BYTES } from "../resources/amounts.ts";
import { WHOLE } from "./arguments.ts";
import { Broker } from "./broker.ts";
import { readRequests } from "./requests.ts";
import { isRefused, PHASES, type Session } from "./session.ts";
import { SiblingServer } from "./sibling.ts";

const INITIAL: Quota = { ram: 64 << 10, caps: 20 };
const GIVEN: Quota = { ram: 100_000, caps: 100 };
const DONATION: Quota = { ram: 4096, caps: 3 };

/** Init's account, and children with theirs. */
class World {
  readonly core = createCoreContext();
  readonly root = createRootPd(this.core, { label: "core", donation: { ram: 1 << 30, caps: 100_000 } });
  readonly init = this.#pd("init", { ram: 10 << 20, caps: 10_000 });
  readonly accounts = new Accounts(this.init.capability);
  readonly warnings: string[] = [];
  readonly broker = new Broker({
    hooks: NO_HOOKS,
    warn: (message) => this.warnings.push(message),
    changed: () => {},
  });
  readonly pds = new Set<CorePd>([this.init]);

  #pd(label: string, given: Quota): CorePd {
    const pd = createPd(this.core, { label, donation: INITIAL });
    assert.ok(pd.ok);
    assert.ok(pd.value.refAccount(this.root.capability).ok);
    assert.ok(this.root.transferRamQuota(pd.value.capability, given.ram).ok);
    assert.ok(this.root.transferCapQuota(pd.value.capability, given.caps).ok);
    return pd.value;
  }

  child(label: string): CorePd {
    const pd = createPd(this.core, { label, donation: INITIAL });
    assert.ok(pd.ok);
    assert.ok(pd.value.refAccount(this.init.capability).ok);
    assert.ok(this.accounts.give(pd.value.capability, GIVEN).ok);
    this.pds.add(pd.value);
    return pd.value;
  }

  client(label: string) {
    const pd = this.child(label);
    const client = new ChildClient(label, this.accounts, () => pd.capability);
    return { pd, client };
  }

  server(label: string) {
    const pd = this.child(label);
    const server = new SiblingServer(label, this.accounts, this.broker, () => true);
    assert.ok(server.connect(pd.capability).ok);
    return { pd, server };
  }

  destroy(pd: CorePd): void {
    this.pds.delete(pd);
    pd.destroy();
  }

  sum(): Quota {
    let [ram, caps] = [0, 0];
    for (const pd of this.pds) {
      ram += pd.ramQuota() - INITIAL.ram;
      caps += pd.capQuota() - INITIAL.caps;
    }
    return { ram, caps };
  }

  open(client: ChildClient, server: SiblingServer, id: number, donation = DONATION) {
    const made = this.broker.create({
      client,
      id,
      service: "S",
      label: `${client.name} -> x`,
      route: { to: "child", child: server.name, label: `${client.name} -> x`, diag: false },
      server,
      args: new Map([["key", "value"]]),
      affinity: WHOLE,
      donation,
    });
    if (made.ok) client.sessions.set(id, made.value);
    return made;
  }
}

function quotaOf(pd: CorePd): Quota {
  return { ram: pd.ramQuota() - INITIAL.ram, caps: pd.capQuota() - INITIAL.caps };
}

function object(world: World): Capability {
  return world.core.badges.identify({ kind: "root" as const }).capability;
}

test("S39: a donation goes client -> init -> server, the record's part stays with init", () => {
  const world = new World();
  const { pd, client } = world.client("c");
  const { pd: serverPd, server } = world.server("s");
  const before = quotaOf(world.init);
  const made = world.open(client, server, 6);
  assert.ok(made.ok);
  assert.deepEqual(quotaOf(pd), { ram: GIVEN.ram - DONATION.ram, caps: GIVEN.caps - 3 });
  assert.deepEqual(quotaOf(serverPd), { ram: GIVEN.ram + DONATION.ram - SESSION_RECORD_BYTES, caps: GIVEN.caps + 3 });
  assert.deepEqual(quotaOf(world.init), { ram: before.ram + SESSION_RECORD_BYTES, caps: before.caps });
  const [request] = readRequests(new TextDecoder().decode(server.requests.content()));
  assert.deepEqual(request, {
    kind: "create",
    id: 1,
    service: "S",
    label: "c -> x",
    args: 'ram_quota=3584, cap_quota=3, label="c -> x", key="value"',
    affinity: WHOLE,
  });
});

test("S41: out-of-* is the client's, insufficient-* the server's; either moves nothing", () => {
  const world = new World();
  const { pd, client } = world.client("c");
  const { pd: serverPd, server } = world.server("s");
  const all = [pd, serverPd, world.init];
  const before = all.map(quotaOf);
  const reason = (donation: Quota) => {
    const made = world.open(client, server, 6, donation);
    return made.ok ? "made" : made.reason;
  };
  assert.equal(reason({ ram: GIVEN.ram + 1, caps: 1 }), "out-of-ram");
  assert.equal(reason({ ram: 4096, caps: GIVEN.caps + 1 }), "out-of-caps");
  assert.equal(reason({ ram: SESSION_RECORD_BYTES - 1, caps: 1 }), "insufficient-ram-quota");
  assert.deepEqual(all.map(quotaOf), before);
  assert.equal(server.sessions.length, 0);
  for (const response of ["service-denied", "insufficient-ram-quota", "insufficient-cap-quota"] as const) {
    const made = world.open(client, server, 6);
    assert.ok(made.ok);
    server.respond(made.value.serverId, response);
    assert.deepEqual(world.broker.pickUp(made.value), { ok: false, reason: response });
    assert.deepEqual(all.map(quotaOf), before);
  }
});

test("S38: a session is pending until the server delivers it, once", () => {
  const world = new World();
  const { client } = world.client("c");
  const { server } = world.server("s");
  const made = world.open(client, server, 6);
  assert.ok(made.ok);
  const session = made.value;
  assert.deepEqual(world.broker.pickUp(session), { ok: true, value: undefined });
  const first = object(world);
  server.deliver(session.serverId, first);
  assert.equal(session.phase, "available");
  server.deliver(session.serverId, object(world));
  assert.match(world.warnings.join(), /sent a capability for S session "c -> x" in phase available, ignored/);
  assert.deepEqual(world.broker.pickUp(session), { ok: true, value: first });
  assert.equal(session.phase, "cap-handed-out");
});

test("S43: a session that is closed before it was picked up is a refusal, not for ever pending", () => {
  for (const end of ["answer", "death"]) {
    const world = new World();
    const { pd, client } = world.client("c");
    const { pd: serverPd, server } = world.server("s");
    const made = world.open(client, server, 6);
    assert.ok(made.ok);
    server.deliver(1, object(world));
    if (end === "answer") server.respond(1, "closed");
    else {
      world.destroy(serverPd);
      server.gone();
    }
    assert.deepEqual(world.broker.pickUp(made.value), { ok: false, reason: "service-denied" }, end);
    assert.deepEqual(quotaOf(pd), GIVEN);
  }
});

test("S40: upgrade adds to what is donated, close returns all of it", () => {
  const world = new World();
  const { pd, client } = world.client("c");
  const { pd: serverPd, server } = world.server("s");
  const made = world.open(client, server, 6);
  assert.ok(made.ok);
  const session = made.value;
  server.deliver(1, object(world));
  world.broker.pickUp(session);
  assert.deepEqual(world.broker.upgrade(session, { ram: 1000, caps: 2 }, client), { ok: true, value: "pending" });
  const [request] = readRequests(new TextDecoder().decode(server.requests.content()));
  assert.deepEqual(request, { kind: "upgrade", id: 1, quota: { ram: 1000, caps: 2 } });
  assert.deepEqual(session.donated, { ram: 4096 - SESSION_RECORD_BYTES + 1000, caps: 5 });
  const nothing = { ram: 0, caps: 0 };
  assert.deepEqual(world.broker.upgrade(session, nothing, client), { ok: true, value: "pending" });
  server.respond(1, "ok");
  assert.deepEqual(world.broker.upgrade(session, nothing, client), { ok: true, value: "done" });
  assert.equal(session.phase, "cap-handed-out");
  assert.deepEqual(world.broker.upgrade(session, { ram: 1 << 30, caps: 0 }, client), {
    ok: false,
    reason: "out-of-ram",
  });
  assert.equal(world.broker.close(session), "pending");
  server.respond(1, "closed");
  assert.equal(session.phase, "closed");
  assert.deepEqual([quotaOf(pd), quotaOf(serverPd)], [GIVEN, GIVEN]);
});

test("S43, S88: requests keep their order over a restore, whichever client is taken in first", () => {
  const world = new World();
  const { server } = world.server("s");
  const [a, b] = ["a", "b"].map((label) => world.client(label).client) as [ChildClient, ChildClient];
  const [first, second] = [world.open(a, server, 6), world.open(b, server, 6)];
  assert.ok(first.ok && second.ok);
  for (const [{ value: session }, id] of [[first, 1] as const, [second, 2] as const]) {
    server.deliver(id, object(world));
    world.broker.pickUp(session);
  }
  assert.ok(world.open(a, server, 7).ok);
  world.broker.close(second.value);
  world.broker.upgrade(first.value, { ram: 10, caps: 0 }, a);
  const asked = (of: SiblingServer) =>
    readRequests(new TextDecoder().decode(of.requests.content())).map(({ kind, id }) => [kind, id]);
  const expected = [
    ["create", 3],
    ["close", 2],
    ["upgrade", 1],
  ];
  assert.deepEqual(asked(server), expected);

  const { server: restored } = world.server("s");
  const { next, sessions } = server.served;
  restored.continueAt(
    next,
    sessions.map(({ id }) => id),
  );
  for (const session of [first.value, ...a.sessions.values(), second.value]) restored.adopt(session, session.serverId);
  assert.deepEqual(asked(restored), expected);
});

test("S40: an upgrade is legal only while the client has the capability", () => {
  const world = new World();
  const { pd, client } = world.client("c");
  const { server } = world.server("s");
  const made = world.open(client, server, 6);
  assert.ok(made.ok);
  const before = quotaOf(pd);
  assert.deepEqual(world.broker.upgrade(made.value, { ram: 1, caps: 1 }, client), { ok: true, value: "done" });
  assert.deepEqual(quotaOf(pd), before);
  assert.match(world.warnings.join(), /upgrade .* ignored, it is in phase create-requested/);
});

test("S40: what a server has used up stays with it, with a warning", () => {
  const world = new World();
  const { pd, client } = world.client("c");
  const { pd: serverPd, server } = world.server("s");
  const made = world.open(client, server, 6, { ram: 50_000, caps: 3 });
  assert.ok(made.ok);
  server.deliver(1, object(world));
  assert.ok(serverPd.alloc(170_000).ok);
  world.broker.close(made.value);
  const sum = world.sum();
  server.respond(1, "closed");
  assert.match(world.warnings.join(), /s has used up \d+ bytes and 0 caps that were donated for S session/);
  assert.deepEqual(world.sum(), sum);
  assert.ok(pd.ramQuota() < INITIAL.ram + GIVEN.ram);
});

/** Brings a session into a phase; what is needed of it is in the result. */
function sessionIn(phase: Session["phase"], world: World, client: ChildClient, server: SiblingServer): Session {
  const made = world.open(client, server, 6);
  assert.ok(made.ok);
  const session = made.value;
  if (phase === "create-requested") return session;
  if (isRefused(phase)) {
    server.respond(session.serverId, phase);
    return session;
  }
  server.deliver(session.serverId, object(world));
  if (phase === "available") return session;
  world.broker.pickUp(session);
  if (phase === "upgrade-requested") world.broker.upgrade(session, { ram: 100, caps: 1 }, client);
  if (phase === "close-requested" || phase === "closed") world.broker.close(session);
  if (phase === "closed") server.respond(session.serverId, "closed");
  return session;
}

for (const phase of PHASES) {
  test(`S43: the client dies in phase ${phase}`, () => {
    const world = new World();
    const { pd, client } = world.client("c");
    const { pd: serverPd, server } = world.server("s");
    const session = sessionIn(phase, world, client, server);
    assert.equal(session.phase, phase);
    const sum = world.sum();
    client.sessions.clear();
    world.destroy(pd);
    world.broker.orphan(session);
    if (phase === "create-requested") {
      assert.equal(session.phase, phase, "the server may be making it");
      server.deliver(session.serverId, object(world));
      assert.equal(session.phase, "close-requested");
    }
    server.respond(session.serverId, "closed");
    assert.ok(session.phase === "closed" || isRefused(session.phase));
    assert.deepEqual(world.sum(), sum);
    assert.deepEqual(quotaOf(serverPd), GIVEN);
    assert.equal(server.sessions.length, 0);
  });

  test(`S43: the server dies in phase ${phase}`, () => {
    const world = new World();
    const { pd, client } = world.client("c");
    const { pd: serverPd, server } = world.server("s");
    const session = sessionIn(phase, world, client, server);
    const sum = world.sum();
    assert.ok(serverPd.alloc(GIVEN.ram).ok, "it uses what was donated");
    world.destroy(serverPd);
    server.gone();
    assert.ok(session.phase === "closed" || isRefused(session.phase));
    assert.deepEqual(world.sum(), sum);
    assert.equal(world.broker.close(session), "done");
    assert.deepEqual(quotaOf(pd), GIVEN);
    server.respond(session.serverId, "ok");
    server.deliver(session.serverId, object(world));
    assert.ok(session.phase === "closed" || isRefused(session.phase));
  });
}

test("S43: records are paid for until the client lets go of them, so that nobody fills init with closed sessions", () => {
  const world = new World();
  const { pd, client } = world.client("c");
  const { server } = world.server("s");
  let made = 0;
  for (let id = 6; ; id++, made++) {
    const opened = world.open(client, server, id, { ram: SESSION_RECORD_BYTES, caps: 0 });
    if (!opened.ok) break;
    server.deliver(opened.value.serverId, object(world));
    server.respond(opened.value.serverId, "closed");
  }
  assert.ok(made > 0 && made * SESSION_RECORD_BYTES <= GIVEN.ram, String(made));
  for (const session of client.sessions.values()) world.broker.close(session);
  assert.deepEqual(quotaOf(pd), GIVEN);
});

test("S43: a client that takes its request back before the server has looked is done at once", () => {
  const world = new World();
  const { pd, client } = world.client("c");
  const serverPd = world.child("s");
  const server = new SiblingServer("s", world.accounts, world.broker, () => false);
  assert.ok(server.connect(serverPd.capability).ok);
  const made = world.open(client, server, 6);
  assert.ok(made.ok);
  assert.equal(world.broker.close(made.value), "done");
  assert.deepEqual([quotaOf(pd), quotaOf(serverPd)], [GIVEN, GIVEN]);
});

test("S42: a server without a PD is funded when it has one", () => {
  const world = new World();
  const { pd, client } = world.client("c");
  const server = new SiblingServer("s", world.accounts, world.broker, () => false);
  const sum = world.sum();
  const made = world.open(client, server, 6);
  const taken = world.open(client, server, 7);
  assert.ok(made.ok && taken.ok);
  assert.deepEqual(world.sum(), sum);
  world.broker.close(taken.value);
  const serverPd = world.child("s");
  assert.ok(server.connect(serverPd.capability).ok);
  assert.deepEqual(quotaOf(serverPd), { ram: GIVEN.ram + DONATION.ram - SESSION_RECORD_BYTES, caps: GIVEN.caps + 3 });
  assert.deepEqual(quotaOf(pd), { ram: GIVEN.ram - DONATION.ram, caps: GIVEN.caps - 3 });
});

for (let seed = 1; seed <= 20; seed++) {
  test(`S40: the sum of all quotas never changes over random sequences, seed ${seed}`, () => {
    const { below, pick } = seededRandom(seed);
    const world = new World();
    let clients = [world.client("c0"), world.client("c1"), world.client("c2")];
    let servers = [world.server("s0"), world.server("s1")];
    const sum = world.sum();
    const sessions: Session[] = [];
    let next = 6;
    const steps = [
      () => {
        const made = world.open(pick(clients).client, pick(servers).server, next++, {
          ram: below(8000),
          caps: below(5),
        });
        if (made.ok) sessions.push(made.value);
      },
      () => pick(servers).server.deliver(below(next), object(world)),
      () => pick(servers).server.deliver(1 + below(40), object(world)),
      () => pick(servers).server.respond(1 + below(40), pick(SESSION_RESPONSES)),
      () => sessions.length && world.broker.pickUp(pick(sessions)),
      () => {
        const session = sessions.length ? pick(sessions) : undefined;
        const payer = clients.find(({ client }) => client === session?.request.client);
        if (session && payer) world.broker.upgrade(session, { ram: below(3000), caps: below(3) }, payer.client);
      },
      () => sessions.length && world.broker.close(pick(sessions)),
      () => {
        const server = pick(servers);
        const session = pick(server.server.sessions.length ? server.server.sessions : [undefined]);
        if (session?.phase === "create-requested") server.server.deliver(session.serverId, object(world));
        if (session?.phase === "upgrade-requested") server.server.respond(session.serverId, "ok");
        if (session?.phase === "close-requested") server.server.respond(session.serverId, "closed");
      },
      () => {
        if (below(20) > 0) return;
        const victim = pick(clients);
        clients = clients.filter((client) => client !== victim);
        const own = sessions.filter(({ request }) => request.client === victim.client);
        victim.client.sessions.clear();
        world.destroy(victim.pd);
        for (const session of own) world.broker.orphan(session);
        clients.push(world.client(`c${next++}`));
      },
      () => {
        if (below(20) > 0) return;
        const victim = pick(servers);
        servers = servers.filter((server) => server !== victim);
        world.destroy(victim.pd);
        victim.server.gone();
        servers.push(world.server(`s${next++}`));
      },
    ];
    for (let step = 0; step < 2000; step++) {
      pick(steps)();
      assert.deepEqual(world.sum(), sum, `step ${step}`);
    }
    for (const { request } of sessions) assert.ok(request.donation.ram >= 0);
    for (const session of sessions) world.broker.close(session);
    for (const { server } of servers) {
      for (const { serverId } of server.sessions) {
        server.deliver(serverId, object(world));
        server.respond(serverId, "closed");
      }
      assert.equal(server.sessions.length, 0);
    }
    for (const { pd } of [...clients, ...servers]) assert.deepEqual(quotaOf(pd), GIVEN, pd.label);
    assert.deepEqual(world.sum(), sum);
  });
}
