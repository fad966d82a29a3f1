// What every RM session must do, core's and any interposer's; only contracts are used (S23).
import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Capability,
  INVALID,
  PAGE_BYTES,
  type PdSession,
  type Quota,
  type RmSession,
} from "../../src/session/index.ts";

const PAGE = PAGE_BYTES;

/** A session for one test. */
export interface RmFixture {
  /** Fresh, with the donation that clients make by default. */
  readonly rm: Capability<RmSession>;
  /** Adds to the donation, as the parent does for an upgrade. */
  upgrade(quota: Quota): void;
  /** Ends the session. */
  close(): void;
  /** Allocates dataspaces: at least 1 MiB of RAM, 100 capabilities. */
  readonly pd: Capability<PdSession>;
  /** Warnings so far. */
  warnings(): number;
}

export function rmSessionSuite(name: string, make: () => RmFixture): void {
  const open = () => {
    const fixture = make();
    return { ...fixture, rm: fixture.rm.object!, pd: fixture.pd.object! };
  };

  describe(`RM session: ${name}`, () => {
    test("S23: create gives an empty map of the size, rounded to pages", () => {
      const { rm } = open();
      const made = rm.create(5 * PAGE + 1);
      ok(made.ok);
      equal(made.value.object!.size(), 6 * PAGE);
      equal(made.value.object!.kind, "region-map");
    });

    test("S23: the donation runs out; after an upgrade create works again", () => {
      const { rm, upgrade } = open();
      let made = rm.create(PAGE);
      let count = 0;
      for (; made.ok; made = rm.create(PAGE)) count++;
      ok(count >= 1 && count < 100, `${count} maps for the default donation`);
      for (const wanted of ["out-of-ram", "out-of-caps", "none"]) {
        if (!made.ok) upgrade(made.reason === "out-of-ram" ? { ram: 64 << 10, caps: 0 } : { ram: 0, caps: 16 });
        made = rm.create(PAGE);
        if (made.ok) return;
        ok(wanted !== "none", "upgrades of both resources are enough");
      }
    });

    test("S23: regions are charged to the donation too; an upgrade lets attach go on", () => {
      const { rm, pd, upgrade } = open();
      const made = rm.create(1 << 28);
      const allocated = pd.alloc(PAGE);
      ok(made.ok && allocated.ok);
      const map = made.value.object!;
      const used = pd.usedRam();
      let attached = map.attach(allocated.value);
      let count = 0;
      for (; attached.ok && count < 10_000; attached = map.attach(allocated.value)) count++;
      deepEqual(attached, { ok: false, reason: "out-of-ram" });
      equal(pd.usedRam(), used);
      upgrade({ ram: 8 << 10, caps: 0 });
      ok(map.attach(allocated.value).ok);
    });

    test("S23: destroy gives back what the map cost, regions included, and does not hang", () => {
      const { rm, pd } = open();
      const allocated = pd.alloc(PAGE);
      ok(allocated.ok);
      for (let round = 0; round < 200; round++) {
        const made = rm.create(1 << 20);
        ok(made.ok, `round ${round}`);
        for (let i = 0; i < 100; i++) ok(made.value.object!.attach(allocated.value).ok);
        rm.destroy(made.value);
        equal(made.value.valid, false);
      }
      equal(allocated.value.valid, true);
    });

    test("S23: destroying what is no map of this session warns, and does nothing", () => {
      const { rm, pd, warnings } = open();
      const made = rm.create(PAGE);
      ok(made.ok);
      const before = warnings();
      for (const foreign of [INVALID, pd.linkerArea()]) rm.destroy(foreign);
      equal(warnings(), before + 2);
      equal(pd.linkerArea().valid && made.value.valid, true);
    });

    test("S23: closing the session destroys its maps", () => {
      const { rm, close } = open();
      const made = rm.create(PAGE);
      ok(made.ok);
      close();
      equal(made.value.valid, false);
    });
  });
}
