// One line: from a caller on one CPU to a server on another one (lines.ts says what that is).
import { CALL_STATUS, MESSAGE } from "../../../abi/index.ts";
import type { RpcMessage } from "../../../session/index.ts";
import { NO_MESSAGE, type PendingCall } from "../calls.ts";
import type { Serving } from "../entrypoint.ts";
import type { KernelThread } from "../thread.ts";
import { ring } from "./commands.ts";
import { LinePairs } from "./line-pairs.ts";
import type { LineEnds } from "./lines.ts";
import { BLOCK, type CpuBlock, changeGate, GATE, gateIs, gateOf, LINE } from "./protocol.ts";

export type Args = readonly (number | bigint)[];

/** What a line needs of the CPUs of caller and server. */
export interface LineCpu {
  readonly number: number;
  readonly block: CpuBlock;
  readonly lines: LineEnds;
  /** Slot, opcode, address of a call in which its caller lingers there. */
  lingersIn(call: PendingCall): Args | undefined;
  callersLineEnded(args: Args | undefined): void;
  /** The lines to the server that runs there have ended. @param call that it answers, by number; undefined: none */
  serversLinesEnded(usedMs: number, call: number | undefined): void;
  /** One of them has, others have not. @param call one of theirs, if it was for that one that the server ran */
  answersFor(ended: number, call: number): void;
}

/** From a thread to an entrypoint; the call is dispatched for as long as the line lasts. */
export class Line {
  /** From 1 on; another one than those before on the caller's CPU. */
  readonly number: number;
  readonly call: PendingCall;
  readonly caller: KernelThread;
  readonly server: KernelThread;
  readonly from: LineCpu;
  readonly to: LineCpu;
  /** It is to come to those that there are. */
  joins = false;
  /** The caller's CPU knows of it: until then what the server answers stays in the room. */
  told = false;
  readonly #slot: number;
  readonly #address: number;
  readonly #object: number;
  readonly #serving: Serving;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #pairs: LinePairs;

  /** @param slot of the caller, for the object @param address of its message */
  constructor(number: number, call: PendingCall, slot: number, address: number, from: LineCpu, to: LineCpu) {
    this.number = number;
    this.call = call;
    this.caller = call.caller!;
    this.server = call.entrypoint!;
    this.from = from;
    this.to = to;
    this.#slot = slot;
    this.#address = address;
    this.#words = from.block.line(to.number);
    this.#object = this.server.component.table.slotOf(call.target);
    this.#serving = this.server.entrypoint!.serving!;
    const tables = [this.caller.component.table, this.server.component.table] as const;
    this.#pairs = new LinePairs(tables, this.#words, [slot, this.#object], () => from.lines.ends(this));
  }

  /** Whether what it was given for is still so. */
  get holds(): boolean {
    return !this.server.ep.hasWork && this.fits;
  }

  /** The same, whoever waits. */
  get fits(): boolean {
    const { caller, server, call } = this;
    if (!call.target.valid || caller.component.table.lookup(this.#slot) !== call.target) return false;
    if (server.component.table.slotOf(call.target) !== this.#object) return false;
    if (server.entrypoint!.serving !== this.#serving) return false;
    if (server.component.windowed(this.#serving.message, MESSAGE.sizeBytes) || !this.#pairs.hold) return false;
    if (caller.trace?.wants("rpc_call") || server.trace?.wants("rpc_dispatch")) return false;
    return caller.free && server.free && !caller.canceled;
  }

  /** The call's message can go by it. */
  get carries(): boolean {
    const { passed } = this.server.ep;
    return this.call.message.capabilities.every((each) => !each.valid || this.#pairs.goes(each, passed));
  }

  /** The server's CPU has it. @param first the number of the line that this one is told of with the dispatch */
  begin(first: number): void {
    const words = this.#words;
    const to = this.to.block.words;
    const waits = first !== this.number;
    words[LINE.slot] = this.#slot;
    words[LINE.opcode] = this.call.opcode;
    words[LINE.address] = this.#address;
    words[LINE.object] = this.#object;
    words[LINE.first] = first;
    this.#pairs.begin(this.server.ep.passed);
    if (waits) this.#request(to);
    Atomics.store(words, LINE.gate, gateOf(this.number, waits ? GATE.inside : GATE.taken));
    Atomics.store(to, BLOCK.callers + this.from.number, this.number);
    if (waits) ring(to);
  }

  /** The caller's CPU has it too: its thread lingers in the call. */
  tell(): void {
    const { words } = this.from.block;
    this.told = true;
    words[BLOCK.lineTo] = this.to.number;
    Atomics.store(words, BLOCK.line, this.number);
    // The server may have answered before: that ring was in vain.
    if (gateIs(Atomics.load(this.#words, LINE.gate), this.number, GATE.open)) ring(words);
  }

  /** The call is the line's, and waits for its turn. */
  #request(to: Int32Array<SharedArrayBuffer>): void {
    const { bytes, capabilities } = this.call.message;
    this.#pairs.request(capabilities);
    this.#words[LINE.bytes] = bytes.length;
    this.#mail(bytes.length).set(bytes);
    this.#words[LINE.ticket] = Atomics.add(to, BLOCK.tickets, 1);
    this.call.state = "dispatched";
    this.call.message = NO_MESSAGE;
  }

  #mail(bytes: number): Uint8Array<SharedArrayBuffer> {
    const { buffer, byteOffset } = this.#words;
    return new Uint8Array(buffer, byteOffset + LINE.mail * 4, bytes);
  }

  /** The kernel has the gate, if no call is under way. */
  closeOpen(): boolean {
    return this.#close(GATE.open, GATE.closed);
  }

  /** The kernel has the gate: no call was under way, one was that waited, or one that the server answers. */
  close(): "open" | "inside" | "taken" {
    for (;;) {
      if (this.closeOpen()) return "open";
      if (this.#close(GATE.inside, GATE.last)) return "inside";
      if (this.#close(GATE.taken, GATE.last)) return "taken";
    }
  }

  /** The server's CPU does not look at it any more, and the tables are right. */
  #close(from: number, to: number): boolean {
    const gate = changeGate(this.#words, this.number, from, to);
    if (gate === undefined) return false;
    Atomics.store(this.to.block.words, BLOCK.callers + this.from.number, 0);
    this.#pairs.end(gate, from === GATE.taken, this.told);
    return true;
  }

  /** The caller's arguments of the call under way. */
  get args(): readonly [slot: number, opcode: number, address: number] {
    return [this.#slot, this.#words[LINE.opcode]!, this.#words[LINE.address]!];
  }

  /** When the call under way came, in relation to others. */
  get ticket(): number {
    return this.#words[LINE.ticket]!;
  }

  /** What the call has come to that was under way last. */
  get status(): number {
    return this.#words[LINE.status]!;
  }

  /** Of the call under way, if it waits. */
  get request(): RpcMessage {
    return { bytes: this.#mail(this.#words[LINE.bytes]!).slice(), capabilities: this.#pairs.requested };
  }

  /** That has come last. */
  get reply(): RpcMessage {
    if (this.status !== CALL_STATUS.ok) return NO_MESSAGE;
    return { bytes: this.#mail(this.#words[LINE.bytes]!).slice(), capabilities: this.#pairs.replied };
  }
}
