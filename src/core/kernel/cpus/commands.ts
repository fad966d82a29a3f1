// The kernel's end of the port of another CPU: commands, replies to them, and what is said about endings.
import { EngineFault } from "../../../engine/index.ts";
import { Fault } from "../../../util/index.ts";
import { KERNEL_LIMITS } from "../limits.ts";
import { Allowance } from "./patience.ts";
import { BLOCK, type Command, type EndingReport, type Posted, type Reply, type StartedCpu } from "./protocol.ts";

/** How long is waited in place before it is looked whether the CPU is still there, in milliseconds. */
export const LOOK_MS = 20;

export class Commands {
  readonly #port: StartedCpu;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #endings: EndingReport[] = [];

  /** @param words of the CPU's block */
  constructor(port: StartedCpu, words: Int32Array<SharedArrayBuffer>) {
    this.#port = port;
    this.#words = words;
  }

  post(command: Command, reply: boolean): void {
    this.#port.post({ command, reply } satisfies Posted);
    Atomics.add(this.#words, BLOCK.commands, 1);
    ring(this.#words);
  }

  /**
   * Waits for the reply; undefined: it has not come in time, or will not come any more.
   *
   * @param flag sees to it that what runs there looks for commands, which must not be before there is this one
   */
  ask(command: Command, flag: () => void): Reply | undefined {
    const before = Atomics.load(this.#words, BLOCK.replies);
    const replied = () => Atomics.load(this.#words, BLOCK.replies) !== before;
    this.post(command, true);
    flag();
    const allowance = new Allowance(KERNEL_LIMITS.replyMs, performance.now());
    for (let over = false; !replied() && !over; ) {
      Atomics.wait(this.#words, BLOCK.replies, before, LOOK_MS);
      over = allowance.used(performance.now()) || (!replied() && (this.#port.ended?.() ?? false));
    }
    return replied() ? this.#takeReply() : undefined;
  }

  #takeReply(): Reply {
    for (;;) {
      const message = this.#port.receive() as Reply | EndingReport;
      if (message.type === "reply") return message;
      this.#endings.push(message);
    }
  }

  takeEnding(): EndingReport {
    return this.#endings.shift() ?? (this.#port.receive() as EndingReport);
  }
}

/** The CPU looks what there is for it. */
export function ring(words: Int32Array<SharedArrayBuffer>): void {
  Atomics.add(words, BLOCK.bell, 1);
  Atomics.notify(words, BLOCK.bell);
}

/** @throws EngineFault as the function on the other CPU */
export function valueIn({ value, fault }: Reply): unknown {
  if (!fault) return value;
  if (fault.code === "failed") throw new CpuFault("failed", fault.message);
  throw new EngineFault(fault.code as "mismatch", fault.message);
}

/** "failed": what another CPU was asked to do has thrown what is no fault of the engine. */
export class CpuFault extends Fault<"failed"> {}
