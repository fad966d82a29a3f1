// Calls by lines, on the CPUs of caller and server (lines.ts is the kernel's side, and says what a line is).
//
// The call's message lies in the block of the caller's CPU: only plain messages go by a line. Whoever waits here looks at
// the gate between reading its counter of commands and serving them.
import { CALL_STATUS } from "../../../abi/index.ts";
import type { DirectCall } from "../../../engine/index.ts";
import { required } from "../../../util/index.ts";
import { ring } from "./commands.ts";
import { BLOCK, CpuBlock, type CpuSetup, GATE, LINE_TIMES } from "./protocol.ts";
import type { WorkerEngine } from "./worker-engine.ts";
import { copyBytes, dataOf, messageWords, plainBytes, writeHead } from "./worker-messages.ts";

/** What a server on this CPU needs to answer a line's calls. */
interface Served {
  /** Of the caller's CPU. */
  readonly from: CpuBlock;
  /** Of the line. */
  readonly number: number;
  readonly engine: WorkerEngine;
  readonly thread: number;
  readonly call: DirectCall;
  readonly argument: number;
  readonly object: number;
  readonly message: number;
}

const STATE = 3;

export class WorkerLines {
  readonly #block: CpuBlock;
  readonly #words: Int32Array<SharedArrayBuffer>;
  /** Added to this thread's clock it is the kernel's. */
  readonly #offsetMs: number;
  readonly #peers = new Map<number, CpuBlock>();
  /** Of the caller's line; 0: it has none. */
  #number = 0;
  /** In how many nested dispatches that one stands, and the one that has asked the kernel for a call. */
  #depth = 0;
  #asking = 0;
  /** A line that the call under way does not go by. */
  #former = 0;
  #served: Served | undefined;

  constructor(block: CpuBlock, { originMs }: CpuSetup) {
    this.#block = block;
    this.#words = block.words;
    this.#offsetMs = performance.timeOrigin - originMs;
  }

  /** Another CPU like this one. */
  meet(number: number, block: SharedArrayBuffer): void {
    this.#peers.set(number, new CpuBlock(block));
  }

  // The caller.

  /** Begins a call; false: the kernel must be asked. @param depth of the caller */
  call(depth: number, engine: WorkerEngine, slot: number, opcode: number, address: number): boolean {
    const words = this.#words;
    const open = (this.#number << 2) | GATE.open;
    if (Atomics.load(words, BLOCK.line) !== open) return false;
    if (depth !== this.#depth || words[BLOCK.lineSlot] !== slot) return false;
    const bytes = plainBytes(engine, address);
    if (bytes < 0) return false;
    words[BLOCK.lineOpcode] = opcode;
    words[BLOCK.lineAddress] = address;
    words[BLOCK.lineBytes] = bytes;
    copyBytes(messageWords(engine, address)!, dataOf(address), this.#block.mail, 0, bytes);
    if (Atomics.compareExchange(words, BLOCK.line, open, open - GATE.open + GATE.inside) !== open) return false;
    this.#former = 0;
    ring(required(this.#peers.get(words[BLOCK.lineTo]!), "the server's CPU").words);
    return true;
  }

  /** The kernel is about to be asked for a call. @param depth of the caller */
  asks(depth: number): void {
    this.#asking = depth;
    this.#former = Atomics.load(this.#words, BLOCK.line) >>> 2;
  }

  /** Whether the server has answered the call by itself; if not, the kernel will, or has not yet given it a line. */
  get over(): boolean {
    const gate = Atomics.load(this.#words, BLOCK.line);
    if ((gate & STATE) === GATE.inside || (gate & STATE) === GATE.last || gate >>> 2 === this.#former) return false;
    if (gate >>> 2 !== this.#number) {
      this.#number = gate >>> 2;
      this.#depth = this.#asking;
    }
    return true;
  }

  /** What a call that is over has come to, with its reply in the caller's message. */
  take(engine: WorkerEngine, address: number): number {
    const words = this.#words;
    const status = words[BLOCK.lineStatus]!;
    if (status !== CALL_STATUS.ok) return status;
    const write = required(messageWords(engine, address), "the caller's message");
    const bytes = words[BLOCK.lineBytes]!;
    writeHead(write, address, bytes);
    copyBytes(this.#block.mail, 0, write, dataOf(address), bytes);
    return status;
  }

  // The server.

  /** A dispatch of the kernel begins. @param params of WORK.dispatch from the line on */
  accept(engine: WorkerEngine, call: DirectCall, params: Int32Array): void {
    const [, thread, , , argument, , object, , number, from, message] = params;
    this.#served = undefined;
    if (number === 0) return;
    const block = required(this.#peers.get(from!), "the caller's CPU");
    const server = { engine, call, thread: thread!, argument: argument!, object: object!, message: message! };
    this.#served = { ...server, number: number!, from: block };
    this.#began();
  }

  /** The kernel has the server again. */
  hangUp(): void {
    this.#served = undefined;
  }

  /** Up to which commands are to be served before the call that has come; undefined: none has. @param posted so far */
  called(posted: number): number | undefined {
    const served = this.#served;
    if (!served) return undefined;
    const gate = Atomics.load(served.from.words, BLOCK.line);
    if (gate >>> 2 !== served.number) return undefined;
    if ((gate & STATE) === GATE.inside) return posted;
    return (gate & STATE) === GATE.last ? Atomics.load(this.#words, BLOCK.lineBefore) : undefined;
  }

  /** The server's message becomes that of the call that has come. */
  receive(): Served & { readonly opcode: number } {
    const served = required(this.#served, "a line");
    const { words, mail } = served.from;
    const bytes = words[BLOCK.lineBytes]!;
    const write = required(messageWords(served.engine, served.message), "the server's message");
    writeHead(write, served.message, bytes);
    copyBytes(mail, 0, write, dataOf(served.message), bytes);
    this.#began();
    return { ...served, opcode: words[BLOCK.lineOpcode]! };
  }

  #began(): void {
    this.#block.times[LINE_TIMES.began] = performance.now() + this.#offsetMs;
  }

  /** A dispatch has returned. @returns whether its caller has the reply; if not, the kernel must be told */
  answer(result: number): boolean {
    const served = this.#served;
    if (!served) return false;
    const { from, engine, message, number } = served;
    const ok = result === CALL_STATUS.ok;
    const bytes = ok ? plainBytes(engine, message) : 0;
    if (bytes < 0) return false;
    if (ok) copyBytes(messageWords(engine, message)!, dataOf(message), from.mail, 0, bytes);
    from.words[BLOCK.lineStatus] = ok ? result : CALL_STATUS.invalidOpcode;
    from.words[BLOCK.lineBytes] = bytes;
    this.#spent();
    const inside = (number << 2) | GATE.inside;
    const open = (number << 2) | GATE.open;
    if (Atomics.compareExchange(from.words, BLOCK.line, inside, open) !== inside) return false;
    ring(from.words);
    return true;
  }

  #spent(): void {
    const { times } = this.#block;
    times[LINE_TIMES.spent]! += performance.now() + this.#offsetMs - times[LINE_TIMES.began]!;
    times[LINE_TIMES.began] = 0;
  }
}
