// The guest's side of the freeze bench: runs one scenario round after round, and notes when a request was honoured.

import { parentPort, workerData } from "node:worker_threads";
import type { HostImports } from "../src/abi/index.ts";
import { loadProgram } from "../src/core/program.ts";
import { Group } from "../src/engine/index.ts";
import { WORD, type WorkerInput } from "./freeze-protocol.ts";

const { scenario, bytes, words, times } = workerData as WorkerInput;
const group = new Group();
const imports: HostImports = {
  host: {
    block: {
      freeze: "restartable",
      call: (call) => {
        Atomics.store(words, WORD.inside, 1);
        while (call.wait(undefined) !== "freeze");
        return call.freeze();
      },
    },
    inside: { freeze: "instant", call: () => void Atomics.store(words, WORD.inside, 1) },
  },
};
const program = loadProgram(bytes, scenario.name);
group.add("guest", program, imports);
const index = (name: string) => program.info.exports.find((entry) => entry.name === name)!.index;
parentPort!.postMessage(group.control.words.buffer);
let thread = group.spawn({ instance: 0, function: index(scenario.entry), name: scenario.entry }, scenario.args);

for (let round = 0; ; round++) {
  while (Atomics.load(words, WORD.go) === round) Atomics.wait(words, WORD.go, round);
  const polls = group.polls;
  if (scenario.ping) ping();
  else group.run(thread);
  times[0] = process.hrtime.bigint();
  times[1] = BigInt(group.polls - polls);
  if (!scenario.ping && thread.state !== "frozen") thread = group.spawn(thread.entry, scenario.args);
  Atomics.store(words, WORD.inside, 0);
  Atomics.store(words, WORD.done, round + 1);
  Atomics.notify(words, WORD.done);
}

function ping(): void {
  Atomics.store(words, WORD.inside, 1);
  while (!group.requested);
}
