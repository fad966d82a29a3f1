// Restores that wait for a session which its server answers when it likes, and what may happen meanwhile, over and over: whatever
// ends such a restore, in the end no object, no capability and no RAM of it is left (S106).
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, Connections, Server } from "../../src/native/index.ts";
import { RtcrFault, STRATEGIES, type Strategy } from "../../src/rtcr/index.ts";
import { type Env, type LogSession, objectOf, type ParentSession } from "../../src/session/index.ts";
import { refusal, success } from "../../src/util/index.ts";
import { seededRandom, seedOr } from "../random.ts";
import { component, Rig, type RigOptions } from "./rig.ts";

const DEADLINE_MS = 40;
const ROUNDS = 60;
const LOG_OF_SLOW = '<service name="LOG"><child name="slow"/></service><any-service><parent/></any-service>';
const SLOW = { name: "slow", inside: '<provides><service name="LOG"/></provides>' };
const sheep = (name: string) => ({
  ...{ name, binary: "prog" },
  inside: `<config turns="1000000" iterations="20"/><route>${LOG_OF_SLOW}</route>`,
});
const CLIENTS = [sheep("one"), sheep("two")];
const ALL = [SLOW, ...CLIENTS];

/** A supervisor with a server of LOG sessions that answers when it is told to, and two clients of it. */
class Waiting {
  readonly rig: Rig;
  readonly answers: Answer[] = [];
  #slow: Env | undefined;
  readonly #random: (below: number) => number;

  constructor(strategy: Strategy, random: (below: number) => number) {
    this.#random = random;
    const options: RigOptions = { children: ALL, strategy, bootstrapMs: () => DEADLINE_MS };
    const natives = { slow: (env: Env) => this.#server(env) };
    this.rig = new Rig({ ...options, natives, binaries: { prog: component("sheep_counter_timer") } });
  }

  #server(env: Env) {
    this.#slow = env;
    const connections = new Connections(env);
    const serve = (_: unknown, answer: Answer) => {
      this.answers.push(answer);
      return undefined;
    };
    const server = new Server(env, connections, new Map([["LOG", { serve }]]));
    return {
      dispose: () => {
        server.dispose();
        connections.dispose();
        this.answers.length = 0;
      },
    };
  }

  answer(): void {
    const log: LogSession = { kind: "log", write: (text) => text.length };
    for (const answer of this.answers.splice(0)) answer(success({ object: log, close: () => {} }));
  }

  refuse(): void {
    for (const answer of this.answers.splice(0)) answer(refusal("service-denied"));
  }

  /** The server ends, and is started anew by the next configuration. */
  exit(): void {
    const parent = this.#slow && objectOf<ParentSession>(this.#slow.parent, "parent");
    parent?.exit(1);
  }

  corePd(name: string) {
    return [...this.rig.tree.core.pds].find(({ label }) => label === `init -> rtcr -> ${name}`);
  }

  /** Some of the children, as configured in the order of the list. */
  some(): typeof ALL {
    return ALL.filter(() => this.#random(3) > 0);
  }

  /** Some time passes; the event loop has its turns. */
  async pass(ms = 1 + this.#random(4)): Promise<void> {
    for (let step = 0; step < ms; step++) {
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      this.rig.tree.advance(1000);
    }
  }

  /** All children run. */
  async settle(): Promise<void> {
    let version = 0;
    for (let step = 0; ; step++) {
      this.rig.tree.settle();
      this.answer();
      await this.pass(2);
      if (this.rig.rtcr.children.length === ALL.length && this.answers.length === 0) return;
      assert.ok(step < 100, `all run: ${this.rig.rtcr.children.join()}: ${this.rig.tree.lines.slice(-4).join("; ")}`);
      // What has exited is started by another version of its start node.
      if (step % 10 === 9) this.rig.reconfigure([]);
      else if (step % 10 === 0) {
        version++;
        this.rig.reconfigure(
          ALL.map((child) => ({ ...child, attributes: `caps="500" ram="16M" version="${version}"` })),
        );
      }
    }
  }

  left(): unknown {
    this.rig.rtcr.dispose();
    this.rig.tree.settle();
    const { core } = this.rig.tree;
    const pd = this.rig.tree.pd("rtcr")!;
    const account = { ram: pd.ramQuota(), caps: pd.capQuota(), usedRam: pd.usedRam(), usedCaps: pd.usedCaps() };
    const own = { ram: core.own.ramQuota(), caps: core.own.capQuota(), usedRam: core.own.usedRam() };
    const { badges, components, calls } = core.kernel;
    return { account, own, pds: core.pds.size, components: components.length, calls: calls.size, badges: badges.live };
  }
}

const EVENTS: Readonly<Record<string, (waiting: Waiting, random: (below: number) => number) => void>> = {
  "the session comes": (waiting) => waiting.answer(),
  "the session is refused": (waiting) => waiting.refuse(),
  "the server exits": (waiting) => waiting.exit(),
  "the server's PD ends": (waiting) => void waiting.corePd("slow")?.destroy(),
  "a client's PD ends": (waiting) => void waiting.corePd("one")?.destroy(),
  "other children are configured": (waiting) => waiting.rig.reconfigure(waiting.some()),
  "none is configured": (waiting) => waiting.rig.reconfigure([]),
  "all are configured anew": ({ rig }, random) =>
    rig.reconfigure(ALL.map((child) => ({ ...child, attributes: `caps="500" ram="${8 + random(4)}M"` }))),
  nothing: () => {},
};

for (const strategy of STRATEGIES) {
  test(`S4, S14, S106: restores that wait for sessions leave nothing behind, whatever ends them (${strategy})`, async () => {
    const plain = new Waiting(strategy, () => 1);
    await plain.settle();
    const expected = plain.left();
    plain.rig.close();

    const seed = seedOr(strategy === "direct" ? 11 : 12);
    const { below } = seededRandom(seed);
    const waiting = new Waiting(strategy, below);
    const { rig } = waiting;
    const ends = new Map<string, number>();
    const names = Object.keys(EVENTS);
    for (let round = 0; round < ROUNDS; round++) {
      await waiting.settle();
      const of = [["one"], ["two"], ["one", "two"]][below(3)]!;
      const { system } = rig.rtcr.checkpoint("now", of);
      const before = rig.outcomes.length;
      rig.rtcr.restore(system);
      if (below(3) > 0) await waiting.pass();
      const happened = names[round % names.length]!;
      for (let times = 1 + below(2); times > 0; times--) {
        EVENTS[times === 1 ? happened : names[below(names.length)]!]!(waiting, below);
        if (below(2) > 0) await waiting.pass();
      }
      if (below(2) > 0) waiting.answer();
      await waiting.pass(DEADLINE_MS + 10);
      const [outcome] = rig.outcomes.slice(before);
      const end = outcome instanceof RtcrFault ? outcome.code : outcome ? "restored" : "none";
      ends.set(end, (ends.get(end) ?? 0) + 1);
      if (round === ROUNDS / 2) rig.reconfigure([]);
    }
    await waiting.settle();
    assert.deepEqual(waiting.left(), expected, `seed ${seed}: ${JSON.stringify([...ends])}`);
    rig.close();
  });
}
