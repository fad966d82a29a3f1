// The ticker: a tiny worker that sets the flag of a control memory every few milliseconds, so that guests give way and
// the event loop of the JavaScript thread they run in stays responsive. The same few lines run in workers of browsers
// and of Node; whoever has threads of another kind passes a StartTicker of their own.

import { CONTROL } from "../abi/index.ts";
import { messageOf } from "../util/index.ts";
import { MachineFault } from "./faults.ts";

/** Sets the flag while it runs. */
export interface Ticker {
  /** Resolves when it can run; rejects with MachineFault "no-ticker". */
  readonly ready: Promise<void>;
  /** Sets the flag every slice from now on. */
  run(): void;
  /** Sets it no more. */
  rest(): void;
  /** Ends the second thread. */
  close(): void;
}

/** @param words the first words of the control memory @param sliceMs time between two settings of the flag */
export type StartTicker = (words: Int32Array<SharedArrayBuffer>, sliceMs: number) => Ticker;

/** What the ticker is to do, as a word of the control memory; it is a futex. */
const COMMAND = CONTROL.host >> 2;
const REST = 0;
const RUN = 1;
const END = 2;

/** What the worker does with `{ words, sliceMs }`. */
const LOOP = `({ words, sliceMs }) => {
  for (;;) {
    Atomics.wait(words, ${COMMAND}, ${REST});
    if (Atomics.load(words, ${COMMAND}) === ${END}) return;
    if (Atomics.wait(words, ${COMMAND}, ${RUN}, sliceMs) === "timed-out") Atomics.store(words, ${CONTROL.flag >> 2}, 1);
  }
}`;

interface TickerData {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly sliceMs: number;
}

/** Starts a ticker in a worker. */
export const startTicker: StartTicker = (words, sliceMs) => {
  const command = (value: number) => {
    if (Atomics.exchange(words, COMMAND, value) !== value) Atomics.notify(words, COMMAND);
  };
  const ready = startWorker({ words, sliceMs }).catch((thrown) => {
    const hint = "serve the page cross-origin isolated, pass a `ticker`, or `sliceMs: Infinity`";
    throw new MachineFault("no-ticker", `no worker could be started (${messageOf(thrown)}): ${hint}`, {}, thrown);
  });
  ready.catch(() => {}); // told to whoever awaits it
  return { ready, run: () => command(RUN), rest: () => command(REST), close: () => command(END) };
};

/** Resolves when the worker is about to begin its loop. */
function startWorker(data: TickerData): Promise<void> {
  const node = nodeWorkers();
  return node ? startNodeWorker(node, data) : startWebWorker(data);
}

/** The module of Node, which browsers do not have: an import would stop them from loading this file. */
function nodeWorkers(): typeof import("node:worker_threads") | undefined {
  return globalThis.process?.getBuiltinModule?.("node:worker_threads");
}

function startNodeWorker({ Worker }: typeof import("node:worker_threads"), data: TickerData): Promise<void> {
  const text = `const { parentPort, workerData } = require("node:worker_threads");
    parentPort.postMessage("ready"); (${LOOP})(workerData);`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(text, { eval: true, workerData: data, name: "rtcr ticker" });
    worker.once("message", () => {
      worker.unref(); // it does not keep the process alive
      resolve();
    });
    worker.once("error", reject);
  });
}

function startWebWorker(data: TickerData): Promise<void> {
  const text = `onmessage = ({ data }) => { postMessage("ready"); (${LOOP})(data); close(); }`;
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  return new Promise<void>((resolve, reject) => {
    const worker = new Worker(url, { name: "rtcr ticker" });
    worker.onmessage = () => resolve();
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(data);
  }).finally(() => URL.revokeObjectURL(url));
}

/** A machine without ticker: guests give way when they end, block, or are asked to freeze. */
export const noTicker: StartTicker = () => ({
  ready: Promise.resolve(),
  run: () => {},
  rest: () => {},
  close: () => {},
});
