// The same random calls of two guests, with a supervisor and without: every reply, status, slot, signal, log line, account
// and thread is the same after each of them (S62). With restores both guests are recreated from a checkpoint in between, in
// the place of the checkpoints that are taken otherwise, and nothing differs either.
// RTCR_SEED=n or n-m runs these sequences only; RTCR_CALLS is their length.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RPC } from "../../src/abi/index.ts";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { LEFT_OUT, NOT_HERE } from "./random-calls.ts";
import { compare } from "./random-pair.ts";

const only = process.env["RTCR_SEED"];
const [FIRST = 1, LAST = FIRST] = (only ?? "1-10").split("-").map(Number);
const SEEDS = Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i);
const CALLS = Number(process.env["RTCR_CALLS"] ?? 400);

const called = new Set<string>();
for (const seed of SEEDS) {
  test(`S4, S62: random calls of guests give the same with and without RTCR (RTCR_SEED=${seed})`, async () => {
    for (const name of await compare(seed, { calls: CALLS })) called.add(name);
  });
}

for (const strategy of STRATEGIES) {
  for (const seed of SEEDS) {
    test(`S4, S62, S97: and with restores between them (${strategy}, RTCR_SEED=${seed})`, async () => {
      await compare(seed, { calls: CALLS, strategy });
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
