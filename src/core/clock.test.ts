import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ClockFault,
  createClock,
  createRandom,
  createSeededRandom,
  type HostClocks,
  RandomFault,
  webClocks,
} from "./index.ts";
import { nodeClocks } from "./index-node.ts";

/** Clocks of a host that stand where they are put. */
function host(monotonicNs: bigint, cpuTimeNs?: bigint) {
  const state = { monotonicNs, realtimeNs: 5_000n, cpuTimeNs };
  const clocks: HostClocks = {
    monotonicNs: () => state.monotonicNs,
    realtimeNs: () => state.realtimeNs,
    ...(cpuTimeNs === undefined ? {} : { cpuTimeNs: () => state.cpuTimeNs! }),
    resolutionNs: { monotonic: 1n, realtime: 1n },
  };
  return { state, clocks };
}

test("monotonic and processor time go on without a jump on a host whose clocks stand elsewhere", () => {
  const first = host(7_000n, 100n);
  const clock = createClock(first.clocks);
  assert.equal(clock.monotonicNs(), 0n);
  Object.assign(first.state, { monotonicNs: 7_500n, cpuTimeNs: 120n });
  assert.deepEqual([clock.monotonicNs(), clock.cpuTimeNs()], [500n, { ok: true, value: 20n }]);
  const second = host(3n, 1_000_000n);
  const restored = createClock(second.clocks, clock.capture());
  assert.deepEqual([restored.monotonicNs(), restored.cpuTimeNs()], [500n, { ok: true, value: 20n }]);
  second.state.monotonicNs = 10n;
  assert.equal(restored.monotonicNs(), 507n);
  assert.equal(restored.realtimeNs(), 5_000n);
});

test("a host without processor time keeps the captured one for the next", () => {
  const captured = createClock(host(0n, 5n).clocks, { monotonicNs: 0n, cpuTimeNs: 33n }).capture();
  const without = createClock(host(0n).clocks, captured);
  assert.deepEqual(without.cpuTimeNs(), { ok: false, reason: "notsup" });
  assert.deepEqual(without.capture(), { monotonicNs: 0n, cpuTimeNs: 33n });
});

for (const [name, clocks] of [
  ["web", webClocks()],
  ["node", nodeClocks()],
] as const) {
  test(`the clocks of ${name} run forward and tell the date`, () => {
    const clock = createClock(clocks);
    const first = clock.monotonicNs();
    const until = Date.now() + 5;
    while (Date.now() < until);
    assert.ok(clock.monotonicNs() - first >= 3_000_000n);
    const before = BigInt(Date.now());
    const told = clock.realtimeNs() / 1_000_000n;
    const after = BigInt(Date.now());
    assert.ok(told >= before - 4n && told <= after + 4n, `${told} ms, Date ${before} to ${after}`);
  });
}

test("random: all of the target, shared or not, longer than the host gives at once", () => {
  for (const buffer of [new ArrayBuffer(200_000), new SharedArrayBuffer(200_000)]) {
    const target = new Uint8Array(buffer);
    createRandom().fill(target);
    const zeros = target.reduce((count, byte) => count + Number(byte === 0), 0);
    assert.ok(zeros > 500 && zeros < 1_100, `${zeros} zeros of 200000`);
  }
});

test("seeded random: repeats, and goes on from any byte", () => {
  const all = new Uint8Array(40);
  createSeededRandom(7n).fill(all);
  for (const at of [0, 1, 7, 8, 9, 23]) {
    const first = createSeededRandom(7n);
    first.fill(new Uint8Array(at));
    const rest = new Uint8Array(40 - at);
    createSeededRandom(0n, first.capture()).fill(rest);
    assert.deepEqual(rest, all.slice(at));
  }
});

test("damaged states are refused", () => {
  assert.throws(() => createClock(webClocks(), { monotonicNs: 5 }), ClockFault);
  assert.throws(() => createClock(webClocks(), null), ClockFault);
  assert.throws(() => createSeededRandom(0n, { state: 1n, word: 2n }), RandomFault);
});
