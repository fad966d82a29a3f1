// WASI calls that ask guests' objects on the way. Such a question makes the thread wait, so the WASI call gives way to it
// and is issued again when the answer is there. Then it does all that it has done before once more, with the answers that
// it had been given: a function changes nothing of its own before its last question, or says so by `note`.
//
// I1  A question whose answer is not lost is never asked again.
// I2  An answer that has come is used: the call waits for nothing else before.
import type { GuestRanges, HostCall, PlainData, WaitOutcome } from "../abi/index.ts";
import type { HostAnswer, HostRequests, KernelThread } from "../core/index.ts";
import type { Capability } from "../session/index.ts";

/** The progress of a call that has asked. */
interface Asked {
  /** The function's own progress. */
  readonly own?: PlainData | undefined;
  readonly answers: readonly HostAnswer[];
  /** The question that is not answered yet; absent: it has been lost, and is to be asked again. */
  readonly call?: number;
}

/** Asks for the call that runs now. */
export type Ask = (capability: Capability, opcode: number, bytes: Uint8Array) => HostAnswer;

/** The conversations of one component: WASI calls of its threads. */
export class Conversations {
  readonly #requests: HostRequests;
  #current: Conversation | undefined;

  constructor(requests: HostRequests) {
    this.#requests = requests;
  }

  /** Makes a WASI call of a thread, in which `ask` can be called. */
  hold<T>(thread: KernelThread, call: HostCall, body: (call: HostCall) => T): T {
    const before = this.#current;
    const conversation = new Conversation(thread, call, this.#requests);
    this.#current = conversation;
    try {
      return body(conversation);
    } finally {
      this.#current = before;
      conversation.end();
    }
  }

  /** Outside of all calls nothing can be asked: the object is taken for one that has ended. */
  readonly ask: Ask = (capability, opcode, bytes) =>
    this.#current ? this.#current.ask(capability, opcode, bytes) : NOBODY_ASKS;
}

/** CALL_STATUS.invalidObject */
const NOBODY_ASKS = 1;

class Conversation implements HostCall {
  readonly #thread: KernelThread;
  readonly #outer: HostCall;
  readonly #requests: HostRequests;
  #own: PlainData | undefined;
  #answers: HostAnswer[] = [];
  /** How many of them have been used. */
  #used = 0;
  #call: number | undefined;
  /** The call gives way: what is not answered yet will be. */
  #leaving = false;

  constructor(thread: KernelThread, outer: HostCall, requests: HostRequests) {
    this.#thread = thread;
    this.#outer = outer;
    this.#requests = requests;
    const asked = askedIn(outer.progress);
    this.#own = asked ? asked.own : outer.progress;
    if (!asked) return;
    this.#answers = [...asked.answers];
    this.#call = asked.call;
  }

  get memory(): Uint8Array {
    return this.#outer.memory;
  }

  get progress(): PlainData | undefined {
    return this.#own;
  }

  get guest(): GuestRanges | undefined {
    const { guest } = this.#outer;
    if (!guest) return undefined;
    return {
      pieces: (address, length, write) => guest.pieces(address, length, write),
      reach: (address, length, write) => {
        this.#leaving = true; // it may, with the progress that the call was issued with
        const reached = guest.reach(address, length, write);
        this.#leaving = false;
        return reached;
      },
    };
  }

  ask(capability: Capability, opcode: number, bytes: Uint8Array): HostAnswer {
    const known = this.#answers[this.#used];
    if (known !== undefined) {
      this.#used++;
      return known;
    }
    const answer = this.#call === undefined ? this.#begin(capability, opcode, bytes) : this.#take(this.#call);
    this.#answers.push(answer);
    this.#used++;
    return answer;
  }

  #begin(capability: Capability, opcode: number, bytes: Uint8Array): HostAnswer {
    if (!capability.valid) return NOBODY_ASKS;
    const begun = this.#requests.begin(this.#thread, capability, opcode, bytes);
    return "answer" in begun ? begun.answer : this.#wait(begun.call);
  }

  #take(call: number): HostAnswer {
    const answer = this.#requests.take(this.#thread, call);
    if (answer === undefined) return this.#wait(call);
    this.#call = undefined;
    return answer;
  }

  #wait(call: number): never {
    this.#leaving = true;
    const asked: Asked = { own: this.#own, answers: this.#answers, call };
    return this.#outer.freeze(asked as unknown as PlainData);
  }

  /** What came before has taken effect. */
  note(progress?: PlainData): void {
    this.#own = progress;
    this.#answers = this.#answers.slice(this.#used);
    this.#used = 0;
  }

  wait(timeoutNs: bigint | undefined): WaitOutcome {
    if (this.#call !== undefined || this.#used < this.#answers.length) return "woken";
    return this.#outer.wait(timeoutNs);
  }

  freeze(progress?: PlainData): never {
    this.#leaving = true;
    return this.#outer.freeze(progress);
  }

  exit(code: number): never {
    return this.#outer.exit(code);
  }

  /** The call is over, or gives way. */
  end(): void {
    if (this.#call !== undefined && !this.#leaving) this.#requests.abandon(this.#thread, this.#call);
  }
}

/** Undefined: it is the progress of a function that has not asked. */
function askedIn(progress: PlainData | undefined): Asked | undefined {
  const { answers, call, own } = (progress ?? {}) as Partial<Asked>;
  if (!Array.isArray(answers)) return undefined;
  const sound = answers.every((answer) => typeof answer === "number" || answer instanceof Uint8Array);
  return { own, answers: sound ? answers : [], ...(typeof call === "number" ? { call } : {}) };
}
