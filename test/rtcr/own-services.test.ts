// A guest that serves PD, CPU or RM sessions by objects of its own: for the supervisor they are sessions of any service, whatever
// it is called, and go over with both. (Those that are core's, passed on, are refused by name: passed-on.test.ts.)
import assert from "node:assert/strict";
import { test } from "node:test";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { textWords } from "./driver.ts";
import { Pair, requests, withRequests } from "./pair.ts";

const SESSION = 200;
const ARGS = 'ram_quota=256K, cap_quota=20, label="x"';
const CLOSED = 1;

for (const strategy of STRATEGIES) {
  for (const service of ["PD", "CPU", "RM"]) {
    test(`S62, S64, S96: ${service} sessions that a guest serves itself go over with it and its client (${strategy})`, async () => {
      const pair = new Pair(strategy, true, { services: { b: service } });
      try {
        const scene = await withRequests(pair);
        const open = [SESSION, ...textWords(service), ...textWords(ARGS), 0, 0, 0, 0];
        const step = async (
          guest: "a" | "b",
          name: string,
          words: readonly number[],
          slots: readonly number[] = [],
        ) => {
          await scene.call(guest, "parent", name, words, slots);
          await pair.checkpoint();
        };
        await step("a", "session", open);
        await scene.call("b", "rom", "dataspace");
        assert.match(requests(pair.plain.tree), new RegExp(`<create id="1" service="${service}"`));
        await step("b", "deliver_session_cap", [1], [scene.slot("b", "rpc-object")]);
        await step("a", "session_cap", [SESSION]);
        const [slot = 0] = [...pair.plain.slots("a")].findLast(([, kind]) => kind === "rpc-object") ?? [];
        for (const word of [5, 41]) {
          await scene.rpc("a", slot, 0, word);
          await pair.checkpoint();
        }
        await step("a", "upgrade", [SESSION, ...textWords("ram_quota=4K")]);
        await step("b", "session_response", [1, 0]);
        await step("a", "close", [SESSION]);
        await step("b", "session_response", [1, CLOSED]);
        await step("a", "session", open);
        await scene.call("b", "rom", "dataspace");
        assert.match(requests(pair.plain.tree), new RegExp(`<create id="2" service="${service}"`));
      } finally {
        pair.close();
      }
    });
  }
}
