// A CPU that is not the kernel's: runs the threads of components placed there, one at a time, as the kernel says.
//
// It never returns to its event loop: with nothing to do it waits for its bell.
import {
  CONTROL,
  DISPATCH,
  type HostCall,
  type HostValue,
  type PlainData,
  type ValueTypeName,
} from "../../../abi/index.ts";
import { type DirectCall, EngineFault, type Thread } from "../../../engine/index.ts";
import { assert, Fault, messageOf, required } from "../../../util/index.ts";
import { requireHostStack, stackHasRoom } from "../stack-room.ts";
import { Patience } from "./patience.ts";
import {
  ANSWER,
  BLOCK,
  type Command,
  CpuBlock,
  type CpuEnd,
  type CpuSetup,
  DOOR,
  ENDED,
  type EndingReport,
  FAULTS,
  FROZEN,
  GROWTH,
  HOST_ROOM,
  NESTED,
  type Posted,
  REQUEST,
  type Reply,
  WORK,
} from "./protocol.ts";
import { type EngineHost, WorkerEngine } from "./worker-engine.ts";
import { WorkerLines } from "./worker-lines.ts";
import { type Crossing, WorkerNests } from "./worker-nests.ts";
import { scopeCall, WorkerScopes } from "./worker-scopes.ts";

const FLAG = CONTROL.flag >> 2;

/** What is waited for beside a word: whether it has come. */
type Otherwise = () => boolean;

/** Runs for ever; ends when the thread that it runs in is ended. */
export function runCpu(setup: CpuSetup, end: CpuEnd): never {
  return new Cpu(setup, end).run();
}

class Cpu implements EngineHost {
  readonly #end: CpuEnd;
  readonly #block: CpuBlock;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #door: Int32Array<SharedArrayBuffer>;
  readonly #nests: WorkerNests;
  readonly #lines: WorkerLines;
  readonly #engines = new Map<number, WorkerEngine>();
  /** Control words of components on CPU 0. */
  readonly #flags = new Map<number, Int32Array<SharedArrayBuffer>>();
  readonly #scopes: WorkerScopes;
  readonly #patience: Patience;
  /** Commands that have been served. */
  #served = 0;

  constructor(setup: CpuSetup, end: CpuEnd) {
    const { block, door, originMs } = setup;
    this.#end = end;
    this.#block = new CpuBlock(block);
    this.#words = this.#block.words;
    this.#nests = new WorkerNests(this.#block);
    this.#lines = new WorkerLines(this.#block, setup);
    this.#door = new Int32Array(door);
    this.#patience = new Patience(this.#door, { words: this.#words, index: BLOCK.seat });
    this.#scopes = new WorkerScopes(this.#block, originMs);
  }

  run(): never {
    for (;;) {
      const work = this.#await(BLOCK.work, this.#comes);
      if (work === WORK.none) {
        this.#dispatchAgain();
        continue;
      }
      this.#words[BLOCK.work] = WORK.none;
      const param = (index: number) => this.#block.param(index);
      const engine = required(this.#engines.get(param(0)), `engine ${param(0)}`);
      engine.enter(param(1));
      if (work === WORK.run) this.#run(engine, engine.thread(param(2)));
      else this.#dispatch(engine);
      engine.left();
    }
  }

  #run(engine: WorkerEngine, thread: Thread): void {
    try {
      engine.engine.group.run(thread);
    } catch (thrown) {
      if (!(thrown instanceof EngineFault)) throw thrown;
      this.#report("deep", thrown);
      return this.#ring(REQUEST.done);
    }
    this.#ended(engine, thread);
    this.#ring(REQUEST.done);
  }

