// The random calls of differential.test.ts, of guests of a supervisor that is itself under one: two interposers stand in front of
// each object, and the inner supervisor is recreated with its guests now and then (S62, S97).
import { test } from "node:test";
import { compare } from "./random-pair.ts";

for (const seed of [1, 2, 3, 4]) {
  test(`S4, S62: random calls of guests of an inner supervisor give the same (${seed})`, async () => {
    await compare(seed, { inner: true });
  });
  test(`S4, S62, S97: and with restores of the inner supervisor between them (${seed})`, async () => {
    await compare(seed, { inner: true, strategy: "direct" });
  });
}
