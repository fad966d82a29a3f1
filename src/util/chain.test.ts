// Chains against a set, which keeps the order in which its elements came, too.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { Chain, type Linked } from "./chain.ts";

interface Item extends Linked<Item> {
  readonly name: number;
}

const item = (name: number): Item => ({ name, chain: undefined, older: undefined, newer: undefined });

test("a chain is a set in the order of adding, whatever is taken out", () => {
  const items = Array.from({ length: 40 }, (_, name) => item(name));
  const chains = [new Chain<Item>(), new Chain<Item>()] as const;
  const sets = [new Set<Item>(), new Set<Item>()] as const;
  let state = 1;
  for (let step = 0; step < 5000; step++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const one = items[(state >>> 8) % items.length]!;
    const which = (state >>> 20) & 1;
    if (one.chain) equal(chains[which]!.delete(one), sets[which]!.delete(one));
    else {
      chains[which]!.add(one);
      sets[which]!.add(one);
    }
    for (const i of [0, 1] as const) {
      equal(chains[i].size, sets[i].size);
      equal(chains[i].has(one), sets[i].has(one));
      deepEqual(Array.from(chains[i], namesOf), Array.from(sets[i], namesOf));
    }
  }
});

const namesOf = ({ name }: Item) => name;

test("whoever goes through a chain may take out what it is given", () => {
  for (const through of ["forEach", "iterator"] as const) {
    const chain = new Chain<Item>();
    const seen: number[] = [];
    for (let name = 0; name < 5; name++) chain.add(item(name));
    const visit = (one: Item) => {
      seen.push(one.name);
      if (one.name !== 2) chain.delete(one);
    };
    if (through === "forEach") chain.forEach(visit);
    else for (const one of chain) visit(one);
    deepEqual(seen, [0, 1, 2, 3, 4]);
    deepEqual(Array.from(chain, namesOf), [2]);
    equal(chain.oldest?.name, 2);
  }
});
