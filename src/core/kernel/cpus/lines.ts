// Lines: callers on some CPUs and a server on another one, none of them the kernel's, call and answer by themselves.
//
// A caller gets one with a call that the kernel has passed on, if server and CPU had nothing else to do, or only lines too. For
// the kernel that call goes on: the caller lingers in it, the server answers it. In truth one call after the other goes to
// the server and back, through the block of the caller's CPU, without the kernel. A gate, one word of it, says what is true:
//
//   open     no call is under way: the caller runs                          caller: open -> inside
//   inside   one is, and has not begun: it waits for its turn               server: inside -> taken
//   taken    the server answers it: what the kernel believes is true        server: taken -> open, when it has answered
//   last     one is, and is the kernel's, as any other call                 kernel: inside, taken -> last, open -> closed
//
// I1  Who needs caller, server or one of the CPUs for anything else ends the line first: then what is believed is true.
// I2  What the kernel gives to the caller's CPU as an answer it gives behind that, and only if a call is under way.
// I3  A line lasts no longer than what it was given for: capability, slots, dispatch function, nobody else who waits.
// I4  No circles: a server has a call of its own under way only within one that it answers.
// I5  A block has room for a line to each CPU. Whatever becomes of a line, the dispatch that has taken its call may use its
//     room until it has ended, and no other one begins on that CPU before.
// I6  A CPU that is lost may have been about to ring another one: then all are rung.
// I7  All lines to a CPU are to one server. A call under way of one of them becomes the kernel's only with those of all others:
//     the one that is taken is answered, the others are queued in the order in which they came (S34).
import { CALL_STATUS, MESSAGE } from "../../../abi/index.ts";
import type { RpcMessage } from "../../../session/index.ts";
import { NO_MESSAGE, type PendingCall } from "../calls.ts";
import type { Serving } from "../entrypoint.ts";
import type { Kernel } from "../kernel.ts";
import type { KernelThread } from "../thread.ts";
import { ring } from "./commands.ts";
import { BLOCK, type CpuBlock, GATE, gateOf, LINE, LINE_TIMES } from "./protocol.ts";

