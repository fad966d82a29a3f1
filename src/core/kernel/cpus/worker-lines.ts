// Calls by lines, on the CPUs of caller and server (lines.ts is the kernel's side, and says what a line is).
//
// The call's message lies in the block of the caller's CPU: not behind windows, with capabilities that both know. Whoever waits here looks at
// the gate between reading its counter of commands and serving them.
import { CALL_STATUS, MESSAGE } from "../../../abi/index.ts";
import type { DirectCall } from "../../../engine/index.ts";
import { required } from "../../../util/index.ts";
import { ring } from "./commands.ts";
import {
  BLOCK,
  CpuBlock,
  type CpuSetup,
  changeGate,
  GATE,
  gateIs,
  gateOf,
  LINE,
  LINE_TIMES,
  lineAt,
} from "./protocol.ts";
import type { WorkerEngine } from "./worker-engine.ts";
import { countReceived, receiveHead, SIDE, sendSlots } from "./worker-line-slots.ts";
import { copyBytes, dataOf, messageWords } from "./worker-messages.ts";

/** The server on this CPU that answers the calls of lines. */
interface Served {
  /** The number of the line that came with the dispatch. */
  readonly first: number;
  readonly engine: WorkerEngine;
  readonly thread: number;
  readonly call: DirectCall;
  readonly argument: number;
  readonly message: number;
}

/** Another CPU, and the room in its block for lines to this one. */
interface Peer {
  readonly number: number;
  readonly block: CpuBlock;
  readonly line: Int32Array<SharedArrayBuffer>;
}

/** A call of a line that is answered. */
interface Taken {
  readonly from: CpuBlock;
  /** Of the counts of capabilities that hold. */
  readonly bank: number;
  /** Of the line, and its room there. */
  readonly number: number;
  readonly line: Int32Array<SharedArrayBuffer>;
}

export class WorkerLines {
  readonly #block: CpuBlock;
  readonly #words: Int32Array<SharedArrayBuffer>;
  /** Added to this thread's clock it is the kernel's. */
  readonly #offsetMs: number;
  readonly #me: number;
  readonly #peers: Peer[] = [];
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
  #taken: Taken | undefined;

  constructor(block: CpuBlock, { number, originMs }: CpuSetup) {
    this.#block = block;
    this.#words = block.words;
    this.#me = number;
    this.#line = block.line(0);
    this.#offsetMs = performance.timeOrigin - originMs;
  }

  /** Another CPU like this one. */
  meet(number: number, block: SharedArrayBuffer): void {
    const peer = new CpuBlock(block);
    this.#peers.push({ number, block: peer, line: peer.line(this.#me) });
  }

