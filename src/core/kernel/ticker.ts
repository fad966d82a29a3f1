// The ticker of a kernel: a worker that sets the flags of all groups every slice while guests run, so that they give way.
// The same lines run in workers of browsers and of Node; whoever has threads of another kind passes a StartTicker.
//
// It looks at one shared word: RUN while guests run. When that has been REST for some slices it parks, and must be woken
// by a message; short pauses of the guests cost nothing.
import { CONTROL } from "../../abi/index.ts";

export interface KernelTicker {
  /** Resolves when it ticks; rejects if no worker can be started. */
  readonly ready: Promise<void>;
  /** The first words of a group's control memory: its flag is set from now on. */
  add(words: Int32Array<SharedArrayBuffer>): void;
  remove(words: Int32Array<SharedArrayBuffer>): void;
  run(): void;
  rest(): void;
  close(): void;
}

export type StartKernelTicker = (sliceMs: number) => KernelTicker;

const REST = 0;
const RUN = 1;
const PARKED = 2;

/** What the worker does with messages: `{ state, sliceMs }` first, then `{ add }`, `{ remove }` (buffers) and `{}`. */
const WORKER = `(() => {
  let state, timer, sliceMs, idle = 0;
  const flags = new Map();
  const tick = () => {
    if (Atomics.load(state, 0) === ${RUN}) idle = 0;
    else if (++idle > 50 && Atomics.compareExchange(state, 0, ${REST}, ${PARKED}) === ${REST}) {
      clearInterval(timer);
      timer = undefined;
      return;
    }
    for (const words of flags.values()) Atomics.store(words, ${CONTROL.flag >> 2}, 1);
  };
  return (message) => {
    if (message.state) ({ state, sliceMs } = message);
    if (message.add) flags.set(message.id, new Int32Array(message.add));
    if (message.remove) flags.delete(message.remove);
    if (timer === undefined && Atomics.load(state, 0) !== ${PARKED}) { idle = 0; timer = setInterval(tick, sliceMs); }
  };
})()`;

interface Port {
  post(message: object): void;
  terminate(): void;
}

export const startKernelTicker: StartKernelTicker = (sliceMs) => {
  const state = new Int32Array(new SharedArrayBuffer(4));
  const node = nodeWorkers();
  const { port, ready } = node ? startNodeWorker(node) : startWebWorker();
  ready.catch(() => {}); // told to whoever awaits it
  const ids = new Map<Int32Array<SharedArrayBuffer>, number>();
  let next = 1;
  port.post({ state, sliceMs });
  return {
    ready,
    add: (words) => {
      ids.set(words, next);
      port.post({ add: words.buffer, id: next++ });
    },
    remove: (words) => {
      port.post({ remove: ids.get(words) });
      ids.delete(words);
    },
    run: () => {
      if (Atomics.exchange(state, 0, RUN) === PARKED) port.post({});
    },
    rest: () => {
      Atomics.compareExchange(state, 0, RUN, REST);
    },
    close: () => port.terminate(),
  };
};

/** The module of Node, which browsers do not have: an import would stop them from loading this file. */
function nodeWorkers() {
  return globalThis.process?.getBuiltinModule?.("node:worker_threads");
}

function startNodeWorker({ Worker }: NonNullable<ReturnType<typeof nodeWorkers>>): {
  port: Port;
  ready: Promise<void>;
} {
  const text = `const { parentPort } = require("node:worker_threads");
    const receive = ${WORKER};
    parentPort.on("message", receive);
    parentPort.postMessage("ready");`;
  const worker = new Worker(text, { eval: true, name: "rtcr kernel ticker" });
  const ready = new Promise<void>((resolve, reject) => {
    worker.once("message", () => {
      worker.unref(); // it does not keep the process alive
      resolve();
    });
    worker.once("error", reject);
  });
  return { port: { post: (message) => worker.postMessage(message), terminate: () => void worker.terminate() }, ready };
}

function startWebWorker(): { port: Port; ready: Promise<void> } {
  const text = `const receive = ${WORKER}; onmessage = ({ data }) => receive(data); postMessage("ready");`;
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "rtcr kernel ticker" });
  const ready = new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = (event) => reject(new Error(event.message));
  }).finally(() => URL.revokeObjectURL(url));
  return { port: { post: (message) => worker.postMessage(message), terminate: () => worker.terminate() }, ready };
}

/** A kernel without ticker: guests give way when they block, end or are stopped. */
export const noKernelTicker: StartKernelTicker = () => ({
  ready: Promise.resolve(),
  add: () => {},
  remove: () => {},
  run: () => {},
  rest: () => {},
  close: () => {},
});
