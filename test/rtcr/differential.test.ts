// The same random calls of two guests, with a supervisor and without: every reply, status, slot, signal, log line, account
// and thread is the same after each of them (S62). RTCR_SEED=n runs one sequence only; RTCR_CALLS its length.
// With RTCR_RESTORES=1 both guests are restored in place in between, too: not every sequence passes yet, what a child finds
// of sessions that were opened anew differs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGE, RPC } from "../../src/abi/index.ts";
import { Init } from "../../src/init/index.ts";
import { Rtcr } from "../../src/rtcr/index.ts";
import type { Env } from "../../src/session/index.ts";
import { required } from "../../src/util/index.ts";
import { type Random, seededRandom } from "../random.ts";
import {
  type Command,
  callOf,
  Drivers,
  FUNCTION,
  GUESTS,
  type Guest,
  MAILBOX,
  MAILBOXES,
  textWords,
} from "./driver.ts";
import { LEFT_OUT, NOT_HERE, RandomCalls, SERVICES } from "./random-calls.ts";

const only = process.env["RTCR_SEED"];
const SEEDS = only === undefined ? Array.from({ length: 10 }, (_, i) => i + 1) : [Number(only)];
const CALLS = Number(process.env["RTCR_CALLS"] ?? 400);

const RESTORED = process.env["RTCR_RESTORES"] === "1";

/** With and without. */
class Pair {
  #rtcr: Rtcr | undefined;
  readonly #outcomes: unknown[] = [];
  readonly sides = [new Drivers((env) => new Init(env)), new Drivers((env) => this.#supervise(env))] as const;
  readonly #history: string[] = [];

  #supervise(env: Env): Rtcr {
    this.#rtcr = new Rtcr(env, { restored: (outcome) => this.#outcomes.push(outcome) });
    return this.#rtcr;
  }

  /** What only the supervisor does, and nobody must notice: a checkpoint, and a restore of both guests from it. */
  async checkpoint(restored: boolean): Promise<void> {
    const rtcr = required(this.#rtcr, "a supervisor");
    const { system, lease } = rtcr.checkpoint("between");
    if (restored) {
      rtcr.restore(system);
      await this.sides[1].rest();
      const outcome = this.#outcomes.pop();
      assert.ok(Array.isArray(outcome), `after ${this.#history.length}: ${outcome}`);
    }
    lease.release();
    await this.both(restored ? "a restore" : "a checkpoint", () => {});
  }

  get plain(): Drivers {
    return this.sides[0];
  }

  async both(what: string, work: (side: Drivers) => Promise<void> | void): Promise<void> {
    this.#history.push(what);
    for (const side of this.sides) await work(side);
    const last = () => `after ${this.#history.length}: ${this.#history.slice(-8).join("; ")}`;
    const [plain, interposed] = this.sides;
    for (const guest of GUESTS) {
      assert.deepEqual(interposed.seen(guest), plain.seen(guest), `${guest} ${last()}`);
      const [there, here] = [plain.memory(guest), interposed.memory(guest)];
      const at = there.findIndex((byte, i) => byte !== here[i]);
      assert.equal(at, -1, `${guest}, byte 0x${at.toString(16)} is ${there[at]}, and ${here[at]} with RTCR, ${last()}`);
    }
  }

  close(): void {
    for (const side of this.sides) side.close();
  }
}

function describe(guest: Guest, mailbox: number, { order, words, message }: Command, kind: string): string {
  const view = message && new DataView(message.buffer);
  const data = view ? Array.from({ length: 5 }, (_, i) => view.getUint32(MESSAGE.data + i * 4, true)) : [];
  const slots = view ? Array.from({ length: 2 }, (_, i) => view.getUint32(MESSAGE.slots + i * 4, true)) : [];
  const name = order === "call" ? `${kind}.${RPC[kind]?.[words[1]]?.name}` : order;
  return `${guest}${MAILBOXES.indexOf(mailbox as never)} ${name}(${words.join(" ")} | ${data.join(" ")} | ${slots.join(" ")})`;
}

/** Each guest has its environment, a session of each service that RTCR stands in front of, a second thread that takes orders, one that serves, and the other's object. */
async function prepare(pair: Pair): Promise<void> {
  const main = MAILBOXES[0];
  const slotOf = (guest: Guest, kind: string) => pair.plain.slotOf(guest, kind);
  for (const guest of GUESTS) {
    const order = (command: Command) => pair.both(`prepare ${guest}`, (side) => side.order(guest, main, command));
    await order({ order: "parent", words: [0, 0, 0] });
    const parent = slotOf(guest, "parent");
    for (const id of [1, 2, 3, 4]) await order(callOf(parent, "parent", "session_cap", [id]));
    for (const [i, service] of ["Timer", "RM", "Report", "TRACE"].entries()) {
      const words = [100 + i, ...textWords(service), ...textWords(required(SERVICES[service], service)), 0, 0, 0, 0];
      await order(callOf(parent, "parent", "session", words));
    }
    await order(callOf(slotOf(guest, "cpu"), "cpu", "native_cpu", []));
    for (const [sp, serves] of [
      [MAILBOXES[1], false],
      [MAILBOXES[2], true],
    ] as const) {
      const [cpu, pd] = [slotOf(guest, "cpu"), slotOf(guest, "pd")];
      await order(callOf(cpu, "cpu", "create_thread", [1, 0x74, 0, 0, 0, 0, 10, 0], [pd]));
      const thread = slotOf(guest, "cpu-thread");
      await order(callOf(thread, "cpu-thread", "start", [FUNCTION.drive, sp]));
      if (!serves) continue;
      const serve: Command = { order: "serve", words: [FUNCTION.dispatch, 0, MAILBOX.message] };
      for (const command of [serve, { order: "return", words: [0, 0, 0] } as const]) {
        await pair.both(`${guest} serves`, (side) => side.order(guest, sp, command));
      }
      await order(callOf(pd, "pd", "alloc_rpc_cap", [], [thread]));
    }
  }
  for (const [from, to] of [
    ["a", "b"],
    ["b", "a"],
  ] as const) {
    const slot = slotOf(from, "rpc-object");
    await pair.both("introduce", (side) => side.introduce(from, slot, to));
  }
}

async function compare(seed: number, restored: boolean): Promise<ReadonlySet<string>> {
  const random: Random = seededRandom(seed);
  const calls = new RandomCalls(random, restored);
  const pair = new Pair();
  try {
    await prepare(pair);
    for (let i = 0; i < CALLS; i++) {
      if (random.below(25) === 0) await pair.checkpoint(restored);
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
    for (const name of await compare(seed, RESTORED)) called.add(name);
  });
}

test("S62: every function that guests can call was among them", { skip: only !== undefined || RESTORED }, () => {
  const kinds = Object.entries(RPC).filter(([kind]) => !NOT_HERE.includes(kind));
  const all = kinds.flatMap(([kind, functions]) => functions.map(({ name }) => `${kind} ${name}`));
  assert.deepEqual(
    all.filter((name) => !called.has(name) && !(name in LEFT_OUT)),
    [],
  );
});
