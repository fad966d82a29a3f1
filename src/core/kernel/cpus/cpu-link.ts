// The kernel's way to another CPU: its block, its port, and whether it is still there.
import { EngineFault } from "../../../engine/index.ts";
import { KERNEL_LIMITS } from "../limits.ts";
import { Commands, ring, valueIn } from "./commands.ts";
import { endSeat } from "./patience.ts";
import {
  BLOCK,
  BLOCK_BYTES,
  type Command,
  CpuBlock,
  type EndingReport,
  type StartCpu,
  type StartedCpu,
} from "./protocol.ts";

export interface CpuLinkOptions {
  readonly number: number;
  readonly door: SharedArrayBuffer;
  readonly start: StartCpu;
  /** Told once, when it is given up or has ended by itself. */
  readonly lost: (why: string) => void;
}

export class CpuLink {
  readonly block = new CpuBlock(new SharedArrayBuffer(BLOCK_BYTES));
  readonly #options: CpuLinkOptions;
  readonly #port: StartedCpu;
  readonly #commands: Commands;
  #lost: string | undefined;
  #closed = false;

  constructor(options: CpuLinkOptions) {
    this.#options = options;
    const { number, door } = options;
    const setup = { number, block: this.block.buffer, door, originMs: performance.timeOrigin };
    this.#port = options.start(setup, (why) => this.lose(why));
    this.#commands = new Commands(this.#port, this.block.words);
  }

  /** Why it is no more. */
  get lost(): string | undefined {
    return this.#lost;
  }

  get there(): boolean {
    return this.#lost === undefined && !this.#closed;
  }

  /** It is no more: nothing is waited for there, or told. */
  lose(why: string): void {
    if (!this.there) return;
    this.#lost = why;
    this.#port.terminate();
    endSeat(new Int32Array(this.#options.door), { words: this.block.words, index: BLOCK.seat });
    this.#options.lost(why);
  }

  /** Whether it has ended by itself, for whoever waits for it in place: the event loop hears of it only later. */
  get ended(): boolean {
    if (!this.#port.ended?.()) return false;
    this.lose(`CPU ${this.#options.number} has ended`);
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#port.terminate();
  }

  keepAlive(alive: boolean): void {
    this.#port.keepAlive(alive);
  }

  /** @param word of BLOCK, with work or an answer */
  give(word: number, value: number): void {
    const { words } = this.block;
    Atomics.store(words, BLOCK.before, Atomics.load(words, BLOCK.commands));
    Atomics.store(words, word, value);
    ring(words);
  }

  tell(command: Command): void {
    if (this.#lost === undefined) this.#commands.post(command, false);
  }

  /** @param flag as of `Commands.ask` @throws EngineFault as the function there; "busy" if the CPU is lost */
  ask(command: Command, flag: () => void): unknown {
    return valueIn(this.#commands.ask(command, flag) ?? this.#silent());
  }

  #silent(): never {
    const why = `CPU ${this.#options.number} has not answered for ${KERNEL_LIMITS.replyMs} ms`;
    if (!this.ended) this.lose(why);
    throw new EngineFault("busy", this.#lost ?? why);
  }

  /** What it says about the ending that it has told of. */
  takeEnding(): EndingReport {
    return this.#commands.takeEnding();
  }
}
