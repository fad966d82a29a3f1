// One of two workers that take turns: each waits for its turn asleep, having looked at the word for a while, or as CPUs do.
import { parentPort, workerData } from "node:worker_threads";
import { Patience } from "../src/core/kernel/cpus/patience.ts";

const { words, door, me, spins } = workerData as {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly door: Int32Array<SharedArrayBuffer>;
  readonly me: number;
  /** Undefined: as CPUs. */
  readonly spins: number | undefined;
};
const patience = new Patience(door);

parentPort!.on("message", (turns: number) => {
  const begin = performance.now();
  for (let turn = 0; turn < turns; turn++) {
    let left = spins ?? 0;
    while (left > 0 && Atomics.load(words, 0) !== me) left--;
    while (Atomics.load(words, 0) !== me) {
      if (spins !== undefined) Atomics.wait(words, 0, 1 - me);
      else if (!patience.look(words, 0, 1 - me)) patience.sleep(words, 0, 1 - me);
    }
    Atomics.store(words, 0, 1 - me);
    Atomics.notify(words, 0);
  }
  parentPort!.postMessage(performance.now() - begin);
});
