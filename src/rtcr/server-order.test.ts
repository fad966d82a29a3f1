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
  return "circle" in found ? `circle ${found.circle.join(" ")}` : found.order.map(({ name }) => name).join(" ");
}

const CASES: readonly (readonly [given: string, expected: string])[] = [
  ["a:, b:, c:", "a b c"],
  ["a:b, b:c, c:", "c b a"],
  ["a:b c, b:, c:b", "b c a"],
  ["a:elsewhere, b:a", "a b"],
  ["a:a, b:a", "a b"],
  ["a:b, b:a", "circle a b"],
  ["x:a, a:b, b:c, c:a, y:x", "circle a b c"],
];

for (const [given, expected] of CASES) {
  test(`S96: ${given} are restored as: ${expected}`, () => assert.equal(order(given), expected));
}