  #dispatch(engine: WorkerEngine): void {
    const block = this.#block;
    const call = engine.dispatch(block.param(2), block.param(3));
    this.#lines.accept(engine, call);
    this.#direct(engine, call, block.param(4), block.param(5), block.param(6), block.param(7));
  }

  /** A call has come by a line. */
  #dispatchAgain(): void {
    const { engine, call, thread, argument, object, opcode } = this.#lines.receive();
    engine.enter(thread);
    this.#direct(engine, call, argument, DISPATCH.rpc, object, opcode);
    engine.left();
  }

  #direct(engine: WorkerEngine, call: DirectCall, ...args: readonly [number, number, number, number]): void {
    const result = engine.engine.group.direct(call, ...args);
    if (result !== undefined && this.#lines.answer(result)) return;
    this.#lines.hangUp();
    const { thread } = call;
    call.thread = undefined;
    if (result !== undefined) this.#tell(ENDED.returned, result);
    else this.#ended(engine, engine.keep(thread!));
    this.#ring(REQUEST.done);
  }

  /** Writes down how a thread has ended. */
  #ended(engine: WorkerEngine, thread: Thread): void {
    const { ending, fault, hostCall, id } = thread;
    if (!ending) {
      const bits = (hostCall ? FROZEN.call : 0) | (fault ? FROZEN.fault : 0);
      if (!fault) return this.#tell(ENDED.frozen, bits, id);
      const place = fault.type === "grow" ? [fault.memory, fault.delta] : [fault.address, 0];
      return this.#tell(ENDED.frozen, bits, id, FAULTS.indexOf(fault.type), fault.instance, ...place);
    }
    engine.ended(thread);
    if (ending.kind === "returned") return this.#tell(ENDED.returned, Number(ending.results[0] ?? 0));
    if (ending.kind === "exited") return this.#tell(ENDED.exited, ending.code);
    this.#report(ending.kind, ending.error);
  }

  #report(kind: EndingReport["kind"], error: unknown): void {
    const bug = kind === "threw" && !(error instanceof WebAssembly.Exception) && !(error instanceof Fault);
    const stack = error instanceof Error ? (error.stack ?? "") : "";
    this.#end.post({ type: "ending", kind, message: messageOf(error), stack, bug } satisfies EndingReport);
    this.#tell(ENDED.ended);
  }

  #tell(...params: readonly number[]): void {
    for (const [index, value] of params.entries()) this.#block.setParam(index, value);
  }

  // Requests.

  /** Asks the kernel; the answer. What is asked for has been written. */
  #request(request: number, other?: Otherwise): number {
    this.#ring(request);
    return this.#awaitAnswer(other);
  }

  #awaitAnswer(other?: Otherwise): number {
    const answer = this.#await(BLOCK.answer, other);
    this.#words[BLOCK.answer] = ANSWER.none;
    return answer;
  }

  #ring(request: number): void {
    const door = this.#door;
    this.#words[BLOCK.depth] = this.#nests.depth;
    Atomics.store(this.#words, BLOCK.request, request);
    Atomics.add(door, DOOR.rings, 1);
    const running = Atomics.load(door, DOOR.running);
    if (running !== 0) {
      if (!this.#flags.has(running)) this.#serveCommands();
      const flags = this.#flags.get(running);
      if (flags) Atomics.store(flags, FLAG, 1);
    }
    if (Atomics.load(door, DOOR.waits) !== 0) Atomics.notify(door, DOOR.rings);
  }

  host(engine: WorkerEngine, place: number, call: HostCall, args: readonly HostValue[]): HostValue {
    requireHostStack();
    const { params, results } = engine.info.imports[place]!.signature!;
    const block = this.#block;
    const scope = scopeCall(engine.info, place);
    if (scope === "scope_end") this.#scopes.ends(engine.entered, args[0] as number);
    const calls = place === engine.calls && call.progress === undefined;
    if (calls) {
      const came = this.#nests.again(engine, ...(args as [number, number, number]));
      if (came !== undefined) return this.#called(call, came, args as number[]);
      const [slot, opcode, address] = args as [number, number, number];
      if (this.#lines.call(this.#nests.depth, engine, slot, opcode, address)) {
        const answer = this.#awaitAnswer(this.#over);
        return answer === ANSWER.none ? this.#lines.take(engine, address) : this.#answered(answer, call, results[0]);
      }
      this.#lines.asks(this.#nests.depth);
    }
    block.setParam(0, place);
    block.setParam(1, call.progress === undefined ? 0 : 1);
    block.setParam(HOST_ROOM, calls && stackHasRoom() ? 1 : 0);
    for (const [index, type] of params.entries()) block.setValue(index, type, args[index]);
    const answer = this.#request(REQUEST.host, calls ? this.#over : undefined);
    if (scope === "scope_begin" && answer === ANSWER.result) this.#scopes.began(engine.entered, block.value(0, "i32"));
    if (answer === ANSWER.none) return this.#lines.take(engine, args[2] as number);
    if (answer !== ANSWER.nest) return this.#answered(answer, call, results[0]);
    const server = this.#engine(block.param(0));
    const came = this.#nests.begin(engine, server, ...(args as [number, number, number]));
    return this.#called(call, came, args as number[]);
  }

  /** A nested dispatch is over, or the kernel says what becomes of the call. */
  #called(call: HostCall, came: number | Crossing, [, opcode, address]: number[]): HostValue {
    if (typeof came === "number") return came;
    const { engine, ended } = came;
    if (typeof ended === "number") this.#tell(ENDED.returned, ended);
    else this.#ended(engine, ended);
    this.#block.setParam(NESTED, opcode!);
    this.#block.setParam(NESTED + 1, address!);
    this.#nests.depth++; // until the kernel has heard it
    const answer = this.#request(REQUEST.nested);
    this.#nests.depth--;
    return this.#answered(answer, call, "i32");
  }

  #answered(answer: number, call: HostCall, type: ValueTypeName | undefined): HostValue {
    const block = this.#block;
    switch (answer) {
      case ANSWER.result:
        return type === undefined ? undefined : block.value(0, type);
      case ANSWER.freeze:
        return call.freeze(block.param(0) === 0 ? undefined : true);
      case ANSWER.again:
        return call.freeze(call.progress as PlainData | undefined);
      case ANSWER.exit:
        return call.exit(block.param(0));
      default:
        throw new Error("a host function has failed");
    }
  }

  poll(engine: WorkerEngine): boolean {
    requireHostStack();
    const words = this.#words;
    const flags = engine.engine.words;
    Atomics.store(flags, FLAG, 0); // no plain store: whoever says something and sets it then is heard here, or at the next poll
    this.#serveCommands();
    if (Atomics.load(words, BLOCK.giveWay) !== 0) return true;
    if (Atomics.load(words, BLOCK.ask) === 0) return Atomics.load(words, BLOCK.contended) > 0;
    Atomics.store(flags, FLAG, 1);
    this.#request(REQUEST.poll);
    return this.#block.param(0) !== 0;
  }

  grow(memory: number, pages: number): ReturnType<EngineHost["grow"]> {
    requireHostStack();
    this.#block.setParam(0, memory);
    this.#block.numbers[0] = pages;
    this.#request(REQUEST.grow);
    const answer = GROWTH[this.#block.param(0)]!;
    return answer === "grown" ? this.#block.numbers[0]! : answer;
  }

  growTable(held: number): boolean {
    requireHostStack();
    this.#block.numbers[0] = held;
    this.#request(REQUEST.growTable);
    return this.#block.param(0) !== 0;
  }

  frames(thread: number, bytes: number): boolean {
    this.#block.setParam(0, thread);
    this.#block.numbers[0] = bytes;
    this.#request(REQUEST.frames);
    return this.#block.param(0) !== 0;
  }

  wait(memory: number, address: bigint, expected: bigint, timeout: bigint, width: number): [number, bigint] {
    requireHostStack();
    const { wides } = this.#block;
    this.#block.setParam(0, memory);
    this.#block.setParam(1, width);
    [wides[0], wides[1], wides[2]] = [address, expected, timeout];
    this.#request(REQUEST.wait);
    return [this.#block.param(0), wides[0]!];
  }

  /** A call by a line is over. */
  readonly #over: Otherwise = () => this.#lines.over;
  /** One has come. */
  readonly #comes: Otherwise = () => this.#lines.called();

  // Waiting, and commands.

  /** Waits until a word is not 0, or for something else: then it is. Serves commands meanwhile. */
  #await(word: number, other?: Otherwise): number {
    const words = this.#words;
    for (;;) {
      const bell = Atomics.load(words, BLOCK.bell);
      const commands = Atomics.load(words, BLOCK.commands);
      const value = Atomics.load(words, word);
      const came = value === 0 && (other?.() ?? false);
      this.#serveCommands(value === 0 ? commands : Atomics.load(words, BLOCK.before));
      if (value !== 0 || came) return value;
      if (!this.#patience.look(words, BLOCK.bell, bell)) this.#patience.sleep(words, BLOCK.bell, bell);
    }
  }

  /** @param count how many have been posted when those to be served had been */
  #serveCommands(count = Atomics.load(this.#words, BLOCK.commands)): void {
    while (this.#served !== count) {
      this.#served = (this.#served + 1) | 0;
      const { command, reply } = this.#end.receive() as Posted;
      if (!reply) this.#serve(command);
      else {
        this.#end.post(this.#replyTo(command));
        Atomics.add(this.#words, BLOCK.replies, 1);
        Atomics.notify(this.#words, BLOCK.replies);
      }
    }
  }

  #replyTo(command: Command): Reply {
    try {
      return { type: "reply", value: this.#serve(command) };
    } catch (thrown) {
      const code = thrown instanceof EngineFault ? thrown.code : "failed";
      return { type: "reply", fault: { code, message: messageOf(thrown) } };
    }
  }

  #serve(command: Command): unknown {
    switch (command.type) {
      case "load": {
        const engine = new WorkerEngine(command.load, this);
        this.#engines.set(command.load.engine, engine);
        return engine.loaded;
      }
      case "drop":
        return void this.#engines.delete(command.engine);
      case "windows":
        return this.#engine(command.engine).windowsChange(command.limit);
      case "flag":
        if (command.words) this.#flags.set(command.component, new Int32Array(command.words));
        else this.#flags.delete(command.component);
        return undefined;
      case "peer":
        return this.#lines.meet(command.number, command.block);
      case "globals":
        return this.#engine(command.engine).setGlobals(
          command.thread,
          command.instance,
          command.globals as readonly PlainData[],
        );
      default:
        return this.#engine(command.engine).call(command.name, command.args as readonly never[]);
    }
  }

  #engine(number: number): WorkerEngine {
    const engine = this.#engines.get(number);
    assert(engine, `engine ${number} is on this CPU`);
    return engine;
  }
}
