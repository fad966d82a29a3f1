// What the kernel (on CPU 0) and another CPU say to each other.
//
//   kernel --work----> CPU   run a thread, or call a dispatch function: numbers in the CPU's block
//   kernel <-request-- CPU   what the thread asks for, or how its run has ended: numbers in the block; answered there
//   kernel --command-> CPU   everything else, by the port, some with a reply
//
// I1  A CPU has one request under way at most, and serves commands while it waits for the answer, when it has no work and
//     at every poll that finds its flag set. It asks nothing while it serves one: the kernel may wait for a reply.
// I2  The kernel answers from its event loop, or at a poll of a guest of its own, whose flag the CPU sets.
// I3  Commands, work and answers take effect in the order in which the kernel gives them: what it forgets behind the work
//     that needs it is still there when the work begins.
// I4  Whoever waits reads a counter first (bell, rings), looks, and waits for the counter to change.
import { MESSAGE, type PlainData } from "../../../abi/index.ts";
import type { RewriteOptions } from "../../../instrument/index.ts";
import type { RewrittenModule } from "../../program.ts";
import { KERNEL_LIMITS } from "../limits.ts";

/** Words of the door, which all CPUs share. */
export const DOOR = {
  /** Counts requests. */
  rings: 0,
  /** Not 0: the kernel waits for a ring. */
  waits: 1,
  /** The component on CPU 0 that runs now, by number; 0: none. */
  running: 2,
  /** How many more may look at a word instead of sleeping. */
  seats: 3,
} as const;
export const DOOR_BYTES = 64;

/** Words of a CPU's block. */
export const BLOCK = {
  /** Counts what the kernel has for this CPU. */
  bell: 0,
  /** Commands posted, and replies to them. */
  commands: 1,
  replies: 2,
  /** One of WORK. */
  work: 3,
  /** One of REQUEST. */
  request: 4,
  /** One of ANSWER. */
  answer: 5,
  /** The thread that runs gives way at its next poll. */
  giveWay: 6,
  /** Threads that are ready for this CPU: the one that runs gives way when its slice is over. */
  contended: 7,
  /** The kernel decides at each poll. */
  ask: 8,
  /** Commands that were posted before the work or answer that there is. */
  before: 9,
  /** In how many nested dispatches the thread stands that asks. */
  depth: 10,
  /** One of SEAT. */
  seat: 11,
  /** PARAMS words of what is asked, answered or to be done. */
  params: 16,
  /** One of GATE for each depth of nested dispatches: of the server whose dispatch a caller at this depth nests. */
  gates: 40,
  /** Of the line (lines.ts) that the caller on this CPU got last: its number, 0: none yet; the server's CPU. */
  line: 48,
  lineTo: 49,
  /** Counts calls by lines to this CPU: who comes first. */
  tickets: 50,
  /** Bytes: as many floating point numbers, and as many 64-bit integers. */
  numbers: 256,
  wides: 512,
  /**
   * Bytes: when the scope began that ends, NaN if it is not known, and when it ends; when the call by a line to this CPU
   * began that was served last, and how long those before took; milliseconds of the kernel's clock.
   */
  times: 768,
  /** By CPU: the number of the line that a caller there has to the server on this one, 0: none. Words, one for each CPU. */
  callers: 208,
  /** Bytes: LINE_BYTES for each CPU to which callers on this one can have lines. */
  lines: 1152,
} as const;
export const PARAMS = 16;
/** Indices in `times` of what is said of calls by a line. */
export const LINE_TIMES = { began: 2, spent: 3 } as const;

/** Whether a CPU has one of the door's seats; once it is lost it gets none. */
export const SEAT = { none: 0, taken: 1, lost: 2 } as const;

/** Words of the room for a line. */
export const LINE = {
  /** A `gateOf`. */
  gate: 0,
  /** The caller's slot for the object. */
  slot: 1,
  /** Of the call under way: opcode, message of the caller. */
  opcode: 2,
  address: 3,
  /** What it has come to, and how many bytes the message in `mail` has. */
  status: 4,
  bytes: 5,
  /** The server's slot for the object. */
  object: 6,
  /** Of the call under way. */
  ticket: 7,
  /** The line that the server's CPU was told of with the dispatch: those that have come later are for the same server. */
  first: 8,
  /** How many capabilities request and reply have, and the receivers' slots for them. */
  requests: 9,
  replies: 10,
  requestSlots: 12,
  replySlots: 20,
  /** Capabilities that both tables have: how many, and the slots of caller and server for each. */
  pairs: 11,
  pairSlots: 28,
  /** For each of them how often server and caller have received it by the line; twice, of which the gate says which holds. */
  received: 44,
  /** The message. */
  mail: 76,
} as const;

/** Capabilities that can go by a line. */
export const LINE_PAIRS = KERNEL_LIMITS.passed;
/** Words of `received` for one of the two. */
export const RECEIVED = 2 * LINE_PAIRS;

