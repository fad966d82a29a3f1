// One of two workers that take turns: each waits for its turn as CPUs do, by looking at the word for a while, then asleep.
import { parentPort, workerData } from "node:worker_threads";

const { words, me, spins } = workerData as {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly me: number;
  readonly spins: number;
};

parentPort!.on("message", (turns: number) => {
  const begin = performance.now();
  for (let turn = 0; turn < turns; turn++) {
    let left = spins;
    while (left > 0 && Atomics.load(words, 0) !== me) left--;
    while (Atomics.load(words, 0) !== me) Atomics.wait(words, 0, 1 - me);
    Atomics.store(words, 0, 1 - me);
    Atomics.notify(words, 0);
  }
  parentPort!.postMessage(performance.now() - begin);
});
