import assert from "node:assert/strict";
import { test } from "node:test";
import { compareJourneys } from "./compare-journeys.ts";

const journey = (...lines: string[]) => ({
  lines: lines.map((line) => `[init -> a] ${line}\n`),
  ...{ passed: 0, taken: [], increments: 0, stoodBy: 0, renewed: 0, linesAt: [], files: new Map() },
});

test("S97: the group of --rising is a number that never falls; what is none is a difference", () => {
  const rules = { cpus: 2, rising: /^news (.*)$/ };
  const compare = (...lines: string[]) => compareJourneys(journey("news 1", "news 2"), journey(...lines), rules);
  assert.equal(compare("news 1", "news 1", "news 7"), undefined);
  assert.equal(compare("news 2", "news 1"), "component init -> a: found news 1, expected 2 or more");
  assert.match(compare("news 1", "news x")!, /^component init -> a: found news x, expected a number for /);
  const optional = { cpus: 2, rising: /^news ?(\d+)?/ };
  assert.match(compareJourneys(journey("news 1"), journey("news"), optional)!, /expected a number for /);
});
