// What does it cost to open a session and close it again: at core by way of init, and at a sibling, which learns of it
// from its `session_requests` ROM and answers later?
import { Connections } from "../src/native/index.ts";
import type { Env } from "../src/session/index.ts";
import { assert, required } from "../src/util/index.ts";
import { config, start, startSystem } from "../test/support/core-system.ts";

const SIBLING = "<provides><service name='LOG'/></provides>";
const ROUTES = {
  core: "<route><any-service><parent/></any-service></route>",
  sibling:
    "<route><service name='LOG'><child name='log_server'/></service><any-service><parent/></any-service></route>",
};

/** What opens and closes LOG sessions one after the other, and returns how many nanoseconds that took. */
export async function openedSessions(server: keyof typeof ROUTES, sessions: number): Promise<() => Promise<number>> {
  let env: Env | undefined;
  const system = startSystem({
    config: config(start("log_server", SIBLING + ROUTES.core) + start("client", ROUTES[server])),
    natives: {
      client: (own) => {
        env = own;
        return { dispose: () => {} };
      },
    },
  });
  const connections = new Connections(required(env, "the client's environment"));
  const once = () => {
    let opened = false;
    const id = connections.open(
      { service: "LOG", label: "bench", donation: { ram: 64 << 10, caps: 8 } },
      {
        ready: () => (opened = true),
        refused: (reason) => assert(false, reason),
      },
    );
    if (!opened) system.settle();
    assert(opened, "the session is there");
    connections.close(id);
    system.settle();
  };
  return async () => {
    const begin = performance.now();
    for (let i = 0; i < sessions; i++) once();
    return (performance.now() - begin) * 1e6;
  };
}
