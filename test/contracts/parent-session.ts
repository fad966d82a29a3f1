// What every parent must do, by its contract alone (spec 2.12), with the client role of its child. Implementations call
// parentSessionSuite from their own tests; this file runs nothing by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Capability,
  ENV_SESSION,
  INVALID,
  type ParentSession,
  type PdSession,
  type SignalContext,
} from "../../src/session/index.ts";
import type { Attempt } from "../../src/util/index.ts";

export interface ParentUnderTest {
  /** Offers ROM with the module `module`, LOG and RM at once; nobody offers `Nobody`. */
  readonly parent: ParentSession;
  /** The child's own PD: 1 MiB and 100 capabilities, or more. */
  readonly pd: Capability<PdSession>;
  readonly module: string;
  /** A context of the child that counts. */
  context(): { readonly context: Capability<SignalContext>; count(): number };
  /** Lets everything happen that can happen now. */
  settle(): void;
  close(): void;
}

const ROM = (module: string, ram = 6144, caps = 3) => `label="${module}", ram_quota=${ram}, cap_quota=${caps}`;

function outcome(made: Attempt<unknown, string>): string {
  if (!made.ok) return made.reason;
  return typeof made.value === "string" ? made.value : (made.value as Capability).valid ? "valid" : "invalid";
}