const BANK = 8;

/** The gate of a line. @param state one of GATE @param bank 0 or 1: which counts in `received` hold */
export function gateOf(number: number, state: number, bank = 0): number {
  return (number << 4) | (bank * BANK) | state;
}

/** What a gate says. */
export function lineAt(gate: number): { readonly number: number; readonly state: number; readonly bank: number } {
  return { number: gate >>> 4, state: gate & (BANK - 1), bank: (gate & BANK) / BANK };
}

/** Changes the state of a gate, if it is `from`. @returns the gate that was; undefined: it is another one */
export function changeGate(
  line: Int32Array<SharedArrayBuffer>,
  number: number,
  from: number,
  to: number,
): number | undefined {
  const gate = Atomics.load(line, LINE.gate);
  if (!gateIs(gate, number, from)) return undefined;
  const changed = Atomics.compareExchange(line, LINE.gate, gate, gate - from + to) === gate;
  return changed ? gate : undefined;
}

/** Whether a gate is that of a line and in that state. */
export function gateIs(gate: number, number: number, state: number): boolean {
  return (gate & ~BANK) === gateOf(number, state);
}

const LINE_BYTES = LINE.mail * 4 + MESSAGE.maxBytes;
export const BLOCK_BYTES = BLOCK.lines + KERNEL_LIMITS.cpus * LINE_BYTES;

export const WORK = {
  none: 0,
  /** engine, kernel's thread, engine's thread */
  run: 1,
  /**
   * engine, kernel's thread, instance, function, argument, kind, object, value; the number of the line that the caller
   * may get (0: none), its CPU, the server's message buffer
   */
  dispatch: 2,
} as const;

export const REQUEST = {
  none: 0,
  /**
   * A host function: its place among the program's imports, whether it is issued again, whether a dispatch has room
   * (HOST_ROOM); arguments by their types.
   */
  host: 1,
  /** Whether the thread gives way at this poll. */
  poll: 2,
  /** memory.grow: memory; pages as a number */
  grow: 3,
  /** memory.atomic.wait: memory, width; address, expected, timeout as wides */
  wait: 4,
  /** The run has ended: one of ENDED. */
  done: 5,
  /** A nested dispatch has: as `done`, and from NESTED on which call that was. */
  nested: 6,
  /** table.grow: the bytes that all tables would have then, as a number. */
  growTable: 7,
  /** FramesPolicy: the engine's thread; bytes as a number. */
  frames: 8,
} as const;

export const HOST_ROOM = 2;
/** Params of REQUEST.nested behind those of `done`: opcode, message of the caller. */
export const NESTED = 14;

export const ANSWER = {
  none: 0,
  /** A result, by its type; or what `poll`, `grow`, `growTable`, `frames` and `wait` say. */
  result: 1,
  /** The call gives way: whether it leaves progress, which the kernel keeps. */
  freeze: 2,
  /** The call gives way as if it had not been issued. */
  again: 3,
  /** The program exits. */
  exit: 4,
  /** The function has thrown; the kernel keeps what. */
  threw: 5,
  /** A server of this CPU answers: engine, kernel's thread, instance, function, argument, object, message buffer. */
  nest: 6,
} as const;

/** How a caller and the kernel share a server that has answered the caller (nests.ts, lines.ts). */
export const GATE = {
  /** The server is the kernel's. */
  closed: 0,
  /** The caller may call it again without asking. */
  open: 1,
  /** It answers. */
  inside: 2,
  /** It answers, and the kernel wants to know when it has; or, of a line, the kernel has taken the call. */
  last: 3,
  /** Of a line: it answers; `inside` is a call that has not begun. */
  taken: 4,
} as const;

export const ENDED = {
  /** result */
  returned: 0,
  /** FROZEN bits, engine's thread, fault type, fault instance, address or memory, pages */
  frozen: 1,
  /** code */
  exited: 2,
  /** By the port: an EndingReport. */
  ended: 3,
} as const;

/** In a host call; at an operation on memory. */
export const FROZEN = { call: 1, fault: 2 } as const;
export const FAULTS = ["read", "write", "grow"] as const;
/** What `grow` is answered with; "grown" with the pages that there were. */
export const GROWTH = ["grow", "grown", "refuse", "park"] as const;

export interface EndingReport {
  readonly type: "ending";
  /** "deep": this CPU's stack cannot hold the frames that the thread stands in. */
  readonly kind: "trapped" | "exhausted" | "threw" | "deep";
  readonly message: string;
  readonly stack: string;
  /** Thrown by a host function, not by the guest or the engine. */
  readonly bug: boolean;
}