  #peer(cpu: number): Peer {
    return required(
      this.#peers.find(({ number }) => number === cpu),
      "another CPU",
    );
  }

  // The caller.

  /** Begins a call; false: the kernel must be asked. @param depth of the caller */
  call(depth: number, engine: WorkerEngine, slot: number, opcode: number, address: number): boolean {
    const line = this.#line;
    const number = this.#number;
    if (!gateIs(Atomics.load(line, LINE.gate), number, GATE.open)) return false;
    const to = required(this.#to, "the server's CPU").words;
    if (depth !== this.#depth || line[LINE.slot] !== slot) return false;
    const message = messageWords(engine, address);
    const bytes = message ? message[address >>> 2]! >>> 0 : Infinity;
    if (bytes > MESSAGE.maxBytes || !sendSlots(message!, address >>> 2, line, SIDE.caller)) return false;
    line[LINE.opcode] = opcode;
    line[LINE.address] = address;
    line[LINE.bytes] = bytes;
    copyBytes(message!, dataOf(address), line, LINE.mail, bytes);
    line[LINE.ticket] = Atomics.add(to, BLOCK.tickets, 1);
    if (changeGate(line, number, GATE.open, GATE.inside) === undefined) return false;
    this.#former = 0;
    ring(to);
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
    const gate = lineAt(Atomics.load(line, LINE.gate));
    if (gate.number !== number || (gate.state !== GATE.open && gate.state !== GATE.closed)) return false;
    if (number === this.#number) return true;
    this.#number = number;
    this.#line = line;
    this.#to = this.#peer(to).block;
    this.#depth = this.#asking;
    return true;
  }

  /** What a call that is over has come to, with its reply in the caller's message. */
  take(engine: WorkerEngine, address: number): number {
    const line = this.#line;
    const status = line[LINE.status]!;
    if (status !== CALL_STATUS.ok) return status;
    const write = required(messageWords(engine, address), "the caller's message");
    engine.wrote(address, MESSAGE.data + line[LINE.bytes]!);
    receiveHead(line, write, address >>> 2, SIDE.server);
    copyBytes(line, LINE.mail, write, dataOf(address), line[LINE.bytes]!);
    return status;
  }

  // The server.

  /** A dispatch of the kernel begins, as this CPU's block says. */
  accept(engine: WorkerEngine, call: DirectCall): void {
    this.hangUp();
    const param = (index: number) => this.#block.param(index);
    const number = param(8);
    if (number === 0) return;
    const { block, line } = this.#peer(param(9));
    this.#served = { first: number, engine, call, thread: param(1), argument: param(4), message: param(10) };
    this.#taken = { from: block, number, line, bank: 0 };
    this.#began();
  }

  /** The kernel has the server again. */
  hangUp(): void {
    this.#served = undefined;
    this.#taken = undefined;
  }

  /** Takes the call that has come first. @returns whether there is one */
  called(): boolean {
    if (!this.#served) return false;
    for (let next = this.#first(); next; next = this.#first()) {
      const gate = changeGate(next.line, next.number, GATE.inside, GATE.taken);
      if (gate === undefined) continue;
      this.#taken = { ...next, bank: lineAt(gate).bank };
      return true;
    }
    return false;
  }

  /** The call that waits since the earliest time. */
  #first(): Omit<Taken, "bank"> | undefined {
    let first: Omit<Taken, "bank"> | undefined;
    for (const { number: cpu, block: from, line } of this.#peers) {
      const number = Atomics.load(this.#words, BLOCK.callers + cpu);
      if (number === 0 || !gateIs(Atomics.load(line, LINE.gate), number, GATE.inside)) continue;
      if (line[LINE.first] !== this.#served!.first) continue;
      if (!first || ((line[LINE.ticket]! - first.line[LINE.ticket]!) | 0) < 0) first = { from, number, line };
    }
    return first;
  }

  /** The server's message becomes that of the call that has been taken. */
  receive(): Served & { readonly object: number; readonly opcode: number } {
    const served = required(this.#served, "a server");
    const { line } = required(this.#taken, "a call");
    const write = required(messageWords(served.engine, served.message), "the server's message");
    served.engine.wrote(served.message, MESSAGE.data + line[LINE.bytes]!);
    receiveHead(line, write, served.message >>> 2, SIDE.caller);
    copyBytes(line, LINE.mail, write, dataOf(served.message), line[LINE.bytes]!);
    this.#began();
    return { ...served, object: line[LINE.object]!, opcode: line[LINE.opcode]! };
  }

  #began(): void {
    this.#block.times[LINE_TIMES.began] = performance.now() + this.#offsetMs;
  }

  /** A dispatch has returned. @returns whether its caller has the reply; if not, the kernel must be told */
  answer(result: number): boolean {
    if (!this.#served) return false;
    const { engine, message } = this.#served;
    const { from, line, number, bank } = required(this.#taken, "a call");
    const ok = result === CALL_STATUS.ok;
    if (!(ok ? reply(engine, message, line) : noReply(line))) return false;
    line[LINE.status] = ok ? result : CALL_STATUS.invalidOpcode;
    this.#spent();
    const taken = gateOf(number, GATE.taken, bank);
    const open = gateOf(number, GATE.open, countReceived(line, bank));
    if (Atomics.compareExchange(line, LINE.gate, taken, open) !== taken) return false;
    ring(from.words);
    return true;
  }

  #spent(): void {
    const { times } = this.#block;
    times[LINE_TIMES.spent]! += performance.now() + this.#offsetMs - times[LINE_TIMES.began]!;
    times[LINE_TIMES.began] = 0;
  }
}

/** Puts a server's reply into the room of a line. @returns false if it does not go by that */
function reply(engine: WorkerEngine, address: number, line: Int32Array<SharedArrayBuffer>): boolean {
  const message = messageWords(engine, address);
  const bytes = message ? message[address >>> 2]! >>> 0 : Infinity;
  if (bytes > MESSAGE.maxBytes || !sendSlots(message!, address >>> 2, line, SIDE.server)) return false;
  copyBytes(message!, dataOf(address), line, LINE.mail, bytes);
  line[LINE.bytes] = bytes;
  return true;
}

function noReply(line: Int32Array<SharedArrayBuffer>): boolean {
  line[LINE.bytes] = line[LINE.replies] = 0;
  return true;
}