export function parentSessionSuite(label: string, make: () => ParentUnderTest): void {
  const suite = (name: string, run: (given: ParentUnderTest) => void) =>
    test(`${label}: ${name}`, () => {
      const given = make();
      run(given);
      given.settle();
      given.close();
    });
  const quotas = ({ pd }: ParentUnderTest) => [pd.object!.ramQuota(), pd.object!.capQuota()] as const;

  suite("S37: environment sessions are there, cannot be asked for again and are never closed", ({ parent }) => {
    const kinds = { pd: "pd", cpu: "cpu", log: "log", binary: "rom", linker: "rom" } as const;
    for (const [name, id] of Object.entries(ENV_SESSION)) {
      const made = parent.sessionCap(id);
      assert.equal(made.ok && made.value.object?.kind, kinds[name as keyof typeof kinds], name);
      assert.equal(outcome(parent.session(id, "LOG", "ram_quota=8K, cap_quota=2")), "service-denied");
      assert.equal(parent.close(id), "done");
      assert.equal(outcome(parent.sessionCap(id)), "valid");
    }
    assert.equal(parent.mainThreadCap().object?.kind, "cpu-thread");
  });

  suite("S37: clients choose ids; one in use is refused, a closed one is free", ({ parent, module }) => {
    assert.equal(outcome(parent.session(1000, "ROM", ROM(module))), "valid");
    assert.equal(outcome(parent.session(1000, "ROM", ROM(module))), "service-denied");
    assert.equal(parent.close(1000), "done");
    assert.equal(outcome(parent.session(1000, "ROM", ROM(module))), "valid");
  });

  suite("S38: a session that was created at once can be picked up, again and again; unknown ids give nothing", (given) => {
    const { parent, module } = given;
    const made = parent.session(6, "ROM", ROM(module));
    assert.ok(made.ok);
    for (let i = 0; i < 3; i++) assert.deepEqual(parent.sessionCap(6), made);
    assert.equal(outcome(parent.sessionCap(7)), "invalid");
    parent.close(6);
    assert.equal(outcome(parent.sessionCap(6)), "invalid");
    assert.equal(made.value.valid, false);
  });

  suite("S39, S40: donations leave the child's account, upgrades add, closing returns all of it", (given) => {
    const { parent, module } = given;
    const [ram, caps] = quotas(given);
    assert.equal(outcome(parent.session(6, "ROM", ROM(module, 10_000, 4))), "valid");
    assert.deepEqual(quotas(given), [ram - 10_000, caps - 4]);
    assert.equal(outcome(parent.upgrade(6, "ram_quota=2K, cap_quota=1")), "done");
    assert.deepEqual(quotas(given), [ram - 12_048, caps - 5]);
    assert.equal(outcome(parent.upgrade(6, "ram_quota=1K")), "done");
    assert.deepEqual(quotas(given), [ram - 13_072, caps - 5]);
    assert.equal(parent.close(6), "done");
    assert.deepEqual(quotas(given), [ram, caps]);
    assert.equal(parent.close(6), "done");
    assert.deepEqual(quotas(given), [ram, caps]);
  });

  suite("S41: refusals by name; none of them costs anything", (given) => {
    const { parent, module } = given;
    const before = quotas(given);
    const cases: readonly (readonly [service: string, args: string, expected: string])[] = [
      ["Nobody", ROM(module), "service-denied"],
      ["Nobody", ROM(module, 0), "insufficient-ram-quota"], // what the record costs is looked at before the route
      ["Nobody", ROM(module, 2 ** 40), "service-denied"], // and what the client owns behind it
      ["N".repeat(65), ROM(module), "service-denied"],
      ["ROM", ROM("there is no such module"), "service-denied"],
      ["ROM", "ram_quota", "service-denied"],
      ["ROM", `label="${"l".repeat(200)}"`, "service-denied"],
      ["ROM", ROM(module, 0), "insufficient-ram-quota"],
      ["ROM", ROM(module, 600), "insufficient-ram-quota"],
      ["ROM", ROM(module, 6144, 0), "insufficient-cap-quota"],
      ["ROM", ROM(module, 2 ** 40), "out-of-ram"],
      ["ROM", ROM(module, 6144, 2 ** 30), "out-of-caps"],
    ];
    for (const [service, args, expected] of cases)
      assert.equal(outcome(parent.session(6, service, args)), expected, args);
    assert.deepEqual(quotas(given), before);
    assert.equal(outcome(parent.session(6, "ROM", ROM(module))), "valid", "no refusal leaves its id in use");
    const open = quotas(given);
    assert.equal(outcome(parent.upgrade(6, "ram_quota=1024G")), "out-of-ram");
    assert.equal(outcome(parent.upgrade(6, "ram_quota=1K, cap_quota=1G")), "out-of-caps");
    assert.equal(outcome(parent.upgrade(6, "ram_quota")), "done");
    assert.equal(outcome(parent.upgrade(77, "ram_quota=1K")), "done");
    assert.deepEqual(quotas(given), open);
  });

  suite("S40: many sessions in any order leave the account as it was", (given) => {
    const { parent, module } = given;
    const before = quotas(given);
    const ids = Array.from({ length: 12 }, (_, i) => 6 + ((i * 5) % 12));
    for (const id of ids) assert.equal(outcome(parent.session(id, id % 2 ? "ROM" : "LOG", ROM(module))), "valid");
    for (const id of ids) if (id % 3 === 0) parent.upgrade(id, "ram_quota=1K, cap_quota=1");
    for (const id of ids.toSorted((a, b) => a - b)) assert.equal(parent.close(id), "done");
    assert.deepEqual(quotas(given), before);
  });

  suite("S42: answers for sessions that nobody asked for are ignored", ({ parent, pd }) => {
    for (const id of [0, 1, 6, -1, 2 ** 31]) {
      parent.deliverSessionCap(id, pd);
      parent.deliverSessionCap(id, INVALID);
      for (const response of ["ok", "closed", "service-denied"] as const) parent.sessionResponse(id, response);
    }
    assert.equal(outcome(parent.sessionCap(6)), "invalid");
  });

  suite("S45, S47: without a wish of the parent there is nothing to yield; answers to nothing are harmless", (given) => {
    const { parent, settle } = given;
    const before = quotas(given);
    const handler = given.context();
    for (const listen of ["sessionSigh", "yieldSigh", "heartbeatSigh", "resourceAvailSigh"] as const) {
      parent[listen](handler.context);
    }
    settle();
    assert.equal(handler.count(), 0);
    assert.equal(parent.yieldRequest(), "");
    for (let i = 0; i < 3; i++) {
      parent.yieldResponse();
      parent.heartbeatResponse();
    }
    for (const listen of ["sessionSigh", "yieldSigh", "heartbeatSigh", "resourceAvailSigh"] as const)
      parent[listen](INVALID);
    parent.resourceRequest("malformed");
    settle();
    assert.equal(handler.count(), 0);
    assert.deepEqual(quotas(given), before);
  });
}
