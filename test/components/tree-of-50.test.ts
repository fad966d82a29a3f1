// A tree of fifty components: five inits with nine compiled children each, started, reconfigured one by one, taken down.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { buildComponents, componentNamed } from "../../scripts/build-guests.ts";
import { config, start, startSystem } from "../support/core-system.ts";

const FAMILIES = 5;
const CHILDREN = 9;

function family(index: number, version: number): string {
  const children = Array.from({ length: CHILDREN }, (_, i) => {
    const attributes = `caps="200" ram="3M"${i === 0 ? ` version="${version}"` : ""}`;
    return start(`c${i}`, `<binary name="sheep_counter_async"/><config period_ms="10"/><heartbeat/>`, attributes);
  });
  const inner = config(`<heartbeat rate_ms="100"/>${children.join("")}`);
  return start(`f${index}`, `<binary name="init"/>${inner}`, 'caps="3000" ram="40M"');
}

test("S53, S55: fifty components run side by side; a change deep inside touches one of them", async () => {
  const [built] = await buildComponents([componentNamed("sheep_counter_async")]);
  const tree = startSystem({
    quota: { ram: 512 << 20, caps: 50_000 },
    config: config(Array.from({ length: FAMILIES }, (_, i) => family(i, 1)).join("")),
    binaries: { sheep_counter_async: new Uint8Array(readFileSync(built!.file)) },
  });
  const advance = async (ms: number) => {
    for (let left = ms; left >= 0; left -= 10) {
      tree.settle();
      await tree.core.kernel.scheduler.quiet();
      tree.settle();
      if (left > 0) tree.advance(10_000);
    }
  };
  await advance(100);
  const counted = (name: string) => tree.lines.filter((line) => line.startsWith(`[init -> ${name}] `)).length;
  const names = Array.from(
    { length: FAMILIES * CHILDREN },
    (_, i) => `f${i % FAMILIES} -> c${Math.floor(i / FAMILIES)}`,
  );
  for (const name of names) assert.equal(counted(name), 10, name);
  assert.equal(tree.core.pds.size, 1 + FAMILIES * (CHILDREN + 1));
  assert.deepEqual(tree.warnings, []);
  const pds = new Map(names.map((name) => [name, tree.pd(name)]));
  tree.configure(config([family(0, 2), ...Array.from({ length: FAMILIES - 1 }, (_, i) => family(i + 1, 1))].join("")));
  await advance(100);
  for (const name of names) {
    assert.equal(tree.pd(name) === pds.get(name), name !== "f0 -> c0", name);
    if (name !== "f0 -> c0") assert.equal(counted(name), 20, name);
  }
  tree.close();
  assert.deepEqual([tree.core.own.ramQuota(), tree.core.own.capQuota()], [512 << 20, 50_000]);
});
