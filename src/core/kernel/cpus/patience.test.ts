// Seats of those who look at a word instead of sleeping: as many as there were, whoever ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { machine, until } from "../../../../test/support/cpus.ts";
import { Allowance, endSeat, Patience } from "./patience.ts";
import { BLOCK, BLOCK_BYTES, DOOR, DOOR_BYTES, SEAT, type StartCpu } from "./protocol.ts";
import { startNodeCpu } from "./start-node.ts";

const shared = (bytes: number) => new Int32Array(new SharedArrayBuffer(bytes));

test("S28: who has looked has no seat any more, and who ends while it looks neither, from then on", () => {
  const door = shared(DOOR_BYTES);
  door[DOOR.seats] = 1;
  const seat = { words: shared(BLOCK_BYTES), index: BLOCK.seat };
  const patience = new Patience(door, seat);
  const word = shared(4);
  assert.equal(patience.look(word, 0, 1), true);
  assert.deepEqual([door[DOOR.seats], seat.words[BLOCK.seat]], [1, SEAT.none]);
  assert.throws(() => patience.look(word, 1, 0), RangeError, "it ends in the middle");
  assert.deepEqual([door[DOOR.seats], seat.words[BLOCK.seat]], [0, SEAT.taken]);
  endSeat(door, seat);
  assert.equal(door[DOOR.seats], 1);
  endSeat(door, seat);
  assert.equal(patience.look(word, 0, 1), false, "it may do something more while it ends");
  assert.equal(door[DOOR.seats], 1);
});

test("S14, S28: a CPU that is lost while it looks gives its seat back", async () => {
  let door = shared(DOOR_BYTES);
  const start: StartCpu = (setup, lost) => {
    door = new Int32Array(setup.door);
    return startNodeCpu(setup, lost);
  };
  const system = await machine(2, { cpus: { width: 2, height: 1, start } });
  const { link, block } = system.kernel.cpus!.at(1);
  const all = navigator.hardwareConcurrency - 1;
  // As it does when it looks; it may be about to do so itself.
  await until(() => Atomics.compareExchange(block.words, BLOCK.seat, SEAT.none, SEAT.taken) === SEAT.none);
  Atomics.sub(door, DOOR.seats, 1);
  link.lose("it has ended");
  await until(() => Atomics.load(door, DOOR.seats) === all);
  system.close();
});

test("S14, S28: a CPU has as long to answer as its process runs, not as long as that is stopped", () => {
  const allowance = new Allowance(1000, 0);
  let now = 0;
  const look = (ms: number) => allowance.used((now += ms));
  assert.deepEqual([look(20), look(3_600_000), look(20)], [false, false, false]);
  const looks = Array.from({ length: 44 }, () => look(20));
  assert.deepEqual([looks.indexOf(true), looks.at(-1)], [43, true]);
});
