// Random calls of the guests of a pair, compared after each (differential.test.ts).
import type { Strategy } from "../../src/rtcr/index.ts";
import { seededRandom } from "../random.ts";
import { GUESTS } from "./driver.ts";
import { describe, Pair, prepare } from "./pair.ts";
import { RandomCalls } from "./random-calls.ts";

export interface CompareOptions {
  /** How both guests are recreated in the places of the checkpoints; absent: they go on. */
  readonly strategy?: Strategy | undefined;
  /** Default: 400 */
  readonly calls?: number;
  /** Whether they are guests of a supervisor among the children. */
  readonly inner?: boolean;
}

/** @returns what the guests have called */
export async function compare(seed: number, options: CompareOptions = {}): Promise<ReadonlySet<string>> {
  const { strategy, calls: count = 400, inner = false } = options;
  const random = seededRandom(seed);
  const calls = new RandomCalls(random, strategy !== undefined);
  const pair = new Pair(strategy, false, {}, inner);
  try {
    await prepare(pair);
    for (let i = 0; i < count; i++) {
      if (random.below(25) === 0) await pair.checkpoint();
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