/** What a CPU needs to make a component's engine. */
export interface LoadMessage {
  /** By which its CPU knows it; no other has had it there. */
  readonly engine: number;
  readonly label: string;
  readonly original: Uint8Array;
  readonly rewritten: RewrittenModule;
  readonly own: readonly number[];
  readonly count: number;
  /** That the program imports; default: a new one. */
  readonly memory?: WebAssembly.Memory;
  /** Of a program with windows. */
  readonly windows?: WindowsMessage;
  /** Of a program that was rewritten with marks. */
  readonly marks?: WebAssembly.Memory;
  /** Of a program that writes memory 0 twice. */
  readonly mirror?: { readonly memory: WebAssembly.Memory; readonly slots: number };
}

/** Pool and page table, and how the rewriter was asked for windows. */
export interface WindowsMessage {
  readonly options: RewriteOptions["windows"];
  readonly pool: WebAssembly.Memory;
  readonly table: WebAssembly.Memory;
  readonly limit: number;
}

/** Of a CPU's engine: its control memory, its memories by instance, its threads' own globals at the beginning. */
export interface LoadReply {
  readonly control: SharedArrayBuffer;
  readonly memories: readonly (readonly WebAssembly.Memory[])[];
  readonly initial: readonly (number | bigint)[];
}

/** Own globals of threads that have run. */
export interface SavedGlobals {
  readonly threads: readonly { readonly thread: number; readonly globals: readonly PlainData[] }[];
  /** One of them runs, and changes them. */
  readonly more: boolean;
}

export type Command =
  | { readonly type: "load"; readonly load: LoadMessage }
  | { readonly type: "drop"; readonly engine: number }
  /** A thread's own globals. */
  | {
      readonly type: "globals";
      readonly engine: number;
      readonly thread: number;
      readonly instance: number;
      readonly globals: readonly unknown[];
    }
  /** Limit or page table of a component have changed. */
  | { readonly type: "windows"; readonly engine: number; readonly limit: number }
  /** A component of CPU 0: its flag; without words it is no more. */
  | { readonly type: "flag"; readonly component: number; readonly words?: SharedArrayBuffer }
  /** Another CPU like this one. */
  | { readonly type: "peer"; readonly number: number; readonly block: SharedArrayBuffer }
  /** A function of engines. */
  | { readonly type: "engine"; readonly engine: number; readonly name: string; readonly args: readonly unknown[] };

/** Commands with a reply say so. */
export interface Posted {
  readonly command: Command;
  readonly reply: boolean;
}

export interface Reply {
  readonly type: "reply";
  readonly value?: unknown;
  readonly fault?: { readonly code: string; readonly message: string };
}

/** One end of the way for everything that is not numbers. */
export interface CpuEnd {
  post(message: unknown): void;
  /** The next message that has come, at once; undefined if there is none. */
  receive(): unknown;
}

/** What a CPU is started with. */
export interface CpuSetup {
  /** From 1 on. */
  readonly number: number;
  readonly block: SharedArrayBuffer;
  readonly door: SharedArrayBuffer;
  /** `performance.timeOrigin` of the kernel's thread. */
  readonly originMs: number;
}

/** A CPU that has been started, as the kernel has it. */
export interface StartedCpu extends CpuEnd {
  /** Whether it keeps the host's event loop alive. */
  keepAlive(alive: boolean): void;
  terminate(): void;
  /** Whether nothing runs there any more, for whoever does not get to the event loop; false if the host does not know. */
  ended?(): boolean;
}

/** @param lost told, from the event loop, when nothing runs there any more: it has ended, by itself or by `terminate` */
export type StartCpu = (setup: CpuSetup, lost: (why: string) => void) => StartedCpu;

/** The views of a block. */
export class CpuBlock {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly numbers: Float64Array<SharedArrayBuffer>;
  readonly wides: BigInt64Array<SharedArrayBuffer>;
  readonly times: Float64Array<SharedArrayBuffer>;
  readonly #lines: Int32Array<SharedArrayBuffer>[] = [];
  readonly buffer: SharedArrayBuffer;

  constructor(block: SharedArrayBuffer) {
    this.buffer = block;
    this.words = new Int32Array(block);
    this.numbers = new Float64Array(block, BLOCK.numbers, PARAMS);
    this.wides = new BigInt64Array(block, BLOCK.wides, PARAMS);
    this.times = new Float64Array(block, BLOCK.times, 4);
  }

  /** The words of the room for lines to a CPU. */
  line(to: number): Int32Array<SharedArrayBuffer> {
    const at = BLOCK.lines + to * LINE_BYTES;
    return (this.#lines[to] ??= new Int32Array(this.buffer, at, LINE_BYTES >> 2));
  }

  param(index: number): number {
    return this.words[BLOCK.params + index]!;
  }

  setParam(index: number, value: number): void {
    this.words[BLOCK.params + index] = value;
  }

  /** Arguments or results by their types: 64-bit integers as wides, all others as numbers. */
  value(index: number, type: string): number | bigint {
    return type === "i64" ? this.wides[index]! : this.numbers[index]!;
  }

  setValue(index: number, type: string, value: unknown): void {
    if (type === "i64") this.wides[index] = value as bigint;
    else this.numbers[index] = value as number;
  }
}