type Args = readonly (number | bigint)[];

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
    if (server.component.windowed(this.#serving.message, MESSAGE.sizeBytes)) return false;
    if (caller.trace?.wants("rpc_call") || server.trace?.wants("rpc_dispatch")) return false;
    return caller.free && server.free && !caller.canceled;
  }

  /** The call's message can go by it. */
  get plain(): boolean {
    return this.call.message.capabilities.length === 0;
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
    if (Atomics.load(this.#words, LINE.gate) === gateOf(this.number, GATE.open)) ring(words);
  }

  /** The call is the line's, and waits for its turn. */
  #request(to: Int32Array<SharedArrayBuffer>): void {
    const { bytes } = this.call.message;
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
    return this.#change(GATE.open, GATE.closed);
  }

  /** The kernel has the gate: no call was under way, one was that waited, or one that the server answers. */
  close(): "open" | "inside" | "taken" {
    for (;;) {
      if (this.closeOpen()) return "open";
      if (this.#change(GATE.inside, GATE.last)) return "inside";
      if (this.#change(GATE.taken, GATE.last)) return "taken";
    }
  }

  #change(from: number, to: number): boolean {
    const before = gateOf(this.number, from);
    return Atomics.compareExchange(this.#words, LINE.gate, before, gateOf(this.number, to)) === before;
  }

  /** The server's CPU does not look at it any more. */
  forgotten(): void {
    Atomics.store(this.to.block.words, BLOCK.callers + this.from.number, 0);
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

  /** Of the call under way, if it waits; the reply, if it has come. */
  get message(): RpcMessage {
    return { bytes: this.#mail(this.#words[LINE.bytes]!).slice(), capabilities: [] };
  }
}

/** The lines that end at a CPU: one of the caller that runs there, those to the server. */
export class LineEnds {
  readonly #kernel: Kernel;
  readonly #cpu: LineCpu;
  /** For the call that is made there now; for the one that is about to be dispatched there. */
  #asked: Line | undefined;
  #offer: Line | undefined;
  #out: Line | undefined;
  readonly #in: Line[] = [];
  /** The number of the line that the CPU was told of with the dispatch. */
  #first = 0;

  constructor(kernel: Kernel, cpu: LineCpu) {
    this.#kernel = kernel;
    this.#cpu = cpu;
  }

  // How they begin.

  /** @param line for the call that is made there now */
  offer(line: Line): void {
    this.#asked = line;
    if (!line.joins) line.to.lines.#offer = line;
  }

  /** The line for the call that has been made there, which was dispatched at once or waits. */
  #take(): Line | undefined {
    const line = this.#asked;
    this.#asked = undefined;
    if (line && line.to.lines.#offer === line) line.to.lines.#offer = undefined;
    return line;
  }

  /** Whether a line can come to those that there are. */
  takes(line: Line): boolean {
    return this.#in[0]?.server === line.server && !this.#out && line.plain;
  }

  /** The dispatch for a call begins there. @returns number and CPU of the line for it; 0: there is none */
  offered(call: number): readonly [number: number, from: number] {
    const line = this.#offer;
    this.#offer = undefined;
    const first = line?.call.id === call ? line : this.#convert(call);
    if (!first) return [0, 0];
    if (first === line) first.from.lines.#begin(first, first.number);
    this.#cpu.block.times[LINE_TIMES.spent] = 0;
    return [first.number, first.from.number];
  }

  /** The call that is dispatched, and those that wait behind it, go by lines from now on, if that can be. */
  #convert(id: number): Line | undefined {
    const call = this.#kernel.calls.get(id);
    const server = call?.entrypoint;
    if (!server || !call.caller || server.ep.wakeup || server.ep.signals > 0) return undefined;
    const lines: Line[] = [];
    for (const each of [call, ...server.ep.queue]) {
      const line = this.#lineOf(each);
      if (!line || (each !== call && !line.plain)) return undefined;
      lines.push(line);
    }
    while (server.ep.dequeue());
    for (const line of lines) {
      line.from.lines.#begin(line, lines[0]!.number);
      line.tell();
    }
    return lines[0];
  }

  /** A line for a call that has been queued. */
  #lineOf(call: PendingCall): Line | undefined {
    const { caller } = call;
    const { cpus } = this.#kernel;
    if (!caller || caller.cpu === 0) return undefined;
    const { lines } = cpus!.at(caller.cpu);
    const args = lines.#out ? undefined : cpus!.at(caller.cpu).lingersIn(call);
    return args && cpus!.lineFor(call, args[0] as number, args[2] as number);
  }

  /** A thread lingers in a call there: it has the line that it was offered for it. */
  begin(): void {
    const line = this.#take();
    if (line?.joins) {
      if (!line.holds || !line.to.lines.takes(line)) return this.#kernel.rpc.queue(line.call);
      this.#begin(line, line.to.lines.#first);
    }
    if (this.#out?.holds) this.#out.tell();
    else this.#end(this.#out);
  }

  /** A thread does not linger in its call. */
  decline(): void {
    const line = this.#take();
    if (line?.joins) this.#kernel.rpc.queue(line.call);
    this.#end(this.#out);
  }

  #begin(line: Line, first: number): void {
    const { lines } = line.to;
    this.#out = line;
    lines.#in.push(line);
    lines.#first = first;
    line.begin(first);
  }

  // How they end.

  /** What runs there asks for something: a caller's line ends, and a server's with the dispatch. */
  asks(done: boolean): void {
    this.#end(this.#out);
    if (done) this.#endAll();
  }

  /** The kernel has callers and servers again. */
  end(): void {
    this.#end(this.#out);
    this.#endAll();
  }

  /** The kernel has a caller there again, if it is not in a call. */
  endOpen(caller: KernelThread): void {
    const line = this.#out;
    if (line?.caller === caller && line.closeOpen()) this.#ended(line);
  }

  /** What lines depend on may have changed. */
  look(): void {
    if (this.#out && !this.#out.holds) this.#end(this.#out);
    for (const line of [...this.#in]) if (this.#in.includes(line) && !line.holds) this.#end(line);
  }

  #end(line: Line | undefined): void {
    if (!line) return;
    if (line.closeOpen()) this.#ended(line);
    else line.to.lines.#endAll();
  }

  /** A line has ended without a call under way. */
  #ended(line: Line): void {
    const { to, call } = line;
    const { lines } = to;
    lines.#in.splice(lines.#in.indexOf(line), 1);
    this.#free(line);
    const [other] = lines.#in;
    if (other) to.answersFor(call.id, other.call.id);
    else lines.#leave(undefined);
    this.#answer(line);
  }

  /** The kernel has the server there and all that call it. */
  #endAll(): void {
    this.#end(this.#out); // it is for a call within one of theirs
    const lines = this.#in.splice(0);
    if (lines.length === 0) return;
    const states = lines.map((line) => line.close());
    const by = (state: ReturnType<Line["close"]>) => lines.filter((_, i) => states[i] === state);
    for (const line of by("open")) this.#free(line);
    for (const line of [...by("inside"), ...by("taken")]) this.#keep(line);
    for (const line of by("inside").sort((one, other) => (one.ticket - other.ticket) | 0)) this.#queue(line);
    this.#leave(by("taken")[0]?.call.id);
    for (const line of by("open")) this.#answer(line);
  }

  /** A line has ended without a call under way. */
  #free(line: Line): void {
    const { caller, call, from, told } = line;
    from.lines.#out = undefined;
    line.forgotten();
    if (!told) return;
    caller.waiting = undefined;
    this.#kernel.calls.forget(call);
    from.callersLineEnded(undefined);
  }

  /** What the caller's CPU does not know yet is an answer like any other. */
  #answer({ told, call, status, message }: Line): void {
    if (!told) this.#kernel.calls.finish(call, status, status === CALL_STATUS.ok ? message : NO_MESSAGE);
  }

  /** A line has ended with a call under way. */
  #keep(line: Line): void {
    const { from, call, args } = line;
    from.lines.#out = undefined;
    line.forgotten();
    call.opcode = args[1];
    if (line.told) from.callersLineEnded(args);
  }

  #queue({ call, server, message }: Line): void {
    call.state = "queued";
    call.message = message;
    server.ep.enqueue(call); // fewer than CPUs, and nobody else waits
  }

  /** @param call that the server answers */
  #leave(call: number | undefined): void {
    if (call === undefined) this.#end(this.#out);
    const { times } = this.#cpu.block;
    const [began, spent] = [times[LINE_TIMES.began]!, times[LINE_TIMES.spent]!];
    const usedMs = spent + (began === 0 ? 0 : Math.max(0, performance.now() - began));
    this.#cpu.serversLinesEnded(usedMs, call);
  }
}
