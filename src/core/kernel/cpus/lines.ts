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
import type { PendingCall } from "../calls.ts";
import type { Kernel } from "../kernel.ts";
import type { KernelThread } from "../thread.ts";
import type { Line, LineCpu } from "./line.ts";
import { LINE_TIMES } from "./protocol.ts";

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
    return this.#in[0]?.server === line.server && !this.#out && line.carries;
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
      if (!line || (each !== call && !line.carries)) return undefined;
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
    if (line?.caller === caller && line.closeOpen()) this.#kernel.cpus!.endsLines(() => this.#ended(line));
  }

  /** A caller's line is to end. */
  ends(line: Line): void {
    if (this.#out === line) this.#end(line);
  }

  /** What lines depend on may have changed. */
  look(): void {
    if (this.#out && !this.#out.holds) this.#end(this.#out);
    for (const line of [...this.#in]) if (this.#in.includes(line) && !line.holds) this.#end(line);
  }

  #end(line: Line | undefined): void {
    if (!line) return;
    this.#kernel.cpus!.endsLines(() => {
      if (line.closeOpen()) this.#ended(line);
      else line.to.lines.#endAll();
    });
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
    if (this.#in.length > 0) this.#kernel.cpus!.endsLines(() => this.#close(this.#in.splice(0)));
  }

  #close(lines: readonly Line[]): void {
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
    if (!told) return;
    caller.waiting = undefined;
    this.#kernel.calls.forget(call);
    from.callersLineEnded(undefined);
  }

  /** What the caller's CPU does not know yet is an answer like any other. */
  #answer({ told, call, status, reply }: Line): void {
    if (!told) this.#kernel.calls.finish(call, status, reply);
  }

  /** A line has ended with a call under way. */
  #keep(line: Line): void {
    const { from, call, args } = line;
    from.lines.#out = undefined;
    call.opcode = args[1];
    if (line.told) from.callersLineEnded(args);
  }

  #queue({ call, server, request }: Line): void {
    call.state = "queued";
    call.message = request;
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
