import assert from "node:assert/strict";
import { test } from "node:test";
import { serversFirst } from "./server-order.ts";

/** `client: server server, ...` */
function order(text: string): string {
  const all = text.split(", ").map((each) => {
    const [name = "", servers = ""] = each.split(":");
    return { name, servers: servers.split(" ").filter((server) => server !== "") };
  });
  const found = serversFirst(
    all,
    ({ name }) => name,
    ({ servers }) => servers,
  );
  return found.map((together) => together.map(({ name }) => name).join("+")).join(" ");
}

const CASES: readonly (readonly [given: string, expected: string])[] = [
  ["a:, b:, c:", "a b c"],
  ["a:b, b:c, c:", "c b a"],
  ["a:b c, b:, c:b", "b c a"],
  ["a:elsewhere, b:a", "a b"],
  ["a:a, b:a", "a b"],
  ["a:b, b:a", "a+b"],
  ["c:a, a:b, b:a, s:", "s a+b c"],
  ["x:a, a:b, b:c, c:a, y:x", "a+b+c x y"],
];

for (const [given, expected] of CASES) {
  test(`S96: ${given} are restored as: ${expected}`, () => assert.equal(order(given), expected));
}
