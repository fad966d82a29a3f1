// A caller or a server that dies with capabilities under way, wherever they are then: in a queue, in a line, in a reply. Nobody
// keeps a reference too many or too few, calls end as defined, and what PDs have paid for comes back.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StartCpu, StartedCpu } from "../../src/core/kernel/cpus/protocol.ts";
import { startNodeCpu } from "../../src/core/kernel/cpus/start-node.ts";
import { seededRandom, seedOr } from "../random.ts";
import { counter, machine } from "../support/cpus.ts";
import type { TestComponent, TestSystem } from "../support/kernel-system.ts";
import { ended, passing, references, say, word } from "../support/passing.ts";
import { until } from "../support/until.ts";

const CPUS = 5;
/** CPUs of the clients, and of their server. */
const PLACES: readonly [clients: readonly number[], server: number][] = [
  [[0], 0],
  [[0, 0, 0], 0],
  [[1, 1], 1],
  [[1], 2],
  [[1, 3, 4], 2],
  [[0, 1, 3], 2],
  [[1, 2], 0],
];
const DEATHS = ["thread", "PD", "CPU"] as const;

type Cast = Awaited<ReturnType<typeof passing>>;

const paid = ({ pd }: TestComponent) => [pd.usedRam(), pd.usedCaps()];

/** What has come to those that live has been counted by them, once each time; what was about to come to the dead one may have. */
function counted({ server, clients }: Cast, dead: TestComponent): void {
  for (const client of clients) {
    if (client !== dead) assert.equal(references(client, client.passed), 1 + counter(client), client.label);
  }
  if (server === dead) return;
  const came = clients.filter(({ passed }) => passed.valid).map(({ passed }) => references(server, passed));
  const sum = came.reduce((all, each) => all + each, 0);
  assert.ok(
    came.length < clients.length ? sum <= counter(server) : sum === counter(server),
    `${sum} of ${counter(server)}`,
  );
}

for (const [cpus, to] of PLACES) {
  for (const death of DEATHS) {
    for (const victim of ["client", "server"] as const) {
      const cpu = victim === "server" ? to : cpus[0]!;
      if (death === "CPU" && (cpu === 0 || [...cpus, to].filter((each) => each === cpu).length > 1)) continue;
      test(`S2, S4, S14, S34: ${victim} dies by its ${death} with capabilities under way: clients on ${cpus}, server on ${to}`, async (t) => {
        const started: StartedCpu[] = [];
        const start: StartCpu = (setup, lost) => (started[setup.number] = startNodeCpu(setup, lost));
        const system = await machine(CPUS, { cpus: { width: CPUS, height: 1, start } });
        t.after(() => system.close());
        const random = seededRandom(seedOr(7 * cpu + DEATHS.indexOf(death)));
        const root = rootOf(system);
        for (let round = 0; round < (death === "CPU" ? 1 : 3); round++) {
          const cast = await passing(system, cpus, to);
          const { server, ep, clients } = cast;
          const before = [server, ...clients].map(paid);
          for (const { caller } of clients) caller.start(0, 0);
          const point = random.below(400);
          await until(() => counter(server) > point && clients.every((each) => counter(each) > 0));
          const [made, thread] = victim === "server" ? [server, ep] : [clients[0]!, clients[0]!.caller];
          if (death === "thread") made.cpu.killThread(thread.capability);
          else if (death === "PD") made.pd.destroy();
          else {
            started[cpu]!.terminate();
            await until(() => thread.exception);
            made.pd.destroy(); // until then its call waits, and who calls it
          }
          await goOn(cast, made);
          await system.rest();
          assert.equal(system.kernel.calls.size, 0);
          counted(cast, made);
          [server, ...clients].forEach((each, i) => {
            if (each.pd.capability.valid && each !== made) assert.deepEqual(paid(each), before[i], each.label);
          });
          for (const { pd } of [server, ...clients]) if (pd.capability.valid) pd.destroy();
          assert.deepEqual(rootOf(system), root, "all that was paid for is given back");
        }
      });
    }
  }
}

/** Clients that live go on, or have heard of the end of their server; all come to an end. */
async function goOn({ server, ep, clients }: Cast, made: TestComponent): Promise<void> {
  const others = clients.filter((each) => each !== made);
  if (made === server) await until(() => others.every((each) => word(each, 68) > 0));
  else {
    const counts = others.map(counter);
    await until(() => others.every((each, i) => counter(each) > counts[i]! + 20));
  }
  for (const each of others) say(each, 72, 1);
  await until(() => others.every(({ caller }) => ended(caller)));
  if (made !== server) await until(() => ep.idle);
}

function rootOf({ root }: TestSystem) {
  return [root.usedRam(), root.usedCaps(), root.ramQuota(), root.capQuota()];
}
