// The same random calls of two guests, with a supervisor and without: every reply, status, slot, signal, log line, account
// and thread is the same after each of them (S62). With restores both guests are recreated from a checkpoint in between, in
// the place of the checkpoints that are taken otherwise, and nothing differs either.
// RTCR_SEED=n or n-m runs these sequences only; RTCR_CALLS is their length.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RPC } from "../../src/abi/index.ts";
import { STRATEGIES, type Strategy } from "../../src/rtcr/index.ts";
import { type Random, seededRandom } from "../random.ts";
import { GUESTS } from "./driver.ts";
import { describe, Pair, prepare } from "./pair.ts";
import { LEFT_OUT, NOT_HERE, RandomCalls } from "./random-calls.ts";

const only = process.env["RTCR_SEED"];
const [FIRST = 1, LAST = FIRST] = (only ?? "1-10").split("-").map(Number);
const SEEDS = Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i);
const CALLS = Number(process.env["RTCR_CALLS"] ?? 400);

async function compare(seed: number, strategy?: Strategy): Promise<ReadonlySet<string>> {
  const random: Random = seededRandom(seed);
  const calls = new RandomCalls(random, strategy !== undefined);
  const pair = new Pair(strategy);
  try {
    await prepare(pair);
    for (let i = 0; i < CALLS; i++) {
      if (random.below(25) === 0) await pair.checkpoint();
      if (random.below(10) === 0) {
        const us = random.below(20_000);
        await pair.both(`${us} us`, (side) => side.pass(us));
        continue;
      }
      const guest = random.pick(GUESTS);
      const idle = pair.plain.idle(guest);
      if (idle.length < 2 && random.below(4) === 0) await pair.both(`${guest} is let go`, (side) => side.letGo(guest));
      if (idle.length === 0) continue;
      const mailbox = random.pick(idle);
      const command = calls.next({ slots: pair.plain.slots(guest), mailbox });
      const kind = pair.plain.slots(guest).get(command.words[0]) ?? "none";
      await pair.both(describe(guest, mailbox, command, kind), (side) => side.order(guest, mailbox, command));
    }
    return calls.called;
  } finally {
    pair.close();
  }
}

const called = new Set<string>();
for (const seed of SEEDS) {
  test(`S4, S62: random calls of guests give the same with and without RTCR (RTCR_SEED=${seed})`, async () => {
    for (const name of await compare(seed)) called.add(name);
  });
}

for (const strategy of STRATEGIES) {
  for (const seed of SEEDS) {
    test(`S4, S62, S97: and with restores between them (${strategy}, RTCR_SEED=${seed})`, async () => {
      await compare(seed, strategy);
    });
  }
}

test("S62: every function that guests can call was among them", { skip: only !== undefined }, () => {
  const kinds = Object.entries(RPC).filter(([kind]) => !NOT_HERE.includes(kind));
  const all = kinds.flatMap(([kind, functions]) => functions.map(({ name }) => `${kind} ${name}`));
  assert.deepEqual(
    all.filter((name) => !called.has(name) && !(name in LEFT_OUT)),
    [],
  );
});
