// S51, S52: quota, priority, affinity and CPU arithmetic at their edges.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CPU_QUOTA_SCALE, PRIORITY_LIMIT, subtractQuota } from "../../session/index.ts";
import {
  CpuPool,
  childLocation,
  clampQuota,
  cpuPriority,
  effectiveQuota,
  innerLocation,
  START_COSTS,
} from "./amounts.ts";

test("S51: start costs are those of spec 2.0", () => {
  assert.deepEqual(START_COSTS, { ram: (192 + 36 + 8 + 12) << 10, caps: 26 });
});

test("S51: effective quota is what is left after start costs, 6 caps and 16 records", () => {
  assert.deepEqual(effectiveQuota({ ram: 1 << 20, caps: 100 }), { ram: (1 << 20) - (248 << 10) - 8192, caps: 68 });
  assert.deepEqual(effectiveQuota({ ram: 256 << 10, caps: 32 }), { ram: 0, caps: 0 });
  assert.deepEqual(effectiveQuota({ ram: (256 << 10) + 1, caps: 33 }), { ram: 1, caps: 1 });
  assert.deepEqual(effectiveQuota({ ram: 0, caps: 0 }), { ram: 0, caps: 0 });
});

test("S51: quota is clamped to what is left minus what is preserved", () => {
  const clamp = (wanted: number, available: number, preserve: number) =>
    clampQuota({ ram: wanted, caps: wanted }, { ram: available, caps: available }, { ram: preserve, caps: preserve })
      .caps;
  assert.deepEqual([clamp(10, 30, 20), clamp(11, 30, 20), clamp(5, 30, 20), clamp(5, 19, 20)], [10, 10, 5, 0]);
  assert.deepEqual(subtractQuota({ ram: 1, caps: 5 }, { ram: 2, caps: 2 }), { ram: 0, caps: 3 });
});

test("S52: a child's level is the most significant part of the priority", () => {
  const cases: readonly [priority: number, levels: number, own: number, expected: number][] = [
    [0, 0, 5, 5],
    [-1, 0, 5, 5],
    [0, 2, 0, 0],
    [-1, 2, 0, PRIORITY_LIMIT / 2],
    [-1, 4, 0, PRIORITY_LIMIT / 4],
    [-3, 4, PRIORITY_LIMIT - 1, PRIORITY_LIMIT - 1],
    [-9, 4, 0, (3 * PRIORITY_LIMIT) / 4],
    [0, 4, PRIORITY_LIMIT, PRIORITY_LIMIT / 4 - 1],
    [5, 4, -3, 0],
    [0, 1, 7, 7],
  ];
  for (const [priority, levels, own, expected] of cases) {
    assert.equal(cpuPriority(priority, levels, own), expected, `${priority} of ${levels}, ${own}`);
  }
});

test("S52: affinities are clipped, missing positions select the row or column", () => {
  const grid = { width: 4, height: 2 };
  const at = (x: number, y: number, width: number, height: number) => ({ x, y, width, height });
  assert.deepEqual(childLocation(undefined, grid, grid), at(0, 0, 4, 2));
  assert.deepEqual(childLocation({ x: 1 }, grid, grid), at(1, 0, 1, 2));
  assert.deepEqual(childLocation({ y: 1, height: 5 }, grid, grid), at(0, 1, 4, 1));
  assert.deepEqual(childLocation({ x: 3, y: 0, width: 9, height: 1 }, grid, grid), at(3, 0, 1, 1));
  assert.deepEqual(childLocation({ x: 77 }, grid, grid), at(3, 0, 1, 2));
  assert.deepEqual(childLocation({ x: 3 }, grid, { width: 2, height: 1 }), at(1, 0, 1, 1));
  assert.deepEqual(childLocation({ x: 0, width: 2 }, grid, { width: 1, height: 1 }), at(0, 0, 1, 1));
  assert.deepEqual(innerLocation(at(1, 0, 2, 1), undefined), at(1, 0, 2, 1));
  for (const none of [at(0, 0, 0, 0), at(0, 0, -1, 1), at(0, 0, 1, Number.NaN), at(0.5, 0, 1, 1)]) {
    assert.deepEqual(innerLocation(at(1, 0, 2, 1), none), at(1, 0, 2, 1));
  }
  assert.deepEqual(innerLocation(at(1, 0, 2, 1), at(1, 0, 5, 5)), at(2, 0, 1, 1));
  assert.deepEqual(innerLocation(at(1, 0, 2, 1), at(9, 9, 1, 1)), at(2, 0, 1, 1));
});

test("S52: CPU percentages come from a pool of 100, transfers are shares of what init has then", () => {
  const pool = new CpuPool();
  assert.deepEqual([pool.take(60), pool.take(60), pool.take(1)], [60, 40, 0]);
  assert.deepEqual([pool.transfer(60), pool.transfer(40)], [Math.floor(0.6 * CPU_QUOTA_SCALE), CPU_QUOTA_SCALE]);
  pool.giveBack(40, true);
  assert.equal(pool.left, 40);
  assert.equal(pool.take(20), 20);
  assert.equal(pool.transfer(20), CPU_QUOTA_SCALE / 2);
  pool.giveBack(60, true);
  pool.giveBack(20, true);
  pool.take(50);
  pool.giveBack(50, false);
  assert.equal(pool.transfer(pool.take(100)), CPU_QUOTA_SCALE);
});
