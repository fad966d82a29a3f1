// Calls by lines, on the CPUs of caller and server (lines.ts is the kernel's side, and says what a line is).
//
// The call's message lies in the block of the caller's CPU: only plain messages go by a line. Whoever waits here looks at
// the gate between reading its counter of commands and serving them.
import { CALL_STATUS, MESSAGE } from "../../../abi/index.ts";
import type { DirectCall } from "../../../engine/index.ts";
import { required } from "../../../util/index.ts";
import { ring } from "./commands.ts";
import { BLOCK, CpuBlock, type CpuSetup, GATE, LINE, LINE_TIMES } from "./protocol.ts";
import type { WorkerEngine } from "./worker-engine.ts";
import { copyBytes, dataOf, messageWords, plainBytes, writeHead } from "./worker-messages.ts";

/** What a server on this CPU needs to answer a line's calls. */
interface Served {
  /** Of the caller's CPU. */
  readonly from: CpuBlock;
  /** Of the line, and its room there. */
  readonly number: number;
  readonly line: Int32Array<SharedArrayBuffer>;
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
  readonly #me: number;
  readonly #peers = new Map<number, CpuBlock>();
  /** Of the caller's line; 0: it has none. Its room, and the server's CPU. */
  #number = 0;
  #line: Int32Array<SharedArrayBuffer>;
  #to: CpuBlock | undefined;
  /** In how many nested dispatches that one stands, and the one that has asked the kernel for a call. */
  #depth = 0;
  #asking = 0;
  /** A line that the call under way does not go by. */
  #former = 0;
  #served: Served | undefined;

  constructor(block: CpuBlock, { number, originMs }: CpuSetup) {
    this.#block = block;
    this.#words = block.words;
    this.#me = number;
    this.#line = block.line(0);
    this.#offsetMs = performance.timeOrigin - originMs;
  }

  /** Another CPU like this one. */
  meet(number: number, block: SharedArrayBuffer): void {
    this.#peers.set(number, new CpuBlock(block));
  }

  // The caller.

  /** Begins a call; false: the kernel must be asked. @param depth of the caller */
  call(depth: number, engine: WorkerEngine, slot: number, opcode: number, address: number): boolean {
    const line = this.#line;
    const open = (this.#number << 2) | GATE.open;
    if (Atomics.load(line, LINE.gate) !== open) return false;
    if (depth !== this.#depth || line[LINE.slot] !== slot) return false;
    const bytes = plainBytes(engine, address);
    if (bytes < 0) return false;
    line[LINE.opcode] = opcode;
    line[LINE.address] = address;
    line[LINE.bytes] = bytes;
    copyBytes(messageWords(engine, address)!, dataOf(address), line, LINE.mail, bytes);
    if (Atomics.compareExchange(line, LINE.gate, open, open - GATE.open + GATE.inside) !== open) return false;
    this.#former = 0;
    ring(required(this.#to, "the server's CPU").words);
    return true;
  }

  /** The kernel is about to be asked for a call. @param depth of the caller */
  asks(depth: number): void {
    this.#asking = depth;
    this.#former = Atomics.load(this.#words, BLOCK.line);
  }

  /** Whether the server has answered the call by itself; if not, the kernel will, or has not yet given it a line. */
  get over(): boolean {
    const number = Atomics.load(this.#words, BLOCK.line);
    if (number === this.#former) return false;
    const to = this.#words[BLOCK.lineTo]!;
    const line = this.#block.line(to);
    const gate = Atomics.load(line, LINE.gate);
    const state = gate & STATE;
    if (gate >>> 2 !== number || state === GATE.inside || state === GATE.last) return false;
    if (number === this.#number) return true;
    this.#number = number;
    this.#line = line;
    this.#to = this.#peers.get(to);
    this.#depth = this.#asking;
    return true;
  }

  /** What a call that is over has come to, with its reply in the caller's message. */
  take(engine: WorkerEngine, address: number): number {
    const line = this.#line;
    const status = line[LINE.status]!;
    if (status !== CALL_STATUS.ok) return status;
    const write = required(messageWords(engine, address), "the caller's message");
    const bytes = line[LINE.bytes]!;
    engine.wrote(address, MESSAGE.data + bytes);
    writeHead(write, address, bytes);
    copyBytes(line, LINE.mail, write, dataOf(address), bytes);
    return status;
  }

  // The server.

  /** A dispatch of the kernel begins, as this CPU's block says. */
  accept(engine: WorkerEngine, call: DirectCall): void {
    this.#served = undefined;
    const param = (index: number) => this.#block.param(index);
    const number = param(8);
    if (number === 0) return;
    const from = required(this.#peers.get(param(9)), "the caller's CPU");
    const server = { engine, call, thread: param(1), argument: param(4), object: param(6), message: param(10) };
    this.#served = { ...server, number, from, line: from.line(this.#me) };
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
    const gate = Atomics.load(served.line, LINE.gate);
    if (gate >>> 2 !== served.number) return undefined;
    if ((gate & STATE) === GATE.inside) return posted;
    return (gate & STATE) === GATE.last ? Atomics.load(this.#words, BLOCK.lineBefore) : undefined;
  }

  /** The server's message becomes that of the call that has come. */
  receive(): Served & { readonly opcode: number } {
    const served = required(this.#served, "a line");
    const { line } = served;
    const bytes = line[LINE.bytes]!;
    const write = required(messageWords(served.engine, served.message), "the server's message");
    served.engine.wrote(served.message, MESSAGE.data + bytes);
    writeHead(write, served.message, bytes);
    copyBytes(line, LINE.mail, write, dataOf(served.message), bytes);
    this.#began();
    return { ...served, opcode: line[LINE.opcode]! };
  }

  #began(): void {
    this.#block.times[LINE_TIMES.began] = performance.now() + this.#offsetMs;
  }

  /** A dispatch has returned. @returns whether its caller has the reply; if not, the kernel must be told */
  answer(result: number): boolean {
    const served = this.#served;
    if (!served) return false;
    const { from, line, engine, message, number } = served;
    const ok = result === CALL_STATUS.ok;
    const bytes = ok ? plainBytes(engine, message) : 0;
    if (bytes < 0) return false;
    if (ok) copyBytes(messageWords(engine, message)!, dataOf(message), line, LINE.mail, bytes);
    line[LINE.status] = ok ? result : CALL_STATUS.invalidOpcode;
    line[LINE.bytes] = bytes;
    this.#spent();
    const inside = (number << 2) | GATE.inside;
    const open = (number << 2) | GATE.open;
    if (Atomics.compareExchange(line, LINE.gate, inside, open) !== inside) return false;
    ring(from.words);
    return true;
  }

  #spent(): void {
    const { times } = this.#block;
    times[LINE_TIMES.spent]! += performance.now() + this.#offsetMs - times[LINE_TIMES.began]!;
    times[LINE_TIMES.began] = 0;
  }
}
