// Two guests of driver.ts twice, with a supervisor and without, that are told the same: nothing they see differs.
import assert from "node:assert/strict";
import { MESSAGE, RPC } from "../../src/abi/index.ts";
import { Init } from "../../src/init/index.ts";
import { Rtcr, type Strategy } from "../../src/rtcr/index.ts";
import { contentOf, type Dataspace, type Env } from "../../src/session/index.ts";
import { required } from "../../src/util/index.ts";
import {
  type Command,
  callOf,
  type DriverOptions,
  Drivers,
  FUNCTION,
  GUESTS,
  type Guest,
  MAILBOX,
  MAILBOXES,
  textWords,
} from "./driver.ts";
import { SERVICES } from "./random-calls.ts";
import { throughImage } from "./rig.ts";

/** With and without. */
export class Pair {
  readonly #strategy: Strategy | undefined;
  readonly #stored: boolean;
  #rtcr: Rtcr | undefined;
  readonly #outcomes: unknown[] = [];
  readonly sides: readonly [Drivers, Drivers];
  readonly #history: string[] = [];
  /** From here on the sides may differ. */
  apart = false;

  /**
   * @param strategy how the guests are restored in between; absent: they are not
   * @param stored whether checkpoints go through an image before that
   * @param inner whether the guests are those of a supervisor among the children of the one that does all this
   */
  constructor(strategy?: Strategy, stored = false, options: DriverOptions = {}, inner = false) {
    this.#strategy = strategy;
    this.#stored = stored;
    const supervised = inner
      ? new Drivers((env, saved) => new Rtcr(env, {}, saved), { ...options, root: (env) => this.#supervise(env) })
      : new Drivers((env) => this.#supervise(env), options);
    this.sides = [new Drivers((env) => new Init(env), options), supervised];
  }

  #supervise(env: Env): Rtcr {
    const strategy = this.#strategy ?? "direct";
    this.#rtcr = new Rtcr(env, { strategy, restored: (outcome) => this.#outcomes.push(outcome) });
    return this.#rtcr;
  }

  /** What only the supervisor does, and nobody must notice: a checkpoint, and a restore of both guests from it. */
  async checkpoint(): Promise<void> {
    const restored = this.#strategy !== undefined;
    const rtcr = required(this.#rtcr, "a supervisor");
    const { system, lease } = rtcr.checkpoint("between");
    if (restored) {
      rtcr.restore(this.#stored ? await throughImage(system) : system);
      await this.sides[1].rest();
      const outcome = this.#outcomes.pop();
      assert.ok(Array.isArray(outcome), `after ${this.#history.length}: ${outcome}`);
    }
    lease.release();
    await this.both(restored ? "a restore" : "a checkpoint", () => {});
  }

  /** Something that only the supervisor does. A restore must have worked when this resolves. */
  async supervised(work: (rtcr: Rtcr) => void): Promise<void> {
    work(required(this.#rtcr, "a supervisor"));
    await this.sides[1].rest();
    for (const outcome of this.#outcomes.splice(0)) assert.ok(Array.isArray(outcome), `${outcome}`);
  }

  get plain(): Drivers {
    return this.sides[0];
  }

  async both(what: string, work: (side: Drivers) => Promise<void> | void): Promise<void> {
    this.#history.push(what);
    for (const side of this.sides) await work(side);
    if (this.apart) return;
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

export function describe(guest: Guest, mailbox: number, { order, words, message }: Command, kind: string): string {
  const view = message && new DataView(message.buffer);
  const data = view ? Array.from({ length: 5 }, (_, i) => view.getUint32(MESSAGE.data + i * 4, true)) : [];
  const slots = view ? Array.from({ length: 2 }, (_, i) => view.getUint32(MESSAGE.slots + i * 4, true)) : [];
  const name = order === "call" ? `${kind}.${RPC[kind]?.[words[1]]?.name}` : order;
  return `${guest}${MAILBOXES.indexOf(mailbox as never)} ${name}(${words.join(" ")} | ${data.join(" ")} | ${slots.join(" ")})`;
}

/** Each guest has its environment, a session of each service that RTCR stands in front of, a second thread that takes orders, one that serves, and the other's object. */
export async function prepare(pair: Pair): Promise<void> {
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

/** Calls by name, in the initial thread of a guest. */
export class Scene {
  readonly pair: Pair;

  constructor(pair: Pair) {
    this.pair = pair;
  }

  slot(guest: Guest, kind: string): number {
    return this.pair.plain.slotOf(guest, kind);
  }

  async call(guest: Guest, kind: string, name: string, words: readonly number[] = [], slots: readonly number[] = []) {
    await this.on(guest, this.slot(guest, kind), kind, name, words, slots);
  }

  /** As `call`, of the object at a slot. */
  async on(
    guest: Guest,
    slot: number,
    kind: string,
    name: string,
    words: readonly number[] = [],
    slots: readonly number[] = [],
  ): Promise<void> {
    const command = callOf(slot, kind, name, words, slots);
    await this.pair.both(`${guest} ${kind}.${name}`, (side) => side.order(guest, MAILBOXES[0], command));
  }

  /** An RPC. @param opcode 0: the server adds one to the word */
  async rpc(guest: Guest, slot: number, opcode: number, word: number): Promise<void> {
    const { message } = callOf(0, "log", "write", [word]);
    const command = { order: "call", words: [slot, opcode, MAILBOX.message], message } as const;
    await this.pair.both(`${guest} calls`, (side) => side.order(guest, MAILBOXES[0], command));
  }

  async give(from: Guest, slot: number, to: Guest): Promise<void> {
    await this.pair.both(`${from} gives`, (side) => side.introduce(from, slot, to));
  }

  result(guest: Guest): ReturnType<Pair["plain"]["result"]> {
    return this.pair.plain.result(guest, MAILBOXES[0]);
  }
}

/** What b is asked for, as its module says it. */
export function requests({ core }: Drivers["tree"]): string {
  const pd = [...core.pds].find(({ label }) => label === "init -> rtcr -> b");
  const component = pd && core.kernel.componentOf(pd.capability);
  let text = "";
  component?.table.eachSlot((_, { object }) => {
    if (object?.kind !== "dataspace") return;
    const content = new TextDecoder().decode(contentOf(object as Dataspace)).replace(/\0+$/, "");
    if (content.startsWith("<session_requests")) text = content;
  });
  return text;
}

/** Both guests; b has opened its module, and looked. */
export async function withRequests(pair: Pair): Promise<Scene> {
  const scene = new Scene(pair);
  await prepare(pair);
  const rom = [...textWords("ROM"), ...textWords('ram_quota=6K, cap_quota=3, label="session_requests"'), 0, 0, 0, 0];
  await scene.call("b", "parent", "session", [300, ...rom]);
  await scene.call("b", "pd", "alloc_signal_source");
  await scene.call("b", "pd", "alloc_context", [7], [scene.slot("b", "signal-source")]);
  await scene.call("b", "rom", "sigh", [], [scene.slot("b", "signal-context")]);
  await scene.call("b", "rom", "dataspace");
  return scene;
}
