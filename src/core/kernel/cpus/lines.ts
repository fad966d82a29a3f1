// A line: a caller on one CPU and a server on another one, neither of them the kernel's, call and answer by themselves.
//
// A caller gets it with a call that the kernel has passed on, if server and CPU had nothing else to do. For the kernel that
// call goes on: the caller lingers in it, the server answers it. In truth one call after the other goes to the server and
// back, through the block of the caller's CPU, without the kernel. A gate, one word of it, says what is true:
//
//   open     no call is under way: the caller runs, the server is idle      caller: open -> inside
//   inside   one is: what the kernel believes is true                       server: inside -> open, when it has answered
//   last     one is, and its end goes to the kernel, as of any other call   kernel: inside -> last, open -> closed
//
// I1  Who needs caller, server or one of the CPUs for anything else ends the line first: then what is believed is true.
// I2  What the kernel gives to the caller's CPU as an answer it gives behind that, and only if a call is under way.
// I3  A line lasts no longer than what it was given for: capability, slots, dispatch function, nobody else who waits.
// I4  No circles: a server's CPU was idle, so it has no call of its own under way.
// I5  A block has room for a line to each CPU. Whatever becomes of a line, the dispatch that was told of it may use its room
//     until it has ended, and no other one begins on that CPU before.
// I6  A CPU that is lost may have been about to ring another one: then all are rung.
import { MESSAGE } from "../../../abi/index.ts";
import type { PendingCall } from "../calls.ts";
import type { Serving } from "../entrypoint.ts";
import type { Kernel } from "../kernel.ts";
import type { KernelThread } from "../thread.ts";
import { BLOCK, type CpuBlock, GATE, LINE, LINE_TIMES } from "./protocol.ts";

/** What a line needs of the CPUs of caller and server. */
export interface LineCpu {
  readonly number: number;
  readonly block: CpuBlock;
  readonly lines: LineEnds;
  callersLineEnded(args: readonly number[] | undefined): void;
  serversLineEnded(usedMs: number, idle: boolean): void;
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
  /** The server's CPU has been told with the dispatch. */
  offered = false;
  readonly #slot: number;
  readonly #object: number;
  readonly #serving: Serving;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(number: number, call: PendingCall, slot: number, from: LineCpu, to: LineCpu) {
    this.number = number;
    this.call = call;
    this.caller = call.caller!;
    this.server = call.entrypoint!;
    this.from = from;
    this.to = to;
    this.#slot = slot;
    this.#words = from.block.line(to.number);
    this.#object = this.server.component.table.slotOf(call.target);
    this.#serving = this.server.entrypoint!.serving!;
  }

  /** Whether what it was given for is still so. */
  get holds(): boolean {
    const { caller, server, call } = this;
    if (!call.target.valid || caller.component.table.lookup(this.#slot) !== call.target) return false;
    if (server.component.table.slotOf(call.target) !== this.#object) return false;
    if (server.entrypoint!.serving !== this.#serving || server.ep.hasWork) return false;
    if (server.component.windowed(this.#serving.message, MESSAGE.sizeBytes)) return false;
    if (caller.trace?.wants("rpc_call") || server.trace?.wants("rpc_dispatch")) return false;
    return caller.free && server.free && !caller.canceled;
  }

  /** The call is under way, its caller lingers in it. @param address of the caller's message */
  begin(opcode: number, address: number): void {
    const words = this.#words;
    words[LINE.slot] = this.#slot;
    words[LINE.opcode] = opcode;
    words[LINE.address] = address;
    this.from.block.words[BLOCK.lineTo] = this.to.number;
    Atomics.store(this.from.block.words, BLOCK.line, this.number);
    Atomics.store(words, LINE.gate, this.#gate(GATE.inside));
  }

  #gate(state: number): number {
    return (this.number << 2) | state;
  }

  /** The kernel has the gate. @returns whether no call is under way; if one is, its end goes to the kernel */
  close(): boolean {
    const words = this.#words;
    const to = this.to.block.words;
    const [open, inside] = [this.#gate(GATE.open), this.#gate(GATE.inside)];
    for (;;) {
      if (Atomics.compareExchange(words, LINE.gate, open, this.#gate(GATE.closed)) === open) return true;
      Atomics.store(to, BLOCK.lineBefore, Atomics.load(to, BLOCK.commands));
      // Where the server has answered between the two looks, once more.
      if (Atomics.compareExchange(words, LINE.gate, inside, this.#gate(GATE.last)) === inside) return false;
    }
  }

  /** The caller's arguments of the call under way. */
  get args(): readonly [slot: number, opcode: number, address: number] {
    return [this.#slot, this.#words[LINE.opcode]!, this.#words[LINE.address]!];
  }

  /** How long the server has answered calls, milliseconds. @param now by the clock of performance.now() */
  usedMs(now: number): number {
    const { times } = this.to.block;
    const [began, spent] = [times[LINE_TIMES.began]!, times[LINE_TIMES.spent]!];
    return spent + (began === 0 ? 0 : Math.max(0, now - began));
  }
}

/** The lines that end at a CPU: one of the caller that runs there, one of the server. */
export class LineEnds {
  readonly #kernel: Kernel;
  /** For the call that is made there now, or is about to be dispatched there. */
  #offer: Line | undefined;
  #out: Line | undefined;
  #in: Line | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  offer(line: Line): void {
    this.#offer = line;
  }

  /** The dispatch for a call begins there. @returns number and CPU of the line for it; 0: there is none */
  offered(call: number): readonly [number: number, from: number] {
    const line = this.#offer;
    this.#offer = undefined;
    if (line?.call.id !== call) return [0, 0];
    line.offered = true;
    line.to.block.times[LINE_TIMES.spent] = 0;
    return [line.number, line.from.number];
  }

  /** A thread lingers in a call there: it has the line that it was offered for it. @param args of the call */
  begin({ waiting }: KernelThread, [, opcode, address]: readonly (number | bigint)[]): void {
    const line = this.#offer;
    this.#offer = undefined;
    if (waiting?.kind !== "call" || waiting.call !== line?.call.id || !line.offered || !line.holds) return;
    this.#out = line;
    line.to.lines.#in = line;
    line.begin(opcode as number, address as number);
  }

  /** What runs there asks for something: a caller's line ends, and a server's with the dispatch. */
  asks(done: boolean): void {
    this.#end(this.#out);
    if (done) this.#end(this.#in);
  }

  /** The kernel has callers and servers again. */
  end(): void {
    this.#end(this.#out);
    this.#end(this.#in);
  }

  /** What lines depend on may have changed. */
  look(): void {
    for (const line of [this.#out, this.#in]) if (line && !line.holds) this.#end(line);
  }

  #end(line: Line | undefined): void {
    if (!line) return;
    const { from, to } = line;
    to.lines.#end(to.lines.#out); // it may be for a call within one by this line
    if (from.lines.#out !== line) return; // has ended by that
    from.lines.#out = to.lines.#in = undefined;
    const idle = line.close();
    const { caller, call } = line;
    if (idle) {
      caller.waiting = undefined;
      this.#kernel.calls.forget(call);
    } else call.opcode = line.args[1];
    from.callersLineEnded(idle ? undefined : line.args);
    to.serversLineEnded(line.usedMs(performance.now()), idle);
  }
}
