// Systems that are checkpointed while they run, killed and continued, in real processes: what a restore says continues what
// was said before, without a gap or a repeat, as an uninterrupted run says it.
//
//   first    runs ... checkpoint "older" ... checkpoint "newer" ... SIGKILL
//   second   from the newer one, by its bootstrap ... a checkpoint that stops it: here the place is known exactly
//   third    from that, directly ... SIGKILL
//   fourth   from the older one, directly ... SIGKILL
//   fifth    from the older one once more, by its bootstrap ... SIGKILL
//   whole    runs until it has said as much as the longest of them
//
// None of the programs ends, so that none of this depends on time. Each component's lines are compared by themselves.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Strategy } from "../../src/rtcr/index.ts";
import type { TorturedSystem } from "../tortured/systems.ts";
import { writeSystem } from "../tortured/tortured.ts";
import { cli, folder, Guest } from "./support.ts";

/** How many lines more each component says between two steps. */
const MORE = 2;

export interface Running extends TorturedSystem {
  /** Components that say something, as `a -> b` behind the supervisor. */
  readonly speakers: readonly string[];
  /** What depends on how components interleave. */
  readonly varies?: RegExp;
  /** Of the machine. Default: 1 */
  readonly cpus?: number;
}

/** By component. */
type Counts = ReadonlyMap<string, number>;

/** A process, with what each component has said there. */
class Speech {
  readonly guest: Guest;
  readonly lines = new Map<string, string[]>();
  readonly #system: Running;
  /** The beginning of a line. */
  #rest = "";
  /** A line that says that something has ended, which none of them does. */
  #end: string | undefined;
  #wake = () => {};

  constructor(guest: Guest, system: Running) {
    this.guest = guest;
    this.#system = system;
    for (const name of system.speakers) this.lines.set(name, []);
    guest.process.stdout.on("data", (text: string) => this.#read(text));
    void guest.ended.then(() => this.#wake());
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (/exited with exit value/.test(line)) this.#end = line;
      const [, name, said] = line.match(/^\[init -> rtcr -> (.*?)\] (.*)$/) ?? [];
      if (name !== undefined) this.lines.get(name)?.push(said!.replace(this.#system.varies ?? "", ""));
    }
    this.#wake();
  }

  /** How much has been said, by component. */
  get counts(): Counts {
    return new Map(Array.from(this.lines, ([name, { length }]) => [name, length]));
  }

  /** Resolves when all have said so many lines. */
  async until(least: (speaker: string) => number): Promise<void> {
    while (this.lines.entries().some(([name, { length }]) => length < least(name))) {
      assert.equal(this.#end, undefined);
      assert.ok(!this.guest.over, `it has ended: ${this.guest.err}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Resolves when all have said more than by now. */
  async further(): Promise<void> {
    const { counts } = this;
    await this.until((name) => counts.get(name)! + MORE);
  }

  async kill(): Promise<void> {
    this.guest.process.kill("SIGKILL");
    assert.equal(await this.guest.ended, "SIGKILL", this.guest.err);
  }
}

class Machine {
  readonly #t: TestContext;
  readonly #system: Running;
  readonly #path: string;
  readonly #file: string;

  constructor(t: TestContext, system: Running) {
    this.#t = t;
    this.#system = system;
    this.#path = folder(t);
    this.#file = writeSystem(this.#path, system);
  }

  /** @param name of the run */
  run(name: string): Speech {
    return this.#start("run", "--name", name);
  }

  restore(id: string, name: string, strategy: Strategy): Speech {
    return this.#start("restore", "--strategy", strategy, "--as", name, id);
  }

  #start(...args: readonly string[]): Speech {
    const { cpus } = this.#system;
    const places = cpus === undefined ? [] : ["--cpus", `${cpus}`];
    return new Speech(new Guest(this.#t, this.#path, ...args, ...places, this.#file), this.#system);
  }

  /** @returns its id */
  async checkpoint(name: string, ...options: readonly string[]): Promise<string> {
    const { code, out, err } = await cli(this.#path, "checkpoint", ...options, name);
    assert.equal(code, 0, err);
    return out.trim();
  }
}

/** A checkpoint, with what had been said for sure when it was made. */
interface Taken {
  readonly id: string;
  readonly before: Counts;
}

/** What was said from a checkpoint on, in one process or two. */
interface Continued {
  readonly what: string;
  readonly lines: (speaker: string) => readonly string[];
  readonly from: Taken;
}

/** @returns what the first process has said, and what the others have continued */
async function journey(machine: Machine): Promise<readonly [Speech, ...Continued[]]> {
  const first = machine.run("first");
  const take = async (): Promise<Taken> => {
    await first.further();
    const before = first.counts;
    return { before, id: await machine.checkpoint("first") };
  };
  const [older, newer] = [await take(), await take()];
  await first.further();
  await first.kill();

  const second = machine.restore(newer.id, "second", "bootstrap");
  await second.further();
  const stopped = await machine.checkpoint("second", "--stop");
  assert.equal(await second.guest.ended, 0, second.guest.err);
  const once = async (what: string, id: string, strategy: Strategy): Promise<Speech> => {
    const speech = machine.restore(id, what, strategy);
    await speech.further();
    await speech.kill();
    return speech;
  };
  const third = await once("third", stopped, "direct");
  const [fourth, fifth] = [await once("fourth", older.id, "direct"), await once("fifth", older.id, "bootstrap")];
  const of = (...speeches: readonly Speech[]) => {
    return (speaker: string) => speeches.flatMap(({ lines }) => lines.get(speaker)!);
  };
  return [
    first,
    { what: "second and third", lines: of(second, third), from: newer },
    { what: "fourth", lines: of(fourth), from: older },
    { what: "fifth", lines: of(fifth), from: older },
  ];
}

/** @returns where in `whole` all of `found` stands, from `least` to `most`: more cannot have been said before the checkpoint */
function placeOf(found: readonly string[], whole: readonly string[], least: number, most: number): number | undefined {
  for (let at = least; at <= most; at++) if (found.every((line, i) => line === whole[at + i])) return at;
  return undefined;
}

/** One test for each system. @param systems by name, rows of the specification in front */
export function killEach(systems: Readonly<Record<string, Running>>): void {
  for (const [name, system] of Object.entries(systems)) {
    test(`S71, S88, S90, ${name}: killed and continued by fresh processes, by A and B, an older checkpoint after a newer`, async (t) => {
      const machine = new Machine(t, system);
      const [first, ...others] = await journey(machine);
      const whole = machine.run("whole");
      const longest = (of: string) => Math.max(...others.map(({ lines }) => lines(of).length));
      await whole.until((of) => first.lines.get(of)!.length + longest(of));
      await whole.kill();
      for (const [of, expected] of whole.lines) {
        const said = first.lines.get(of)!;
        assert.deepEqual(said, expected.slice(0, said.length), `${of}, first`);
        for (const { what, lines, from } of others) {
          const [least, found] = [from.before.get(of)!, lines(of)];
          const place = placeOf(found, expected, least, said.length);
          const text = `${of}, ${what}: ${found.join(" | ")}: expected what comes from its line ${least} to ${said.length} on`;
          assert.notEqual(place, undefined, text);
        }
      }
    });
  }
}
